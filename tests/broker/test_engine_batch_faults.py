"""Batches when the broker or the way to it fails: nothing lost, nothing repeated (design rules 5 to 8).

The broker is this file's own: it is frozen, and reached through a door that is held shut at a chosen request.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import ProducerFenced

from streams.engine.api import EngineConfig
from streams.engine.kafka import stop_within, transactional_producer
from tests.broker.app.ledger import EXACTLY_ONCE, create_topics, ids, outcome, read, rows_of, settled, write
from tests.broker.app.private import PrivateKafka, private_kafka
from tests.broker.app.process import AppProcess, ended, until
from tests.broker.app.proxy import Api, Door, Fault, open_door

QUICK_TIMEOUTS = {"transaction_timeout_ms": 3_000, "request_timeout_ms": 2_000}
LONG_MS = 40_000
"""Time-out of a request that the test holds: the client must not ask again before the test lets go."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKafka]:
    with private_kafka(tmp_path_factory.mktemp("private")) as broker:
        yield broker


@pytest.fixture
async def door(kafka: PrivateKafka) -> AsyncIterator[Door]:
    async with open_door(kafka.door_port, kafka.real_port) as opened:
        yield opened


async def counting(
    kafka: PrivateKafka, app: str, folder: Path, *, partitions: int = 1, **config: Any
) -> AppProcess:
    """A worker of the counting scenario behind the door, its topics created; not started."""
    await create_topics(kafka.direct, partitions, f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    return AppProcess(kafka.through_door, app, "w1", folder, "counting", config={**QUICK_TIMEOUTS, **config})


@pytest.mark.parametrize("answered", [True, False], ids=["committed-unseen", "never-arrived"])
async def test_a_commit_whose_outcome_stays_unknown_is_settled_by_the_committed_offsets(
    kafka: PrivateKafka, door: Door, app_prefix: str, tmp_path: Path, answered: bool
) -> None:
    """The way to the broker is shut until the broker has settled it by itself.

    Mutations tried: a failed commit taken for success: fails (lost); a commit under a time-out: fails (the
    client would have heard the truth).
    """
    worker = await counting(kafka, app_prefix, tmp_path, request_timeout_ms=LONG_MS)
    first, second = ids(50), ids(50, 50)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("count", 1)
        fault = door.catch(Fault(Api.END_TRANSACTION, answered=answered, cut=True))
        await write(kafka.direct, f"{app_prefix}.in", 1, rows_of(first))
        await asyncio.wait_for(fault.caught.wait(), 20)
        door.shut = True
        fault.release.set()
        door.close_all()
        await settled(kafka.direct, f"{app_prefix}.out")
        door.shut = False
        await write(kafka.direct, f"{app_prefix}.in", 1, rows_of(second))
        assert EXACTLY_ONCE == await outcome(kafka.direct, f"{app_prefix}.out", first + second)
        reopened = [event["failure"] for event in worker.events("task_reopens")]
        assert ([] if answered else ["fenced"]) == reopened
        assert 0 == await worker.stop()


async def test_a_fence_by_time_out_lets_the_only_owner_go_on(
    kafka: PrivateKafka, door: Door, app_prefix: str, tmp_path: Path
) -> None:
    """The coordinator gives up a transaction whose commit comes late: fenced, yet nobody else owns the task.

    Mutation: a fence ends the task. It then never turns again.
    """
    worker = await counting(
        kafka, app_prefix, tmp_path, transaction_timeout_ms=1_000, request_timeout_ms=LONG_MS
    )
    wanted = ids(50)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("count", 1)
        fault = door.catch(Fault(Api.END_TRANSACTION))
        await write(kafka.direct, f"{app_prefix}.in", 1, rows_of(wanted))
        await asyncio.wait_for(fault.caught.wait(), 20)
        await settled(kafka.direct, f"{app_prefix}.out")
        fault.release.set()
        assert EXACTLY_ONCE == await outcome(kafka.direct, f"{app_prefix}.out", wanted)
        assert {"fenced"} == {event["failure"] for event in worker.events("task_reopens")}
        assert 1 == len(worker.events("tasks_assigned"))
        assert 0 == await worker.stop()


async def test_sigterm_waits_for_a_commit_under_way(
    kafka: PrivateKafka, door: Door, app_prefix: str, tmp_path: Path
) -> None:
    """And keeps what it wrote. Mutation tried: tasks are cut at once: fails (the store misses the batch)."""
    worker = await counting(kafka, app_prefix, tmp_path, close_deadline_s=20.0, request_timeout_ms=LONG_MS)
    wanted = ids(50)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("count", 1)
        fault = door.catch(Fault(Api.END_TRANSACTION, answered=True))
        await write(kafka.direct, f"{app_prefix}.in", 1, rows_of(wanted))
        await asyncio.wait_for(fault.caught.wait(), 20)
        stopped = asyncio.create_task(worker.stop())
        await until(lambda: worker.events("stopping"), "the signal")
        done, _ = await asyncio.wait([stopped], timeout=1.0)
        assert set() == done
        fault.release.set()
        assert 0 == await stopped
        assert [] == worker.events("task_cut")
        await worker.start()
        await worker.until_ready("count", 1)
        assert [0] == [event["records"] for event in worker.events("store_restored")]
        assert EXACTLY_ONCE == await outcome(kafka.direct, f"{app_prefix}.out", wanted)


async def test_a_broker_frozen_beyond_every_timeout_stops_everything_and_loses_nothing(
    kafka: PrivateKafka, app_prefix: str, tmp_path: Path
) -> None:
    """Two workers under load; session and transaction time-outs run out; every partition moves again.

    Mutation: every reopen begins at the offset in memory instead of the committed one.
    """
    app, bootstrap = app_prefix, kafka.direct
    await create_topics(bootstrap, 4, f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    config = {**QUICK_TIMEOUTS, "session_timeout_ms": 3_000}
    both = [AppProcess(bootstrap, app, name, tmp_path, "counting", config=config) for name in ("w1", "w2")]
    before, after = ids(4_000), ids(4_000, 4_000)
    async with ended(*both):
        for worker in both:
            await worker.start()
        for worker in both:
            await worker.until_ready("count", 2)
        writing = asyncio.create_task(write(bootstrap, f"{app}.in", 4, rows_of(before), 2_000))
        await both[0].until_inside_a_transaction("count")
        with kafka.frozen():
            await asyncio.sleep(8.0)  # beyond session, transaction and request time-outs
        await writing
        await write(bootstrap, f"{app}.in", 4, rows_of(after))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", before + after)
        assert {0, 1, 2, 3} == {row.partition for row in await read(bootstrap, f"{app}.out")}
        for worker in both:
            assert [] == worker.events("stage_failed")
            assert 0 == await worker.stop()


async def test_a_producer_that_does_not_stop_in_time_is_cut_off(
    kafka: PrivateKafka, door: Door, app_prefix: str
) -> None:
    """Nothing of it lives on: a sender merely disconnected would connect again and commit, at any later time.

    Mutation: only close the connections.
    """
    await create_topics(kafka.direct, 1, app_prefix)
    config = EngineConfig(kafka.through_door, app_prefix, "w1", "/nowhere")
    producer = transactional_producer(config, app_prefix)
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(app_prefix, b"never seen", partition=0)
    fault = door.catch(Fault(Api.END_TRANSACTION, cut=True))
    commit = asyncio.create_task(producer.commit_transaction())
    await asyncio.wait_for(fault.caught.wait(), 20)
    await stop_within(producer, 0.2)
    commit.cancel()
    await asyncio.wait([commit])
    assert [] == [task for task in asyncio.all_tasks() if "aiokafka" in repr(task)]
    successor = transactional_producer(config, app_prefix)
    await successor.start()
    await successor.stop()
    assert [] == await read(kafka.direct, app_prefix)


async def test_a_fenced_producer_leaves_no_future_that_nobody_asks(
    kafka: PrivateKafka, app_prefix: str
) -> None:
    """The client fails the waiters of batches still queued and forgets them; asyncio would log each.

    Mutation: `stop_within` looks at the transaction's waiter only.
    """
    await create_topics(kafka.direct, 2, app_prefix)
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    config = EngineConfig(kafka.direct, app_prefix, "w1", "/nowhere")
    zombie, successor = (transactional_producer(config, app_prefix) for _ in range(2))
    await zombie.start()
    await successor.start()
    await zombie.begin_transaction()
    sent = []
    for partition in range(2):
        batch = zombie.create_batch()
        batch.append(key=b"k", value=b"never seen", timestamp=None)
        sent.append(await zombie.send_batch(batch, app_prefix, partition=partition))
    refusals = await asyncio.gather(*sent, return_exceptions=True)
    assert [ProducerFenced, ProducerFenced] == [type(refusal) for refusal in refusals]
    await stop_within(zombie, 3.0)
    await stop_within(successor, 3.0)
    del zombie, sent, refusals
    gc.collect()
    assert [] == complaints
