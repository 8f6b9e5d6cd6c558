"""What came of runs, kept in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import msgspec

FOR_EVER: Final = (
    "dead letters",
    "one event for each request",
    "places of the sink",
    "seen facts",
    "statuses that went back",
)
"""Checks of which a surplus is none of work under way: only lines, or what was written once, decide."""
RESULTS: Final = Path(__file__).with_name("results.json")


class Difference(msgspec.Struct, frozen=True):
    """A check that does not balance: how many ids are missing, how many are in surplus, the first of them."""

    check: str
    missing: int
    surplus: int
    examples: list[str]


class Came(msgspec.Struct, frozen=True):
    """What came of a course.

    `blows`: what each saw of its effect; `idle`: those without. `fallen`: workers that ended by themselves.
    `problems`: why the books may not be believed.
    """

    course: str
    source: str
    seconds: float
    lines: int
    differences: list[Difference]
    blows: list[str]
    idle: list[str]
    fallen: list[str]
    problems: list[str]


class Kept(msgspec.Struct, frozen=True):
    """A run. `of`: fingerprint of the unpatched source."""

    came: Came
    of: str
    seed: int


class Book(msgspec.Struct):
    """The last run of each course without a patch, and of each mutant."""

    controls: dict[str, Kept] = {}
    mutants: dict[str, Kept] = {}

    @classmethod
    def read(cls) -> Self:
        """As it was left; an empty one before the first run."""
        return msgspec.json.decode(RESULTS.read_bytes(), type=cls) if RESULTS.exists() else cls()

    def has_control(self, course: str, source: str, seed: int) -> bool:
        """Whether this very source balanced on this course."""
        kept = self.controls.get(course)
        return kept is not None and (kept.of, kept.seed) == (source, seed) and is_green(kept.came)

    def keep_control(self, came: Came, source: str, seed: int) -> None:
        """Keep a run without a patch."""
        self.controls[came.course] = Kept(came, source, seed)
        self._write()

    def keep_mutant(self, name: str, came: Came, source: str, seed: int) -> None:
        """Keep a mutant's run."""
        self.mutants[name] = Kept(came, source, seed)
        self._write()

    def _write(self) -> None:
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(self, order="sorted")) + b"\n")


def is_green(came: Came) -> bool:
    """All books balance, every blow had its effect, nobody fell."""
    return not (came.differences or came.idle or came.fallen or came.problems)


def is_caught(came: Came) -> bool:
    """The books differ, and may be believed: what is repeated stays so even where something still moved."""
    return any(not came.problems or _stays(one) for one in came.differences)


def _stays(one: Difference) -> bool:
    return one.surplus > 0 and not one.missing and one.check.startswith(FOR_EVER)


def verdict(came: Came) -> str:
    """One line, and one for each check that differs."""
    lines = [f"{'RED' if came.differences else 'balanced'} after {came.seconds:.0f} s, {came.lines} lines"]
    lines += [f"    {one.check}: {one.missing} missing, {one.surplus} in surplus" for one in came.differences]
    lines += [f"    {one}" for one in (*came.idle, *came.fallen, *came.problems)]
    return "\n".join(lines)
