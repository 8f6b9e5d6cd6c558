"""Batches: offset, outputs and rows move together or not at all (design rules 1, 5, 6 and 17)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer import sender

from streams.engine.api import EngineConfig
from streams.engine.kafka import transactional_producer
from streams.engine.markers import watch_markers
from tests.broker.app.ledger import (
    EXACTLY_ONCE,
    Verdict,
    create_topics,
    ids,
    outcome,
    read_until,
    reconcile,
    rows_of,
    write,
)
from tests.broker.app.process import AppProcess, ended
from tests.servers import Servers

SMALL = {"max.message.bytes": "20000"}


async def test_every_record_comes_out_once_and_numbered(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: leave the offsets out of the transaction. The second run then reads everything again."""
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 4, f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting")
    first, second = ids(5_000), ids(1_000, 5_000)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 4, rows_of(first, 100))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        assert 0 == await worker.stop()
        await worker.start()
        await write(bootstrap, f"{app}.in", 4, rows_of(second, 100))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first + second)
        assert 0 == await worker.stop()


async def test_a_refused_output_takes_neither_offset_nor_neighbours_with_it(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The broker refuses the batch of outputs that holds one record too large; commit itself would succeed.

    Mutations: do not look at the futures (the neighbours are lost); go on with the same producer (its next
    transaction is out of sequence, for ever).
    """
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 1, f"{app}.in", f"{app}.in.dlq", f"{app}.count.changelog")
    await create_topics(bootstrap, 1, f"{app}.out", config=SMALL)
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting", params={"min_interval_ms": 200})
    big = b"big-" + b"x" * 30_000
    wanted = [*ids(100), big, *ids(100, 100)]
    async with ended(worker):
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted, 1))
        await worker.start()
        found = await read_until(bootstrap, f"{app}.out", lambda rows: len(rows) >= len(wanted) - 1)
        assert Verdict((big,), ()) == reconcile(wanted, found)
        buried = await read_until(bootstrap, f"{app}.in.dlq", lambda rows: len(rows) > 0)
        assert [big] == [row.value for row in buried]
        assert {"refused"} == {event["failure"] for event in worker.events("task_reopens")}
        assert 0 == await worker.stop()


async def test_what_a_producer_aborted_is_never_read(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation tried: the data consumer reads uncommitted: fails (the aborted come out)."""
    app, bootstrap = app_prefix, servers.bootstrap
    await create_topics(bootstrap, 1, f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    worker = AppProcess(bootstrap, app, "w1", tmp_path, "counting")
    aborted, kept = ids(50), ids(50, 50)
    async with ended(worker):
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{app}.feed") as feed:
            await feed.begin_transaction()
            for key, value in rows_of(aborted, 1):
                await feed.send_and_wait(f"{app}.in", value, key, partition=0)
            await feed.abort_transaction()
        await write(bootstrap, f"{app}.in", 1, rows_of(kept, 1))
        await worker.start()
        found = await read_until(bootstrap, f"{app}.out", lambda rows: len(rows) >= len(kept))
        assert 0 == await worker.stop()
    assert kept == [(row.value or b"").split(b" ")[0] for row in found]


class Watch:
    """The `asyncio` that aiokafka's sender sees: how long it sleeps is noted."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds)


async def test_a_transaction_right_behind_another_waits_2_ms_for_it(
    servers: Servers, app_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker still writes the markers of the one before; aiokafka would look again after 20 ms.

    What it takes is learned. Mutations tried: the handlers left as they are: fails, nothing is learned; the
    first wait 20 ms: fails.
    """
    await create_topics(servers.bootstrap, 8, app_prefix)
    watch = Watch()
    monkeypatch.setattr(sender, "asyncio", watch)
    producer = transactional_producer(
        EngineConfig(servers.bootstrap, app_prefix, "w1", "/nowhere"), app_prefix
    )
    markers, learned = watch_markers(producer), list[float]()
    await producer.start()
    async with asyncio.timeout(60):  # until it came too early once: a busy client may not, many times
        while len(learned) < 20 or max(learned) <= 0:
            await producer.begin_transaction()
            for partition in range(8):
                await producer.send_and_wait(app_prefix, b"%d" % len(learned), partition=partition)
            await producer.commit_transaction()
            markers.committed()
            learned.append(markers.rest_s(urgent=False))
    await producer.stop()
    assert 0.002 in watch.slept
    assert 0.02 not in watch.slept
    assert max(learned) > 0
