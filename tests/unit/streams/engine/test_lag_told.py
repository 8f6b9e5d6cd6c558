"""Kafka hears how far a sink is; what it did not hear is said again."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition

from streams.engine import membership as module
from streams.engine.api import Input
from streams.engine.lanes import Lane, Lanes
from streams.engine.membership import Membership
from streams.engine.sink import SinkTask
from tests.unit.streams.engine.lives import shared

TP = TopicPartition("rows", 0)


class Consumer:
    """Commits, refuses or hangs."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.refuses = self.hangs = False

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            raise CommitFailedError
        self.told.append(offsets[TP])


def member(consumer: Consumer) -> Membership:
    made = object.__new__(Membership)
    made._consumer = cast("Any", consumer)
    return made


@pytest.mark.spec("NS-OPS-OP-03")
async def test_a_commit_for_lag_says_whether_it_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: without the time-out: hangs, as the task would."""
    monkeypatch.setattr(module, "LAG_S", 0.01)
    consumer = Consumer()
    assert await member(consumer).commit_for_lag({TP: 5})
    consumer.refuses = True
    assert not await member(consumer).commit_for_lag({TP: 6})
    consumer.hangs = True
    assert not await member(consumer).commit_for_lag({TP: 6})
    assert [5] == consumer.told


@pytest.mark.spec("NS-OPS-OP-03")
async def test_what_a_rebalance_refused_is_told_again() -> None:
    """Mutation tried: taken for told whatever came of it: fails."""
    consumer = Consumer()
    consumer.refuses = True
    task = SinkTask(shared(group=cast("Any", member(consumer))), 0, (TP,))
    task.lanes = Lanes([Lane(Input("rows", bytes), TP, 7)])
    assert task._pending()
    await task._turn()
    assert not task._pending(), "once a second"
    consumer.refuses = False
    task._told_at -= 2.0
    assert task._pending()
    await task._turn()
    task._told_at -= 2.0
    assert not task._pending()
    assert [7] == consumer.told
