"""While a stage gets more tasks, the old ones read notices where the new ones will have them."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.structs import TopicPartition

from streams.engine.ahead import owned, reached, read_ahead
from streams.engine.api import LATER, Event, Input, Stage
from streams.engine.feeder import Feeder
from streams.engine.lanes import Lane, Lanes
from streams.engine.layout import Phase
from streams.engine.offsets import PartitionCounts
from streams.engine.relayout import Relayout
from tests.unit.streams.engine.lives import LivingTask, Partitions, shared, turns
from tests.unit.streams.engine.test_layout import Admin, known

TOLD, IN = Input("told", bytes, urgent=True, notices=True), Input("in", bytes)
STAGE = Stage("count", (IN, TOLD))
FIRST = 5


def record(topic: str, partition: int, offset: int) -> Event:
    return Event(LATER, b"k", 0, (), topic, partition, offset, b"v")


class Offsets:
    """Every log begins at `FIRST`."""

    async def first(self, _tp: TopicPartition) -> int:
        return FIRST


@dataclass(slots=True)
class Consumer:
    """What is placed, and where."""

    at: dict[TopicPartition, int]

    def assign(self, tps: list[TopicPartition]) -> None:
        self.at = dict.fromkeys(tps, -1)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.at[tp] = offset


def task_1(partitions: Partitions) -> LivingTask:
    lent = replace(shared(), stage=STAGE, partitions=cast("Any", partitions), offsets=cast("Any", Offsets()))
    return LivingTask(lent, 1, (TopicPartition("in", 1), TopicPartition("told", 1)))


@pytest.mark.parametrize(
    ("phase", "there", "expected"),
    [
        (None, 12, []),
        (Phase.GROW, 4, []),
        (Phase.GROW, 12, [5, 9]),
        (Phase.DRAIN, 4, [5, 9]),
        (Phase.DONE, 12, []),
    ],
)
async def test_notices_of_its_keys_in_new_partitions_are_the_old_tasks_until_the_change_is_done(
    phase: Phase | None, there: int, expected: list[int]
) -> None:
    """Mutations: all inputs; partitions that are not there yet; also once it is done."""
    counts = PartitionCounts(cast("Any", Admin({"in": 12, "told": there})), known(phase))
    await counts.refresh(["in", "told"])
    assert [(TOLD, TopicPartition("told", n)) for n in expected] == counts.ahead(STAGE, 1)


async def test_a_task_that_runs_reads_ahead_once_it_is_woken_and_handles_nothing_else_before() -> None:
    """Mutations: look only at the open; place only the task's own partitions."""
    partitions, ahead = Partitions(), TopicPartition("told", 5)
    task, consumer = task_1(partitions), Consumer({})
    task.work = True
    running = asyncio.create_task(task.run())
    await turns()
    task.lanes.by_tp[TopicPartition("told", 1)].is_fetched = True
    assert not task.lanes.behind()
    partitions.heard = [(TOLD, ahead)]
    task.wake.set()
    await turns()
    assert task.lanes.behind()
    feeder = Feeder(cast("Any", consumer), "count", 100)
    feeder.place([task])
    assert {TopicPartition("in", 1): 0, TopicPartition("told", 1): 0, ahead: FIRST} == consumer.at
    task.stop()
    await running


async def test_what_is_read_ahead_already_is_read_on() -> None:
    partitions, ahead = Partitions(), TopicPartition("told", 5)
    task = task_1(partitions)
    partitions.heard = [(TOLD, ahead)]
    await read_ahead(task)
    task.lanes.feed(ahead, [record("told", 5, FIRST)])
    await read_ahead(task)
    assert FIRST + 1 == task.lanes.by_tp[ahead].next_fetch


def test_what_was_read_ahead_is_dealt_with_but_its_offset_is_not_this_tasks_to_commit() -> None:
    """Mutation: the task's number for the record's partition."""
    taken = [record("told", 5, 8), record("told", 1, 3), record("in", 1, 2), record("in", 1, 3)]
    timer = Event("t", b"", 0, (), "", -1, -1)
    ours = {TopicPartition("told", 1): 4, TopicPartition("in", 1): 4}
    positions = reached([*taken, timer])
    assert (ours | {TopicPartition("told", 5): 9}, ours) == (positions, owned(positions, 1))


def test_a_lane_that_is_added_keeps_the_others_records_and_goes_first() -> None:
    lanes = Lanes([Lane(IN, TopicPartition("in", 1), 0)])
    lanes.feed(TopicPartition("in", 1), [record("in", 1, 0)])
    lanes.add(Lane(TOLD, TopicPartition("told", 5), FIRST))
    lanes.feed(TopicPartition("told", 5), [record("told", 5, FIRST)])
    assert ["told", "in"] == [event.topic for event in lanes.peek(10)]


async def test_a_worker_answers_only_when_its_tasks_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writers are fenced after the answer: what they then write is heard at once.

    Mutations: any open task counts; nobody is woken.
    """
    monkeypatch.setattr("streams.engine.relayout.POLL_S", 0.0)
    answers: list[list[int]] = []
    task, layouts = task_1(Partitions(heard=[(TOLD, TopicPartition("told", 5))])), known(Phase.DRAIN)
    task.ready = True

    async def answer(_stage: str, _layout: object, tasks: list[int]) -> None:
        answers.append(tasks)

    async def look_again() -> None: ...

    monkeypatch.setattr(layouts, "answer", answer)
    membership = SimpleNamespace(tasks={1: task.tps}, look_again=look_again)
    relayout = Relayout("count", layouts, cast("Any", membership), cast("Any", [task]))
    following = asyncio.create_task(relayout.follow())
    await turns(20)
    assert ([], True) == (answers, task.wake.is_set())
    await read_ahead(task)
    await turns(20)
    assert [[1]] == answers
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
