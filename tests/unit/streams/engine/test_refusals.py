"""Finding the event whose output the broker refuses (design rule 11)."""

from __future__ import annotations

import pytest

from streams.engine.api import LATER, Event, StageFailedError, Unreadable
from streams.engine.refusals import Refusals
from tests.unit.streams.engine.desks import record, relay, stage_of


def run(
    refusals: Refusals, offsets: list[int], poison: set[int], letters: frozenset[int] = frozenset()
) -> tuple[int, list[int]]:
    """Send events until all are through: how many transactions it took, and who was buried.

    `poison`: outputs refused; `letters`: refused as dead letters too, until they are stubs.
    """
    attempts, buried, left = 0, [], list(offsets)
    while left:
        attempts += 1
        events = refusals.marked([record(offset) for offset in left[: refusals.at_most]])
        refusals.attempt(events)
        if any(refused(refusals, event, poison, letters) for event in events):
            refusals.note("MessageSizeTooLargeError")
            continue
        buried += [event.offset for event in events if type(event.value) is Unreadable]
        refusals.passed()
        left = left[len(events) :]
    return attempts, buried


def refused(refusals: Refusals, event: Event, poison: set[int], letters: frozenset[int]) -> bool:
    if type(event.value) is Unreadable:
        return event.offset in letters and not refusals.of_letter(event)
    return event.offset in poison


@pytest.mark.parametrize("poison", [set(), {0}, {777}, {1999}, {3, 4, 900}])
def test_the_refused_one_is_buried_and_no_other(poison: set[int]) -> None:
    """Mutation tried: blaming the first record of the batch, as it was: fails."""
    attempts, buried = run(Refusals(stage_of(relay, max_batch=2000)), list(range(2000)), poison)
    assert sorted(poison) == buried
    assert attempts <= 1 + 15 * len(poison)


def test_a_batch_that_is_too_large_together_passes_in_parts() -> None:
    """A topic may take less than our batches, though it takes every record: nothing is buried."""
    refusals = Refusals(stage_of(relay, max_batch=64))
    events = [record(number) for number in range(64)]
    refusals.attempt(events)
    refusals.note("too large")
    assert 32 == refusals.at_most
    sent = 0
    while sent < 64:
        refusals.attempt(events[sent : sent + refusals.at_most])
        sent += refusals.at_most
        refusals.passed()
    assert 64 == refusals.at_most
    assert all(event.value is LATER for event in refusals.marked(events))


def test_a_refused_dead_letter_leaves_a_stub() -> None:
    _, buried = run(Refusals(stage_of(relay)), list(range(10)), {4, 7}, frozenset({4}))
    assert [4, 7] == buried


def test_when_not_even_a_stub_is_taken_the_stage_stops() -> None:
    """Mutation tried: no count of refusals (for ever): fails."""
    refusals = Refusals(stage_of(relay))
    for _ in range(2):
        refusals.attempt([record(1)])
        refusals.note("no")
    refusals.attempt([record(1)])
    with pytest.raises(StageFailedError, match="test: even its dead letters are refused: no"):
        refusals.note("no")


def test_timers_are_told_apart_by_their_rows() -> None:
    refusals = Refusals(stage_of(relay))
    one, other = (Event(LATER, key, 0, (), "", -1, -1, b"x") for key in (b"t1", b"t2"))
    refusals.attempt([one])
    refusals.note("no")
    refusals.marked([one, other])
    assert (Unreadable("output refused by the broker: no"), LATER) == (one.value, other.value)


def test_a_refusal_without_a_batch_changes_nothing() -> None:
    """Opening a task writes too."""
    refusals = Refusals(stage_of(relay, max_batch=7))
    refusals.note("no")
    assert 7 == refusals.at_most
