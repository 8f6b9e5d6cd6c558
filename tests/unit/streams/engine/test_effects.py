"""Calls of one task: when they begin, what a crash, a failure or a close makes of them (design rule 14)."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from streams.engine import calls as calls_module
from streams.engine import effects as effects_module
from streams.engine import inner
from streams.engine.api import Event, NotYet, Unreadable
from streams.engine.calls import Calls
from streams.engine.effects import Effects
from streams.engine.turns import Turns
from tests.unit.streams.engine.desks import EFFECT, Call
from tests.unit.streams.engine.lives import turns

TRACE = (("traceparent", b"t"),)


class Outside:
    """What calls reach. Calls whose body is `hang` end only when they are let go."""

    def __init__(self, limit: int = 500, ttl_s: float = 5.0) -> None:
        self.begun: list[bytes] = []
        self.open: defaultdict[bytes, int] = defaultdict(int)
        self.most_at_once = 0
        self.let_go = asyncio.Event()
        self.woken = asyncio.Event()
        self.route = replace(EFFECT, perform=self.perform, limit=limit, intent_ttl_s=ttl_s)
        self.effects = self.anew()

    def anew(self) -> Effects:
        return Effects(self.route, lambda: 77, self.woken.set)

    async def perform(self, call: Call) -> object:
        self.begun.append(call.id)
        self.open[call.key] += 1
        assert self.open[call.key] == 1, "one in flight per key"
        self.most_at_once = max(self.most_at_once, sum(self.open.values()))
        if call.body == b"hang":
            await self.let_go.wait()
        await asyncio.sleep(0)
        self.open[call.key] -= 1
        if call.body == b"break":
            raise ZeroDivisionError
        if call.body == b"cancel":
            raise asyncio.CancelledError
        return ("done", call.id)

    def begin(self, *calls: Call, since: float | None = None) -> None:
        moment = time.monotonic() if since is None else since
        self.effects.begin([(call.id, call, TRACE) for call in calls], moment)

    def settle(self, *calls: Call) -> None:
        """The results so far are committed, and these calls with them."""
        self.effects.handled(list(self.effects.results))
        self.begin(*calls)

    async def results(self, count: int) -> list[object]:
        while len(self.effects.results) < count:
            self.woken.clear()
            async with asyncio.timeout(30):
                await self.woken.wait()
        return [event.value for event in self.effects.results]


def opened(*ids: bytes, may_have_begun: bool = True) -> list[tuple[bytes, bool, Any, bytes]]:
    """Rows as they are found at open."""
    return [(one, may_have_begun, TRACE, EFFECT.encode(Call(one))) for one in ids]


async def test_a_result_is_an_event_with_the_effects_row_headers_and_call() -> None:
    outside = Outside()
    outside.begin(Call(b"1"))
    assert [("done", b"1")] == await outside.results(1)
    event = outside.effects.results[0]
    assert (inner.EFFECT + b"1", 77, TRACE, "", b"1/k/") == (
        event.key,
        event.at,
        event.raw_headers,
        event.topic,
        event.raw,
    )


async def test_a_hanging_call_beside_499_others_delays_its_own_key_only() -> None:
    """Mutation tried: one queue for all keys: fails (nothing but the hanging call begins)."""
    outside = Outside()
    others = [Call(b"%d" % number, b"key%d" % number) for number in range(499)]
    outside.begin(Call(b"h1", b"hanging", b"hang"), Call(b"h2", b"hanging"), *others)
    assert {("done", call.id) for call in others} == set(await outside.results(499))
    assert b"h2" not in outside.begun
    outside.let_go.set()
    assert [("done", b"h1"), ("done", b"h2")] == (await outside.results(501))[499:]
    assert 0 == outside.effects.load


async def test_calls_of_one_key_are_made_in_order() -> None:
    outside = Outside()
    outside.begin(*(Call(b"%d" % number) for number in range(20)))
    await outside.results(20)
    assert [b"%d" % number for number in range(20)] == outside.begun


async def test_calls_of_a_commit_of_unknown_outcome_begin_in_the_order_of_their_intents() -> None:
    """Rows are found in the order of their ids. Mutation tried: begun as found: fails."""
    outside = Outside()
    ids = [b"z", b"a", b"m"]
    outside.effects.intend([(one, Call(one), TRACE) for one in ids])
    outside.effects.open(opened(*sorted(ids)), time.monotonic())
    await outside.results(3)
    assert ids == outside.begun


async def test_no_more_calls_at_once_than_the_limit_and_no_more_input_when_it_is_reached() -> None:
    """Mutations tried: no look at the limit in `_start_ready`: fails; results not counted as open: fails."""
    outside = Outside(limit=3)
    outside.begin(*(Call(b"%d" % number, b"%d" % number, b"hang") for number in range(3)))
    assert (0, True) == (outside.effects.room, outside.effects.saturated)
    outside.begin(Call(b"x", b"x"))
    await turns(20)
    assert 3 == len(outside.begun)
    outside.let_go.set()
    await outside.results(4)
    assert 3 == outside.most_at_once
    assert (-1, True) == (outside.effects.room, outside.effects.saturated)
    outside.effects.handled(list(outside.effects.results)[:2])
    assert (1, False) == (outside.effects.room, outside.effects.saturated)


async def test_results_leave_when_they_are_committed_and_not_before() -> None:
    outside = Outside()
    outside.begin(Call(b"1"), Call(b"2", b"l"))
    await outside.results(2)
    first = outside.effects.results[0]
    outside.effects.handled([])
    outside.effects.handled([Event(first.value, first.key, 0, (), "", -1, -1)])
    assert 2 == len(outside.effects.results)
    outside.effects.handled([first])
    assert [("done", b"2")] == [event.value for event in outside.effects.results]


async def test_an_effect_not_begun_in_time_lapses() -> None:
    """`since` lies before the commit was tried.

    A process stopped inside its commit wakes as a zombie that has just learned of its success, while its
    successor has told the agent that the effect is hidden. Mutations tried: no look at the clock: fails; the
    clock of `begin` instead of `since`: fails.
    """
    outside = Outside()
    outside.begin(Call(b"old"), since=time.monotonic() - 5.1)
    assert [("lapsed", b"old")] == await outside.results(1)
    assert [] == outside.begun


async def test_an_effect_that_waited_too_long_for_its_key_lapses() -> None:
    outside = Outside(ttl_s=0.0)
    outside.begin(Call(b"1"), Call(b"2"))
    assert [("lapsed", b"1")] == await outside.results(1)
    outside.settle()
    assert [("lapsed", b"2")] == await outside.results(1)


async def test_a_call_that_lapsed_keeps_its_place_before_later_ones_of_its_key() -> None:
    """Mutation tried: its key goes on at once: fails, the later message goes out first."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"), Call(b"x", b"x"))
    assert {("lapsed", b"1"), ("done", b"x")} == set(await outside.results(2))
    await turns(20)
    assert [b"x"] == outside.begun
    outside.begin(Call(b"3"))
    outside.settle(Call(b"1"))
    assert [("done", b"1"), ("done", b"2"), ("done", b"3")] == await outside.results(3)
    assert 0 == outside.effects.load


