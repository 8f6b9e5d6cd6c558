"""Calls of many tasks in one process: places, room, and who goes first (design rule 14, promise 3)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from streams.engine import calls as calls_module
from streams.engine import performing as performing_module
from streams.engine.calls import Calls
from streams.engine.effects import Effects
from streams.engine.turns import Turns
from tests.unit.streams.engine.desks import Call
from tests.unit.streams.engine.lives import turns
from tests.unit.streams.engine.outsides import TRACE, Outside, intent, many, shared_by

# ---- many tasks, one process ----


async def test_an_urgent_call_begins_before_those_of_other_tasks_that_wait() -> None:
    """Mutation tried: places of each task its own: fails (`u` begins at once beside `1`)."""
    calls = Calls(Turns(), 1)
    one, two = Outside(), Outside()
    two.begun = one.begun
    for outside in (one, two):
        outside.route = replace(outside.route, urgent=lambda call: call.id == b"u")
        outside.effects = Effects(outside.route, lambda: 77, outside.woken.set, calls)
    one.begin(Call(b"1", b"1", b"hang"), Call(b"2", b"2"), Call(b"3", b"3"))
    two.begin(Call(b"u"))
    await turns(20)
    assert [b"1"] == one.begun
    one.let_go.set()
    await one.results(3)
    assert [b"1", b"u", b"2", b"3"] == one.begun


async def test_a_call_that_waits_for_its_place_at_a_close_never_began() -> None:
    """Mutations tried: `begun` before the place is there: fails; waiting for it at a close: fails."""
    outside = Outside()
    outside.route = replace(outside.route, at_once=1)
    outside.effects = outside.anew()
    outside.begin(Call(b"1", b"1", b"hang"), Call(b"2", b"2"))
    await turns(20)
    closing = asyncio.create_task(outside.effects.close(30))
    await turns(5)
    outside.let_go.set()
    await closing
    assert [b"1"] == outside.begun
    assert [(b"2", TRACE, b"2/2/")] == outside.effects.never_begun()


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


async def test_a_call_that_waited_too_long_for_its_place_lapses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was stopped meanwhile may have a successor.

    Mutation tried: the look at the clock before the place is there: fails.
    """
    clock = Clock()
    monkeypatch.setattr(performing_module, "time", clock)
    outside = Outside()
    outside.route = replace(outside.route, at_once=1)
    outside.effects = outside.anew()
    outside.begin(Call(b"1", b"1", b"hang"), Call(b"2", b"2"), since=0.0)
    await turns(5)
    clock.now = 6.0
    outside.let_go.set()
    assert [("done", b"1"), ("lapsed", b"2")] == await outside.results(2)


# ---- open calls of a process ----


async def test_no_task_takes_new_input_while_the_process_has_two_open_calls_for_each_place() -> None:
    """Each open call then waits for its place about as long as two calls take, far from lapsing.

    Mutation tried: `room` of the task alone: fails.
    """
    one, two = shared_by(Calls(Turns(), 4), 2)
    assert (8, 8) == (one.effects.places()[0], two.effects.places()[0])
    one.effects.intend([intent(call) for call in many(6)])
    assert 2 == two.effects.places()[0], "about to be committed"
    one.begin(*many(6, b"hang"))
    assert (2, 2) == (one.effects.places()[0], two.effects.places()[0])
    two.begin(*many(2, b"hang"))
    assert two.effects.places()[0] <= 0
    two.woken.clear()
    one.let_go.set()
    await one.results(6)
    assert (6, True) == (two.effects.places()[0], two.woken.is_set()), "whoever was refused is woken"
    two.let_go.set()
    await two.results(2)


async def test_a_task_that_comes_late_finds_room_beside_those_that_take_all_they_get() -> None:
    """Seen in a run of 16 tasks: those that came first took each place that came free, most never any.

    Mutation tried: no look at what a task has open itself: fails.
    """
    tasks = shared_by(Calls(Turns(), 16), 4)
    for place, one in enumerate(tasks[:3]):
        while (free := one.effects.places()[0] - one.effects.places()[1]) > 0:
            one.begin(*many(free, b"hang", name=f"{place}-{one.effects.load}-"))
    assert [16, 8, 4, 0] == [one.effects.load for one in tasks]
    assert 2 == tasks[3].effects.places()[0] - tasks[3].effects.places()[1]
    for one in tasks[:3]:
        one.let_go.set()
        await one.results(one.effects.load)


