"""Runs a target: so many examples, or for so long with ever new ones, or under atheris."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.fuzz.target import Check, Target, bounded

ROUND = 250
"""Examples of one round of a long run; each has a seed of its own."""
QUIETLY = settings(
    deadline=None,  # what never ends is found by CPU time
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    verbosity=Verbosity.quiet,
    print_blob=True,
)


def run_examples(target: Target, count: int) -> None:
    """The same examples in every run; raises what the first failing one, made small, raises."""
    with target.world() as check:
        settings(QUIETLY, derandomize=True, max_examples=count)(_property(target, check))()


def run_for(target: Target, seconds: float, first_seed: int, tell: Callable[[str], None]) -> None:
    """New examples until the time is over; raises as `run_examples`, after telling the round's seed."""
    ends, number = time.monotonic() + seconds, first_seed
    with target.world() as check:
        while time.monotonic() < ends:
            held = seed(number)(settings(QUIETLY, max_examples=ROUND)(_property(target, _until(ends, check))))
            try:
                held()
            except BaseException:
                tell(f"{target.name}: found with --seed {number}")
                raise
            number += 1
    tell(f"{target.name}: {number - first_seed} rounds of up to {ROUND} inputs, nothing found")


def entry_of(target: Target, check: Check) -> Callable[[bytes], object]:
    """What atheris calls with bytes of its own; hypothesis makes an input of them."""
    held: Any = settings(QUIETLY, phases=(Phase.generate,))(_property(target, check))
    entry: Callable[[bytes], object] = held.hypothesis.fuzz_one_input
    return entry


def _property(target: Target, check: Check) -> Any:
    @given(target.inputs)
    def held(value: Any) -> None:
        with bounded():
            check(value)

    return held


def _until(ends: float, check: Check) -> Check:
    """A round does not outlive the run; an input that failed before is always tried again."""
    failed: list[Any] = []

    def checked(value: Any) -> None:
        if failed or time.monotonic() < ends:
            try:
                check(value)
            except BaseException:
                failed.append(value)
                raise

    return checked