async def test_a_call_that_lapsed_and_is_wanted_no_more_makes_way() -> None:
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.settle()
    assert [("done", b"2")] == await outside.results(1)


async def test_a_call_that_lapsed_and_whose_end_was_committed_unheard_makes_way() -> None:
    """The commit's outcome stayed unknown: at the next open its row is gone. Mutation tried: stays: hangs."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.effects.open(opened(b"2"), time.monotonic())
    assert [("done", b"2")] == await outside.results(1)


@pytest.mark.parametrize("body", [b"break", b"cancel"])
async def test_a_perform_that_breaks_has_hidden_its_outcome_and_goes_on_with_its_key(body: bytes) -> None:
    """Found by reading: a `CancelledError` out of `perform` itself left key and limit taken for ever.

    Mutation tried: returning on any `CancelledError`: fails by its time-out.
    """
    outside = Outside()
    outside.begin(Call(b"1", body=body), Call(b"2"))
    assert [("hidden", b"1"), ("done", b"2")] == await outside.results(2)
    assert 0 == outside.effects.load


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
    outside.effects.open([], time.monotonic())
    outside.begin(Call(b"4"), Call(b"5", b"l"))
    outside.let_go.set()
    assert {("done", b"4"), ("done", b"5")} == set(await outside.results(2))
    assert [b"1", b"2", b"4", b"5"] == outside.begun
    assert 0 == outside.effects.load


async def test_an_intent_whose_commit_has_an_unknown_outcome_was_begun_by_nobody() -> None:
    """Mutation tried: hidden: fails."""
    outside = Outside()
    outside.effects.intend([(b"1", Call(b"1"), ()), (b"2", Call(b"2"), ())])
    outside.effects.open(opened(b"1", b"0"), time.monotonic())
    assert {("done", b"1"), ("hidden", b"0")} == set(await outside.results(2))
    outside.effects.results.clear()
    outside.effects.open(opened(b"1"), time.monotonic())
    assert [("hidden", b"1")] == await outside.results(1)


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
    monkeypatch.setattr(effects_module, "time", clock)
    outside = Outside()
    outside.route = replace(outside.route, at_once=1)
    outside.effects = outside.anew()
    outside.begin(Call(b"1", b"1", b"hang"), Call(b"2", b"2"), since=0.0)
    await turns(5)
    clock.now = 6.0
    outside.let_go.set()
    assert [("done", b"1"), ("lapsed", b"2")] == await outside.results(2)


# ---- open calls of a process ----


def shared_by(calls: Calls, count: int, limit: int = 64, kept: int = 0) -> list[Outside]:
    """Tasks of one process, in which calls named `u` are urgent."""
    tasks = [Outside(limit) for _ in range(count)]
    for one in tasks:
        one.route = replace(one.route, kept=kept, urgent=lambda call: call.id.startswith(b"u"))
        one.effects = Effects(one.route, lambda: 77, one.woken.set, calls)
    return tasks


def many(count: int, body: bytes = b"", name: str = "") -> list[Call]:
    return [Call(b"%s%d" % (name.encode(), n), b"%s%d" % (name.encode(), n), body) for n in range(count)]


async def test_no_task_takes_new_input_while_the_process_has_two_open_calls_for_each_place() -> None:
    """Each open call then waits for its place about as long as two calls take, far from lapsing.

    Mutation tried: `room` of the task alone: fails.
    """
    one, two = shared_by(Calls(Turns(), 4), 2)
    assert (8, 8) == (one.effects.room, two.effects.room)
    one.effects.intend([(call.id, call, TRACE) for call in many(6)])
    assert 2 == two.effects.room, "about to be committed"
    one.begin(*many(6, b"hang"))
    assert (2, 2) == (one.effects.room, two.effects.room)
    two.begin(*many(2, b"hang"))
    assert two.effects.saturated
    two.woken.clear()
    one.let_go.set()
    await one.results(6)
    assert (6, True) == (two.effects.room, two.woken.is_set()), "whoever was refused is woken"
    two.let_go.set()
    await two.results(2)


async def test_a_task_that_comes_late_finds_room_beside_those_that_take_all_they_get() -> None:
    """Seen in a run of 16 tasks: those that came first took each place that came free, most never any.

    Mutation tried: no look at what a task has open itself: fails.
    """
    tasks = shared_by(Calls(Turns(), 16), 4)
    for place, one in enumerate(tasks[:3]):
        while (free := one.effects.room - one.effects.kept) > 0:
            one.begin(*many(free, b"hang", name=f"{place}-{one.effects.load}-"))
    assert [16, 8, 4, 0] == [one.effects.load for one in tasks]
    assert 2 == tasks[3].effects.room - tasks[3].effects.kept
    for one in tasks[:3]:
        one.let_go.set()
        await one.results(one.effects.load)


async def test_calls_that_wait_for_another_of_their_key_take_no_room_of_other_tasks() -> None:
    """One hanging call delays its own key only. Mutation tried: all open calls counted: fails."""
    one, two = shared_by(Calls(Turns(), 4), 2)
    one.begin(*(Call(b"%d" % number, b"key", b"hang") for number in range(8)))
    assert 7 == two.effects.room
    one.let_go.set()
    await one.results(8)


async def test_bulk_that_hangs_leaves_open_calls_and_places_to_urgent_ones() -> None:
    """Mutations tried: none kept of the process's open calls: fails; none of its places: hangs, fails."""
    one, two = shared_by(Calls(Turns(), 4, kept=1), 2)
    one.begin(*many(6, b"hang"))
    assert (2, 2) == (two.effects.room, two.effects.kept), "no more bulk"
    await turns(40)
    two.begin(*many(5, name="u"))
    await two.results(5)
    assert 3 == len(one.begun)
    one.let_go.set()
    await one.results(6)


