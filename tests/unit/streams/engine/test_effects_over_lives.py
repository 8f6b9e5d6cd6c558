"""Calls over opens, reopens and closes of their task (design rule 14)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from streams.engine.api import NotYet, Unreadable
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns as let_turn
from tests.unit.streams.engine.outsides import TRACE, Outside, intent, opened

# ---- open ----


async def test_an_effect_found_at_open_is_hidden_unless_it_was_surely_not_begun() -> None:
    """Mutation tried: all of them hidden, or all of them begun: fails."""
    outside = Outside()
    rows = opened(b"1") + opened(b"2", may_have_begun=False)
    outside.effects.open(rows, time.monotonic())
    assert {("hidden", b"1"), ("done", b"2")} == set(await outside.results(2))
    assert [b"2"] == outside.begun
    assert all(TRACE == event.raw_headers for event in outside.effects.results)


async def test_what_was_not_begun_stays_so_though_the_commit_that_notes_it_otherwise_is_unknown() -> None:
    """It did commit: the next open finds it as maybe begun. Mutation tried: `find` notes nothing: fails."""
    outside = Outside()
    outside.effects.find(opened(b"1") + opened(b"2", may_have_begun=False))
    outside.effects.open(opened(b"1", b"2"), time.monotonic())
    assert {("hidden", b"1"), ("done", b"2")} == set(await outside.results(2))


async def test_an_effect_surely_not_begun_lapses_when_opening_took_too_long() -> None:
    outside = Outside()
    outside.effects.open(opened(b"2", may_have_begun=False), time.monotonic() - 6)
    assert [("lapsed", b"2")] == await outside.results(1)


async def test_an_open_effect_that_cannot_be_decoded_is_buried_in_its_turn() -> None:
    """Found by reading: one such row made the stage unable to open, for ever."""

    def decode(raw: bytes) -> Call:
        if raw.startswith(b"later"):
            raise NotYet("schema")
        raise ValueError("no such call")

    outside = Outside()
    outside.route = replace(outside.route, decode=decode)
    outside.effects = outside.anew()
    outside.effects.open(opened(b"1"), time.monotonic())
    (value,) = await outside.results(1)
    assert Unreadable("an open effect: ValueError: no such call") == value
    with pytest.raises(NotYet):
        outside.effects.open(opened(b"later"), time.monotonic())


async def test_calls_and_results_in_hand_outlive_a_reopening() -> None:
    """A failed transaction says nothing about calls: without this a hiccup of Kafka made every one `hidden`.

    Mutation tried: `_keep` knows none: fails (hidden beside done).
    """
    outside = Outside()
    outside.begin(Call(b"1"), Call(b"2", b"l", b"hang"), Call(b"3", b"l"))
    await outside.results(1)
    outside.effects.open(opened(b"1", b"2", b"3", b"4"), time.monotonic())
    outside.let_go.set()
    assert {("done", b"1"), ("hidden", b"4"), ("done", b"2"), ("done", b"3")} == set(await outside.results(4))
    assert 4 == len(outside.effects.results)
    assert 0 == outside.effects.load


async def test_what_is_recorded_no_more_is_dropped_at_a_reopening() -> None:
    """Its result was handled by a commit of unknown outcome, or by another worker: never begin or tell it.

    Mutation tried: results and calls stay whatever is found: fails.
    """
    outside = Outside()
    outside.begin(Call(b"1"), Call(b"2", b"l", b"hang"), Call(b"3", b"l"))
    await outside.results(1)
    await let_turn(5)
    outside.effects.open([], time.monotonic())
    outside.begin(Call(b"4"), Call(b"5", b"l"))
    outside.let_go.set()
    assert {("done", b"4"), ("done", b"5")} == set(await outside.results(2))
    assert [b"1", b"2", b"4", b"5"] == outside.begun
    assert 0 == outside.effects.load


async def test_an_intent_whose_commit_has_an_unknown_outcome_was_begun_by_nobody() -> None:
    """Mutation tried: hidden: fails."""
    outside = Outside()
    outside.effects.intend([intent(Call(b"1")), intent(Call(b"2"))])
    outside.effects.open(opened(b"1", b"0"), time.monotonic())
    assert {("done", b"1"), ("hidden", b"0")} == set(await outside.results(2))
    outside.effects.results.clear()
    outside.effects.open(opened(b"1"), time.monotonic())
    assert [("hidden", b"1")] == await outside.results(1)


async def test_a_call_that_never_began_is_handed_on_from_life_to_life_as_it_was_recorded() -> None:
    """Mutation tried: nothing is known of its bytes: fails. The next life could not read it."""
    outside = Outside(limit=1)
    outside.begin(Call(b"0", b"k", b"hang"))
    await let_turn(5)
    outside.effects.open([*opened(b"0"), *opened(b"1", may_have_begun=False)], time.monotonic())
    await outside.effects.close(0)
    assert [(b"1", TRACE, b"1/k/")] == outside.effects.never_begun()


# ---- close ----


async def test_a_close_begins_nothing_waits_for_what_runs_and_tells_what_never_began() -> None:
    """Mutations tried: `_start_ready` without `_closing`: fails; all waiting ones told: fails."""
    outside = Outside(limit=1)
    outside.begin(Call(b"1", b"k", b"hang"), Call(b"2", b"k"), Call(b"3", b"l"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(outside.effects.close(30))
    await asyncio.sleep(0)
    outside.let_go.set()
    await closing
    assert [("done", b"1")] == [event.value for event in outside.effects.results]
    assert [(b"2", TRACE, b"2/k/"), (b"3", TRACE, b"3/l/")] == sorted(outside.effects.never_begun())
    assert [b"1"] == outside.begun
    outside.begin(Call(b"4", b"m"))
    await asyncio.sleep(0)
    assert [b"1"] == outside.begun


async def test_a_call_that_outlives_the_deadline_is_cut_and_keeps_its_row() -> None:
    """It has no result and is not told as never begun: its row stays, and the successor finds it hidden."""
    outside = Outside()
    outside.begin(Call(b"1", b"k", b"hang"))
    await asyncio.sleep(0)
    await outside.effects.close(0)
    assert [] == list(outside.effects.results)
    assert [] == outside.effects.never_begun()
