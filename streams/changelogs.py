"""Rows of a stage, read from its changelog by a command: no worker is asked, and none need run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.kafka_admin import topics_of
from connectors.kafka_clients import Brokers, connected

POLL_MS: Final = 500


async def partitions_of(brokers: Brokers, topic: str) -> int:
    """How many; 0: there is no such topic."""
    async with topics_of(brokers) as topics:
        return (await topics.partition_counts([topic])).get(topic, 0)


async def records_of(
    brokers: Brokers, topic: str, partition: int
) -> AsyncIterator[tuple[bytes, bytes | None]]:
    """Key and value of each committed record, up to the log's end of the moment; None: the row is gone."""
    place = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(**brokers, enable_auto_commit=False, isolation_level="read_committed")
    async with connected(consumer):
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
                yield record.key or b"", record.value