async def test_of_short_calls_more_may_be_open_than_two_for_each_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As many as ended within a second, but for urgent ones, which end while all others hang.

    Mutations tried: two for each place, always: fails; urgent ones counted: fails.
    """
    clock = Clock()
    monkeypatch.setattr(calls_module, "time", clock)
    one, two = shared_by(Calls(Turns(), 2), 2)
    one.begin(*many(20, name="u"))
    await one.results(20)
    assert 4 == two.effects.room
    one.begin(*many(20))
    await one.results(40)
    assert 20 == two.effects.room
    clock.now = calls_module.RECENT_S + 0.1
    assert 4 == two.effects.room


async def test_a_task_that_closes_leaves_its_room_to_the_others() -> None:
    """Mutation tried: `close` tells nothing: fails."""
    calls = Calls(Turns(), 1)
    one, two = shared_by(calls, 2, limit=1)
    one.route = replace(one.route, limit=1)
    one.begin(*many(2, b"hang"))
    assert 0 == two.effects.room
    await turns(5)
    await one.effects.close(0)
    await turns(2)
    assert (1, (2, 1)) == (two.effects.room, calls.room(two.woken.set, 0))
    two.effects.intend([(call.id, call, TRACE) for call in many(2)])
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
    """Its headers tell that it came of something else. Mutation tried: by key alone: fails."""
    outside = Outside()
    outside.begin(Call(b"1"), since=time.monotonic() - 5.1)
    outside.begin(Call(b"2"))
    await outside.results(1)
    outside.effects.handled(list(outside.effects.results))
    outside.effects.begin([(b"3", Call(b"3"), (("traceparent", b"other"),))], time.monotonic())
    assert [("done", b"2"), ("done", b"3")] == await outside.results(2)
