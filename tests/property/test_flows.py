"""Whatever is lost, repeated and reordered: a rate is judged by its counts, and what is held leaves once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import quarantine as stage
from agents.quarantine import Memory, quarantine
from schemas.quarantine_words import Order, flow_key
from schemas.records import AnomalyEnded, AnomalyFound, FlowDue, RequestFreed, RequestReceived
from tables.flows import BEHIND_MS, MINUTE_MS, SPAN, Flow, State, Terms
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.flows import CODE, MINUTE, SOURCE, aside, counted, ordered
from tests.requests import reference

TERMS = Terms(factor=10, floor=60, grace_ms=60_000)
KEY = flow_key(SOURCE, CODE)
COUNTS = st.integers(1, 100_000)


def minutes_of(counts: list[int], flow: Flow) -> list[str]:
    """The state after each of these minutes, one right after the other."""
    states = []
    for number, count in enumerate(counts):
        minute = MINUTE + number * MINUTE_MS
        flow = flow.settled(minute).heard(counted(count, minute), minute + 1)
        flow = flow.settled(minute + 1).judged(TERMS, minute + 1, holds=True)
        states.append(flow.state)
    return states


@pytest.mark.spec("NS-SEC-OP-07")
@given(COUNTS, st.data())
def test_what_stays_within_a_factor_is_never_held(least: int, data: st.DataObject) -> None:
    """Of itself, or of the floor. Mutation tried: a factor of the last minute: fails."""
    most = TERMS.factor * max(least, TERMS.floor)
    counts = data.draw(st.lists(st.integers(least, most), min_size=1, max_size=30))
    known = Flow(average=float(least), learned=SPAN)
    assert [State.OPEN] * len(counts) == minutes_of(counts, known)


@pytest.mark.spec("NS-SEC-OP-07")
@given(st.lists(COUNTS, min_size=1, max_size=30), st.integers(1, 1_000))
def test_more_than_a_factor_of_all_that_ever_was_is_held_in_its_first_minute(
    counts: list[int], more: int
) -> None:
    flow = Flow(average=float(counts[0]), learned=1, judged_from=MINUTE + len(counts) * MINUTE_MS)
    states = minutes_of([*counts, TERMS.factor * max(*counts, TERMS.floor) + more], flow)
    assert [State.OPEN] * len(counts) + [State.HELD] == states


SAID = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=12)


@given(SAID, st.data())
def test_reports_may_come_again_and_in_any_order(said: list[tuple[str, int]], data: st.DataObject) -> None:
    """Figures of a worker only grow, so the last one is the highest."""
    again = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said or [("a", 0)])))))
    highest = {worker: max(n for name, n in again if name == worker) for worker, _ in again}
    flow = Flow()
    for worker, count in again:
        flow = flow.heard(counted(count, worker=worker), MINUTE + 1)
    assert sum(highest.values()) == sum(each.total for each in flow.minutes)


@pytest.fixture(autouse=True, scope="module")
def _short_steps() -> Iterator[None]:
    """So few go in one transaction."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "STEP", 2)
        yield


@dataclass
class Play:
    """The stage, its timers, and what a recipient task believes: it is told of holds late, or at once."""

    now: int = MINUTE + 1
    flows: MemoryTable[bytes, Flow] = field(default_factory=MemoryTable)
    held: MemoryTable[bytes, RequestReceived] = field(default_factory=MemoryTable)
    timers: set[int] = field(default_factory=set)
    gone: list[RequestReceived] = field(default_factory=list)
    came: int = 0
    cut: int = 0
    is_held: bool = False

    def batch(self, *values: Any) -> None:
        due = [at for at in self.timers if at <= self.now]
        self.timers.difference_update(due)
        events = [FlowDue(source=SOURCE, notification_type=CODE, due_at=at) for at in due] + list(values)
        asyncio.run(self._batch(events))

    async def _batch(self, events: list[Any]) -> None:
        stream = FakeStream([FakeEvent(event) for event in events], self.now)
        async for one in quarantine(stream, Memory(self.flows, self.held), reference(), TERMS):
            match one:
                case RequestFreed():
                    assert not one.is_rejected or int(one.request.request_id[2:]) < self.cut
                    self.gone.append(one.request)
                case FlowDue():
                    self.timers.add(one.due_at)
                case AnomalyFound() | AnomalyEnded():
                    self.is_held = isinstance(one, AnomalyFound) and one.is_held

    def arrive(self, many: int, life_ms: int) -> None:
        """Also of a flow that is open: whoever diverts is told late."""
        self.batch(*(aside(self.came + number, self.now + life_ms) for number in range(many)))
        self.came += many


STEPS = st.one_of(
    st.tuples(st.just("arrive"), st.integers(1, 5), st.sampled_from((1, 500, 90_000_000))),
    st.tuples(st.just("order"), st.sampled_from(list(Order)), st.just(0)),
    st.tuples(st.just("flood"), st.integers(500, 5_000), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from((1, 300, 20_000, 70_000)), st.just(0)),
)


@pytest.mark.spec("NS-SEC-OP-07")
@given(st.lists(STEPS, max_size=25))
def test_each_that_is_held_leaves_once_and_a_release_leaves_none(steps: list[tuple[Any, Any, int]]) -> None:
    """Mutations tried: a freed row is not deleted: fails; the timer of the rest is not set: fails."""
    play = Play()
    play.flows.put(KEY, Flow(average=60.0, learned=SPAN))
    for step, what, life_ms in steps:
        match step:
            case "arrive":
                play.arrive(what, life_ms)
            case "order":
                play.cut = play.came if what == Order.REJECT else play.cut
                play.batch(ordered(what, play.now + 1_000))
            case "flood":
                play.batch(counted(what, play.now - play.now % MINUTE_MS))
            case _:
                play.now += what
                play.batch()
        waiting = [row for row, _ in play.held.rows.values()]
        assert play.came == len({one.origin for one in (*play.gone, *waiting)}) == len(play.gone + waiting)
        assert len(waiting) == play.flows.rows[KEY][0].waiting
    play.batch(ordered(Order.RELEASE))
    for _ in range(100):
        play.now += 2
        play.batch()
    play.now += BEHIND_MS
    play.batch()
    assert ({}, False) == (play.held.rows, play.is_held)
    assert play.came == len(play.gone)
