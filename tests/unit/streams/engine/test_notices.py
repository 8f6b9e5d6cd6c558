"""Notices: inputs that open no call. What was written of them before the open comes before all else."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka import errors
from aiokafka.structs import TopicPartition

from streams.engine import feeder as feeder_module
from streams.engine.api import LATER, Event, Input, Stage, StageFailedError, ToEffect
from streams.engine.effects import Effects as RealEffects
from streams.engine.feeder import Feeder
from streams.engine.gathering import gather, wanted
from streams.engine.lanes import Lane, Lanes
from streams.engine.offsets import refuse_lost
from tests.unit.streams.engine.lives import LivingTask, shared

NOTICES, BULK = TopicPartition("notices", 0), TopicPartition("bulk", 0)


def lane(tp: TopicPartition, *, notices: bool = False, count: int = 0) -> Lane:
    made = Lane(Input(tp.topic, bytes, urgent=notices, notices=notices), tp, 0)
    made.records.extend(record(tp, n) for n in range(count))
    return made


def record(tp: TopicPartition, offset: int) -> Event:
    return Event(LATER, b"k", 0, (), tp.topic, 0, offset, b"v")


@dataclass(slots=True)
class Effects:
    """Calls of which so many more may be opened."""

    room: int = 9
    kept: int = 0
    results: deque[Event] = field(default_factory=deque)

    def places(self, settled: int = 0) -> tuple[int, int]:
        return self.room + settled, self.kept


def result() -> Event:
    return Event("r", b"", 0, (), "", -1, -1)


def gathered(lanes: Lanes, effects: Effects) -> str:
    found = gather(100, 0, cast("Any", effects), None, lanes)
    return "".join(event.topic[:1] or str(event.value) for event in found.events)


def test_nothing_but_notices_is_handled_until_those_from_before_the_open_are() -> None:
    """Mutations: results go on; records go on; once fetched is enough."""
    told, effects = lane(NOTICES, notices=True), Effects(results=deque([result()]))
    lanes = Lanes([lane(BULK, count=3), told])
    assert ("", False) == (gathered(lanes, effects), wanted(cast("Any", effects), lanes))
    told.records.extend(record(NOTICES, n) for n in range(2))
    assert ("nn", True) == (gathered(lanes, effects), wanted(cast("Any", effects), lanes))
    told.until, told.is_fetched = 3, True
    assert "nn" == gathered(lanes, effects)
    lanes.advance({NOTICES: 2})
    assert ("rbbb", True) == (gathered(lanes, effects), wanted(cast("Any", effects), lanes))


def test_notices_need_no_room_for_calls() -> None:
    """Mutation: all records take of the room. A veto then waits for the calls that it is to prevent."""
    told = lane(NOTICES, notices=True, count=2)
    told.is_fetched = True
    lanes, full = Lanes([lane(BULK, count=3), told]), Effects(room=0)
    assert ("nn", True) == (gathered(lanes, full), wanted(cast("Any", full), lanes))


def test_at_the_end_no_notice_is_waited_for() -> None:
    """What calls said while the task hands over must be handled, or it would be hidden from the next one."""
    lanes = Lanes([lane(NOTICES, notices=True), lane(BULK)])
    lanes.clear()
    assert "r" == gathered(lanes, Effects(results=deque([result()])))


@dataclass(slots=True)
class Consumer:
    """Fetches the given records of notices; its log ends at `end`, beyond them is a marker."""

    answers: list[list[Event]]
    end: int
    away: int = 0
    at: int = 0

    def assign(self, _tps: object) -> None: ...
    def seek(self, _tp: object, _offset: int) -> None: ...

    async def getmany(self, *_tps: object, timeout_ms: int, max_records: int) -> Any:  # noqa: ARG002 - aiokafka's
        found = self.answers.pop(0)
        self.at = found[-1].offset + 1 if found else self.end
        return {NOTICES: found} if found else {}

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self.away:
            self.away -= 1
            raise errors.KafkaConnectionError
        return dict.fromkeys(tps, self.end)

    async def position(self, _tp: TopicPartition) -> int:
        return self.at


async def test_notices_are_fetched_up_to_the_markers_at_the_end_of_their_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeder_module, "AWAY_S", 0.0)
    task = LivingTask(shared(), tps=(NOTICES,))
    told = lane(NOTICES, notices=True)
    task.lanes, task.ready = Lanes([told]), True
    consumer = Consumer([[], [record(NOTICES, 0)], []], end=2, away=1)
    feeder = Feeder(cast("Any", consumer), "count", 100)
    feeder.place([task])
    assert not await feeder.feed()
    assert not told.is_fetched
    assert await feeder.feed()
    assert (2, False) == (told.until, told.is_fetched)
    assert await feeder.feed()
    assert (True, True) == (told.is_fetched, task.lanes.behind())
    task.lanes.advance({NOTICES: 1})
    assert not task.lanes.behind()


def test_a_new_input_of_notices_begins_at_its_start_and_any_other_stops_the_stage() -> None:
    stage = Stage("count", (Input("bulk", bytes), Input("notices", bytes, notices=True)))
    refuse_lost(stage, [NOTICES])
    with pytest.raises(StageFailedError, match="no committed offset for bulk beside"):
        refuse_lost(stage, [NOTICES, BULK])


async def test_a_call_of_a_predecessor_comes_back_to_the_agent_instead_of_going_out() -> None:
    """As `Task` opens a stage that has notices. Mutation: the time of the open."""
    performed: list[bytes] = []

    async def perform(call: bytes) -> bytes:
        performed.append(call)
        return b"done"

    route = ToEffect(
        id=bytes,
        key=bytes,
        encode=bytes,
        decode=bytes,
        perform=perform,
        hidden=lambda call: b"hidden " + call,
        lapsed=lambda call: b"lapsed " + call,
    )
    woken = asyncio.Event()
    effects = RealEffects(route, lambda: 0, woken.set)
    effects.open([(b"one", False, (), b"one")], float("-inf"))
    await woken.wait()
    assert ([b"lapsed one"], []) == ([event.value for event in effects.results], performed)
    await effects.close(0)
