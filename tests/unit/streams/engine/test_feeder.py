"""Fetched records go to the life of the task they were fetched for, and to no other (rule 3)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from aiokafka import errors
from aiokafka.structs import TopicPartition

from streams.engine import feeder as feeder_module
from streams.engine.api import LATER, Event, StageFailedError
from streams.engine.feeder import SKIMMING_AT_ONCE, Feeder
from streams.engine.lanes import Lane, Lanes
from tests.unit.streams.engine.lives import STAGE, TPS, LivingTask, shared

(TP,) = TPS


def record(offset: int) -> Event:
    return Event(LATER, b"k", 0, (), "in", 0, offset, b"v")


@dataclass(slots=True)
class Consumer:
    """Answers as told; `did` is what was asked."""

    answers: list[dict[TopicPartition, list[Event]] | Exception] = field(default_factory=list)
    did: list[tuple[object, ...]] = field(default_factory=list)
    asked: list[tuple[tuple[TopicPartition, ...], int]] = field(default_factory=list)
    meanwhile: Any = None
    first: int = 5
    at_once: int = feeder_module.AT_ONCE

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.first)

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self.first)

    def assign(self, tps: list[TopicPartition]) -> None:
        self.did.append(("assign", *tps))

    def unsubscribe(self) -> None:
        self.did.append(("unsubscribe",))

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.did.append(("seek", tp, offset))

    async def getmany(self, *tps: TopicPartition, timeout_ms: int, max_records: int) -> Any:
        self.asked.append((tps, timeout_ms))
        assert self.at_once == max_records
        if self.meanwhile is not None:
            self.meanwhile()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def open_task(position: int) -> LivingTask:
    task = LivingTask(shared())
    open_at(task, position)
    return task


def open_at(task: LivingTask, position: int) -> None:
    """The task lives anew, from this offset on."""
    task.lanes = Lanes([Lane(STAGE.inputs[0], TP, position)])
    task.ready = True


def fed(task: LivingTask) -> list[int]:
    return [each.offset for each in task.lanes.by_tp[TP].records]


def feeder_of(consumer: Consumer, most: int = 100) -> Feeder:
    return Feeder(cast("Any", consumer), "count", most)


async def test_records_go_to_their_task_and_wake_it() -> None:
    consumer, task = Consumer([{TP: [record(5), record(6)]}]), open_task(5)
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert await feeder.feed()
    assert [("assign", TP), ("seek", TP, 5)] == consumer.did
    assert ([5, 6], True) == (fed(task), task.wake.is_set())


async def test_fewer_are_taken_over_at_once_where_most_are_passed_over() -> None:
    """No lane gets full of those: all that is buffered came in one piece. Mutation tried: as many: fails."""
    consumer = Consumer([{TP: [record(offset) for offset in range(5, 9)]}], at_once=SKIMMING_AT_ONCE)
    task = open_task(5)
    source = replace(STAGE.inputs[0], passes=lambda _raw: True, urgent=True)
    task.lanes = Lanes([Lane(source, TP, 5)])
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert await feeder.feed()
    assert [5, 6, 7, 8] == fed(task)


async def test_a_kept_task_is_read_on_behind_what_it_has() -> None:
    consumer, task = Consumer([{TP: [record(5), record(6)]}]), open_task(5)
    feeder = feeder_of(consumer)
    feeder.place([task])
    await feeder.feed()
    feeder.place([task])
    assert ("seek", TP, 7) == consumer.did[-1]


async def test_records_of_a_former_life_are_dropped() -> None:
    """The task reopened at its committed offset while the fetch was under way: feeding would leave a gap.

    Mutation: look only at whether the task is ready.
    """
    task = open_task(500)
    consumer = Consumer([{TP: [record(500)]}], meanwhile=lambda: open_at(task, 300))
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert await feeder.feed()
    assert [] == fed(task)
    feeder.place([task])
    assert ("seek", TP, 300) == consumer.did[-1]


async def test_a_task_that_is_not_open_is_not_fed() -> None:
    task = open_task(0)

    def fails() -> None:
        task.ready = False

    consumer = Consumer([{TP: [record(0)]}], meanwhile=fails)
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert await feeder.feed()
    assert [] == fed(task)
    feeder.place([task])
    assert feeder.idle
    assert ("unsubscribe",) == consumer.did[-1]


async def test_an_input_of_which_enough_waits_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the consumer has fetched beyond that stays there undecoded, and is not fetched twice."""
    monkeypatch.setattr(feeder_module, "FULL_MS", 0)
    task = open_task(0)
    consumer = Consumer([{TP: [record(offset) for offset in range(4)]}, {}])
    feeder = feeder_of(consumer, most=4)
    feeder.place([task])
    assert await feeder.feed()
    assert await feeder.feed()
    assert [((TP,), 200)] == consumer.asked
    task.lanes.advance({TP: 1})
    assert await feeder.feed()
    assert [((TP,), 200), ((TP,), 200)] == consumer.asked


async def test_beside_an_input_that_is_full_the_others_are_not_waited_for_long() -> None:
    """The full one has room again soon: a poll of 200 ms for the empty one would starve it."""
    full, hungry = open_task(0), LivingTask(shared(), number=1)
    other = TopicPartition("in", 1)
    hungry.tps = (other,)
    hungry.lanes, hungry.ready = Lanes([Lane(STAGE.inputs[0], other, 0)]), True
    consumer = Consumer([{TP: [record(0)]}, {}])
    feeder = feeder_of(consumer, most=1)
    feeder.place([full, hungry])
    await feeder.feed()
    await feeder.feed()
    assert [((TP, other), 200), ((other,), 10)] == consumer.asked


async def test_after_a_failed_fetch_every_position_is_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aiokafka moves the positions of what it drained before the error, and the records are gone."""
    monkeypatch.setattr(feeder_module, "AWAY_S", 0.0)
    consumer, task = Consumer([errors.KafkaConnectionError()]), open_task(3)
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert not await feeder.feed()


async def next_millisecond() -> None:
    """The loop's clock has gone on; it counts milliseconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() == began:
        await asyncio.sleep(0)


async def test_a_broker_that_knows_its_logs_end_too_late_is_waited_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutations tried: no wait: fails; no end of it: fails; a fetch that does not count: fails."""
    monkeypatch.setattr(feeder_module, "AWAY_S", 0.0)
    beyond = errors.OffsetOutOfRangeError({TP: 9})
    consumer, task = Consumer([beyond, beyond, {TP: [record(9)]}, beyond, beyond]), open_task(9)
    feeder = feeder_of(consumer)
    feeder.place([task])
    assert [False, False, True] == [await feeder.feed() for _ in range(3)]
    assert [9] == fed(task)
    monkeypatch.setattr(feeder_module, "BEHIND_S", 0.0)
    assert await feeder.feed() is False
    await next_millisecond()
    with pytest.raises(StageFailedError, match="gone from the log"):
        await feeder.feed()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.OffsetOutOfRangeError({TP: 3}), "gone from the log .*carillon offsets set count"),
        (errors.NoOffsetForPartitionError(TP), "gone from the log .*carillon offsets set count"),
        (errors.RecordTooLargeError("3 MiB"), "3 MiB.*fetch_bytes"),
    ],
)
async def test_what_cannot_be_read_ends_the_stage(error: Exception, reason: str) -> None:
    consumer, task = Consumer([error]), open_task(3)
    feeder = feeder_of(consumer)
    feeder.place([task])
    with pytest.raises(StageFailedError, match=reason):
        await feeder.feed()