async def test_calls_that_wait_for_another_of_their_key_take_no_room_of_other_tasks() -> None:
    """One hanging call delays its own key only. Mutation tried: all open calls counted: fails."""
    one, two = shared_by(Calls(Turns(), 4), 2)
    one.begin(*(Call(b"%d" % number, b"key", b"hang") for number in range(8)))
    assert 7 == two.effects.places()[0]
    one.let_go.set()
    await one.results(8)


async def test_bulk_that_hangs_leaves_open_calls_and_places_to_urgent_ones() -> None:
    """Mutations tried: none kept of the process's open calls: fails; none of its places: hangs, fails."""
    one, two = shared_by(Calls(Turns(), 4, kept=1), 2)
    one.begin(*many(6, b"hang"))
    assert (2, 2) == (two.effects.places()[0], two.effects.places()[1]), "no more bulk"
    await turns(40)
    two.begin(*many(5, name="u"))
    await two.results(5)
    assert 3 == len(one.begun)
    one.let_go.set()
    await one.results(6)


async def test_of_short_calls_more_may_be_open_than_two_for_each_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many as the places manage in a second; urgent calls do not count, they end while all others hang.

    Mutations tried: two for each place, always: fails; urgent ones counted: fails; long ones not: fails.
    """
    clock = Clock()
    monkeypatch.setattr(calls_module, "time", clock)
    calls = Calls(Turns(), 2)
    one, two = shared_by(calls, 2)
    one.begin(*many(100, name="u"))
    await one.results(100)
    assert 4 == calls.room(two.woken.set, 0)[0]
    one.begin(*many(200))
    await one.results(300)
    assert calls.room(two.woken.set, 0)[0] > 1_000
    one.begin(*many(2, b"hang"))
    await turns(40)
    clock.now = 4.0
    one.let_go.set()
    await one.results(302)
    assert 5 == calls.room(two.woken.set, 0)[0], "the first of four seconds makes it 0.2 s, the second 0.39 s"


async def test_calls_that_lapsed_do_not_make_calls_look_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """They lapse because the provider hangs: with room for more, more would lapse.

    Mutation tried: whatever had a place counts: fails.
    """
    clock = Clock()
    monkeypatch.setattr(calls_module, "time", clock)
    calls = Calls(Turns(), 2)
    one, two = shared_by(calls, 2)
    one.begin(*many(50), since=time.monotonic() - 5.1)
    assert [("lapsed", call.id) for call in many(50)] == await one.results(50)
    assert 4 == calls.room(two.woken.set, 0)[0]


async def test_calls_that_are_refused_where_they_would_be_made_do_not_make_calls_look_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a breaker, or for their campaign was withdrawn. Mutation tried: they count: fails."""
    monkeypatch.setattr(calls_module, "time", Clock())
    calls = Calls(Turns(), 2)
    one, two = shared_by(calls, 2)
    one.begin(*many(50, b"refuse"))
    assert [("lapsed", call.id) for call in many(50)] == await one.results(50)
    assert 4 == calls.room(two.woken.set, 0)[0]


async def test_a_task_that_closes_leaves_its_room_to_the_others() -> None:
    """Mutation tried: `close` tells nothing: fails."""
    calls = Calls(Turns(), 1)
    one, two = shared_by(calls, 2, limit=1)
    one.route = replace(one.route, limit=1)
    one.begin(*many(2, b"hang"))
    assert 0 == two.effects.places()[0]
    await turns(5)
    await one.effects.close(0)
    await turns(2)
    assert (1, (2, 1)) == (two.effects.places()[0], calls.room(two.woken.set, 0))
    two.effects.intend([intent(call) for call in many(2)])
    await two.effects.close(0)
    assert (2, 1) == calls.room(two.woken.set, 0)


async def test_what_came_of_a_lapsed_call_keeps_its_place_under_another_id() -> None:
    """Another provider makes another id. Mutation tried: found by its id: fails, `2` goes out first."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.settle(Call(b"1-elsewhere"))
    assert [("done", b"1-elsewhere"), ("done", b"2")] == await outside.results(2)
    assert 0 == outside.effects.load


async def test_a_later_call_does_not_take_the_place_of_one_that_lapsed_and_is_wanted_no_more() -> None:
    """It came of something else. Mutation tried: by key alone: fails."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.effects.handled(list(outside.effects.results))
    outside.effects.begin([intent(Call(b"3"))], time.monotonic())
    assert [("done", b"2"), ("done", b"3")] == await outside.results(2)
