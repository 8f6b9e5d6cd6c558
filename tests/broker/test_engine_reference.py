"""Global tables: read whole, caught up on demand, over a broker's restart (design rule 16)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from connectors.embedded.kafka import EmbeddedKafka
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from streams.engine.api import EngineConfig
from streams.engine.reference import GlobalTable
from tests.broker.app.process import until
from tests.servers import Servers


class Known:
    """What a table has told; a key that breaks it is told too."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.broken = 0

    def apply(self, key: bytes, value: bytes | None) -> None:
        if key == b"broken":
            self.broken += 1
            raise ValueError("no such kind")
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value


@asynccontextmanager
async def opened(bootstrap: str, topic: str, folder: Path) -> AsyncIterator[tuple[GlobalTable, Known]]:
    known = Known()
    config = EngineConfig(bootstrap, "app", "w1", str(folder), request_timeout_ms=2_000)
    table = GlobalTable(config, topic, known.apply)
    await table.start()
    try:
        yield table, known
    finally:
        await table.stop()


async def created(bootstrap: str, topic: str) -> str:
    async with topics_of(open_brokers(bootstrap)) as topics:
        await topics.create_missing([TopicSpec(topic, 1, config={"cleanup.policy": "compact"})])
    return topic


async def caught_up(table: GlobalTable) -> None:
    """Wait until it is sure; that it does not know within `WAIT_S` may be so on a busy machine."""
    async with asyncio.timeout(60):
        while not await table.catch_up():
            await asyncio.sleep(0.1)


async def test_a_global_table_is_whole_at_its_start_and_catches_up_with_what_was_just_written(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """A record that `apply` refuses does not stop it.

    Mutations tried: `start` without reading to the end: fails; `catch_up` that returns at once: fails; the
    refused record let through: fails.
    """
    topic = await created(servers.bootstrap, f"{app_prefix}.reference")
    async with AIOKafkaProducer(bootstrap_servers=servers.bootstrap) as producer:
        for number in range(500):
            await producer.send(topic, b"first", b"k%d" % number)
        await producer.send_and_wait(topic, b"?", b"broken")
        await producer.send_and_wait(topic, None, b"k7")
        async with opened(servers.bootstrap, topic, tmp_path) as (table, known):
            assert {b"k%d" % n: b"first" for n in range(500) if n != 7} == known.rows
            for number in range(20):
                await producer.send_and_wait(topic, b"%d" % number, b"new")
                await caught_up(table)
                assert b"%d" % number == known.rows[b"new"]
            await producer.send_and_wait(topic, None, b"new")
            await caught_up(table)
            assert b"new" not in known.rows
    assert 1 == known.broken


async def test_an_empty_global_table_is_caught_up(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """Nothing will ever come. Mutation tried: `catch_up` waits for a record before it looks: fails."""
    topic = await created(servers.bootstrap, f"{app_prefix}.reference")
    async with opened(servers.bootstrap, topic, tmp_path) as (table, known):
        await caught_up(table)
        assert {} == known.rows


async def test_a_global_table_survives_a_brokers_restart_and_says_when_it_does_not_know(
    own_kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    """While the broker is away nothing can be called unknown. Mutation tried: always True: fails."""
    topic = await created(own_kafka.address, "reference")
    async with opened(own_kafka.address, topic, tmp_path) as (table, known):
        os.kill(own_kafka.pid, signal.SIGKILL)
        assert not await table.catch_up()
        await own_kafka.start()
        async with AIOKafkaProducer(bootstrap_servers=own_kafka.address) as producer:
            await producer.send_and_wait(topic, b"after", b"k")
        await until(lambda: known.rows, "the record after the restart")
        await caught_up(table)
    assert {b"k": b"after"} == known.rows


async def test_a_global_table_whose_place_in_the_log_is_gone_begins_again(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Its topic was made anew. Mutation tried: waiting for the old place: fails by its deadline."""
    topic = await created(servers.bootstrap, f"{app_prefix}.reference")
    async with AIOKafkaProducer(bootstrap_servers=servers.bootstrap) as producer:
        for number in range(10):
            await producer.send_and_wait(topic, b"%d" % number, b"old")
    async with opened(servers.bootstrap, topic, tmp_path) as (table, known):
        async with topics_of(open_brokers(servers.bootstrap)) as topics:
            await topics._client.delete_topics([topic])
            while topic in await topics.names():
                await asyncio.sleep(0.05)
        await created(servers.bootstrap, topic)
        async with AIOKafkaProducer(bootstrap_servers=servers.bootstrap) as producer:
            await producer.send_and_wait(topic, b"1", b"new")
        await until(lambda: b"new" in known.rows, "the record of the new topic", 30)
        await caught_up(table)
