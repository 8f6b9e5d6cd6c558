"""A breaker under any answers at any times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.providers.breaker import MISCONFIGURED_IN_A_ROW, Breaker, Result, Terms

TERMS = Terms(calls=4, window_ms=3_000, pause_ms=2_000, misconfigured_pause_ms=5_000)
LONGEST = TERMS.misconfigured_pause_ms
T0 = 1_747_830_896_000
STEPS = st.lists(st.tuples(st.sampled_from(Result), st.integers(0, 1_500)), max_size=60)


def played(steps: list[tuple[Result, int]]) -> list[tuple[Breaker, int]]:
    """The breaker after each answer: of a call that was let, tries and all, as a process makes them."""
    breaker, now, found = Breaker(), T0, [(Breaker(), T0)]
    for result, later in steps:
        now += later
        if not breaker.paused_until(now, TERMS):
            tries = breaker.cause is not None
            begun = breaker.tried(now, TERMS)
            breaker = begun.returned(result, now, TERMS) if tries else begun.answered(result, now, TERMS)
        found.append((breaker, now))
    return found


@pytest.mark.spec("NS-OPS-OP-06")
@given(STEPS)
def test_it_never_opens_without_failures(steps: list[tuple[Result, int]]) -> None:
    well = [(Result.ANSWERED, later) for _, later in steps]
    assert all(breaker.cause is None for breaker, _ in played(well))


@pytest.mark.spec("NS-OPS-OP-06")
@given(STEPS)
def test_it_opens_by_enough_failures_only(steps: list[tuple[Result, int]]) -> None:
    bad = sum(result is not Result.ANSWERED for result, _ in steps)
    opened = any(breaker.cause is not None for breaker, _ in played(steps))
    assert not opened or bad >= min(TERMS.calls // 2, MISCONFIGURED_IN_A_ROW)


@pytest.mark.spec("NS-OPS-OP-06")
@given(STEPS)
def test_it_always_recovers_by_one_answer_after_its_pause(steps: list[tuple[Result, int]]) -> None:
    breaker, now = played(steps)[-1]
    assert 0 == breaker.paused_until(now + LONGEST, TERMS)
    later = now + LONGEST
    step = breaker.returned if breaker.cause else breaker.answered
    assert step(Result.ANSWERED, later, TERMS).cause is None


@given(STEPS)
def test_no_pause_is_longer_than_its_terms_say(steps: list[tuple[Result, int]]) -> None:
    assert all(breaker.paused_until(now, TERMS) <= now + LONGEST for breaker, now in played(steps))


@given(STEPS)
def test_a_share_of_a_weight_is_never_nothing_and_whole_again_after_the_window(
    steps: list[tuple[Result, int]],
) -> None:
    for breaker, now in played(steps):
        assert 0.25 <= breaker.share(now, TERMS) <= 1.0
        assert 1.0 == breaker.share(now + TERMS.window_ms, TERMS)
