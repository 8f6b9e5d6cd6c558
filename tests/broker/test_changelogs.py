"""Rows as a command reads them from a changelog: what is committed, up to the end of that moment."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from streams.changelogs import partitions_of, records_of
from streams.resealing import last_values
from tests.servers import Servers

ROW, GONE, OTHER = b"\2user:1", b"\2user:2", b"\1user:1"


async def read(servers: Servers, topic: str) -> list[tuple[bytes, bytes | None]]:
    async with asyncio.timeout(30):
        return [record async for record in records_of(open_brokers(servers.bootstrap), topic, 0)]


async def test_what_is_committed_is_read_and_nothing_else(servers: Servers, app_prefix: str) -> None:
    """Mutation: read what is not committed, or up to the log's last offset: it waits for the open one."""
    assert 0 == await partitions_of(open_brokers(servers.bootstrap), app_prefix)
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        await topics.create_missing([TopicSpec(app_prefix, 2)])
    assert (2, []) == (
        await partitions_of(open_brokers(servers.bootstrap), app_prefix),
        await read(servers, app_prefix),
    )
    producer = AIOKafkaProducer(bootstrap_servers=servers.bootstrap, transactional_id=app_prefix)
    async with producer:
        async with producer.transaction():
            for key, value in ((ROW, b"a"), (GONE, b"b"), (GONE, None), (OTHER, b"c")):
                await producer.send_and_wait(app_prefix, value, key=key, partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(app_prefix, b"aborted", key=ROW, partition=0)
        await producer.abort_transaction()
        committed = [(ROW, b"a"), (GONE, b"b"), (GONE, None), (OTHER, b"c")]
        assert committed == await read(servers, app_prefix)
        await producer.begin_transaction()
        await producer.send_and_wait(app_prefix, b"open", key=ROW, partition=0)
        assert committed == await read(servers, app_prefix)
        found = await last_values(records_of(open_brokers(servers.bootstrap), app_prefix, 0))
        assert {ROW: b"a"} == found
        await producer.commit_transaction()
    assert [*committed, (ROW, b"open")] == await read(servers, app_prefix)
