"""Opening a task: fence, settled changelog, restore by position, offsets ("Open" and rule 3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from streams.engine.tables import NoRows, Overlay
from tests.broker.app.ledger import (
    EXACTLY_ONCE,
    create_topics,
    delete_records,
    forget_offsets,
    ids,
    outcome,
    read,
    rows_of,
    write,
)
from tests.broker.app.process import AppProcess, ended, until
from tests.servers import Servers

LONG_MS = 120_000


async def counting(
    servers: Servers, app: str, folder: Path, *, partitions: int = 1, **more: Any
) -> AppProcess:
    """A worker of the counting scenario, its topics created; not started."""
    names = (f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    await create_topics(servers.bootstrap, partitions, *names)
    return AppProcess(servers.bootstrap, app, "w1", folder, "counting", **more)


@asynccontextmanager
async def open_transaction(
    bootstrap: str, transactional_id: str, topic: str
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer inside a transaction that has written one record to partition 0 of `topic`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=transactional_id, transaction_timeout_ms=LONG_MS
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        row = Overlay(NoRows(), 0)
        row.put(b"\x01user-0", b"1000")
        (key, value) = next(iter(row.writes.items()))
        await producer.send_and_wait(topic, value, key, partition=0)
        yield producer
    finally:
        await producer.stop()


async def test_opening_fences_the_predecessor_before_it_restores(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The predecessor's open transaction would hold the changelog for two minutes; the fence aborts it first.

    Mutation: restore before the producer's start. The task then waits for the foreign transaction.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    wanted = ids(100)
    async with (
        open_transaction(bootstrap, f"{app}.count.0", f"{app}.count.changelog") as predecessor,
        ended(worker),
    ):
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted))
        await worker.start()
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        with pytest.raises(ProducerFenced):
            await predecessor.commit_transaction()
        assert 0 == await worker.stop()


async def test_opening_waits_for_a_foreign_transaction_that_hides_our_own_commits(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The last stable offset lies below rows that we committed; a restore up to it would miss them.

    Mutation: do not compare with the high watermark. Numbers then start again at 1.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    first, second = ids(100), ids(100, 100)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("count", 1)
        async with open_transaction(bootstrap, f"{app}.stranger", f"{app}.count.changelog") as stranger:
            await write(bootstrap, f"{app}.in", 1, rows_of(first))
            assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
            await worker.kill()
            worker.forget_stores()
            await worker.start()
            await worker.until(
                lambda: worker.states("count") == {0: "foreign_transaction"}, "the wait for the stranger"
            )
            await write(bootstrap, f"{app}.in", 1, rows_of(second))
            await stranger.abort_transaction()
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first + second)
        assert 0 == await worker.stop()


async def test_restore_ends_at_a_position_not_at_a_record(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """An aborted record and its marker end the changelog: no record will ever come for the last offsets.

    Mutation: wait for the record before the end instead of the position. The task never opens.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    first, second = ids(100), ids(100, 100)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(first))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        assert 0 == await worker.stop()
        async with open_transaction(bootstrap, f"{app}.stranger", f"{app}.count.changelog") as stranger:
            await stranger.abort_transaction()
        worker.forget_stores()
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(second))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first + second)
        assert [True] == [event["rebuilt"] for event in worker.events("store_restored")]
        assert 0 == await worker.stop()


async def test_an_open_slower_than_the_session_makes_no_rebalance(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Two workers whose tasks take three sessions to open settle at once and keep their tasks.

    Mutation: wait for the opens inside the rebalance listener. The workers then trade the partitions.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    slow: dict[str, Any] = {"params": {"open_s": 6.0}, "config": {"session_timeout_ms": 2_000}}
    first = await counting(servers, app, tmp_path, partitions=4, **slow)
    second = AppProcess(bootstrap, app, "w2", tmp_path, "slow_counting", **slow)
    first.scenario = "slow_counting"
    wanted = ids(200)
    async with ended(first, second):
        await asyncio.gather(first.start(), second.start())
        await write(bootstrap, f"{app}.in", 4, rows_of(wanted))
        await asyncio.gather(first.until_ready("count", 2), second.until_ready("count", 2))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        assignments = {worker.worker: len(worker.events("tasks_assigned")) for worker in (first, second)}
        assert max(assignments.values()) <= 2, assignments
        for worker in (first, second):  # the first to leave gives its tasks to the second: one more
            assert 0 == await worker.stop()


async def test_a_stop_does_not_wait_for_an_open(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """A restore that takes minutes is given up. Mutation: wait for the task as for a running one."""
    worker = await counting(servers, app_prefix, tmp_path, params={"open_s": 300.0})
    worker.scenario = "slow_counting"
    async with ended(worker):
        await worker.start()
        await worker.until(lambda: worker.states("count") == {0: "restore"}, "the open")
        assert 0 == await worker.stop(10.0)
        assert [] == worker.events("task_cut")


async def test_no_committed_offset_beside_a_changelog_stops_the_stage(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: found again from the first offset. Everything is then counted twice."""
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    wanted = ids(50)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        assert 0 == await worker.stop()
        await forget_offsets(bootstrap, f"{app}.count")
        await worker.start()
        assert 2 == await worker.wait()
        (reason,) = [event["reason"] for event in worker.events("stage_failed")]
        assert f"no committed offset for {app}.in" in reason
        assert "carillon offsets set count --to" in reason
        assert len(wanted) == len(await read(bootstrap, f"{app}.out"))


async def test_an_offset_out_of_range_stops_the_stage(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Records were deleted unread. Mutation: `auto_offset_reset="earliest"`: they go unnoticed."""
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    wanted = ids(50)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        assert 0 == await worker.stop()
        await write(bootstrap, f"{app}.in", 1, rows_of(ids(50, 50)))
        await delete_records(bootstrap, f"{app}.in", 0, 80)
        await worker.start()
        assert 2 == await worker.wait()
        (reason,) = [event["reason"] for event in worker.events("stage_failed")]
        assert "gone from the log" in reason
        assert "carillon offsets set count --to" in reason


@pytest.mark.spec("NS-OPS-OP-02")
async def test_partition_counts_that_differ_stop_the_stage(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: skip the check. The changelog's missing partitions then fail at run time."""
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 4, f"{app}.in", f"{app}.out")
    await create_topics(bootstrap, 3, f"{app}.count.changelog")
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting")
    async with ended(worker):
        await worker.start()
        assert 2 == await worker.wait()
        (reason,) = [event["reason"] for event in worker.events("stage_failed")]
        assert f"partition counts differ ({app}.count.changelog=3, {app}.in=4)" in reason


async def test_a_missing_topic_is_named(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """Mutation tried: no look for missing ones: fails (the process breaks by a `KeyError`)."""
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 1, f"{app}.in", f"{app}.out")
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting")
    async with ended(worker):
        await worker.start()
        assert 2 == await worker.wait()
        await until(lambda: worker.events("stage_failed"), "the reason")
        assert f"no topic {app}.count.changelog" in worker.events("stage_failed")[0]["reason"]
