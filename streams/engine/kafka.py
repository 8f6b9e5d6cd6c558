"""The one place where aiokafka is made and tuned (design rule 17). Pinned to aiokafka 0.14.

aiokafka sleeps `BACKOFF_OVERRIDE` between transactions that follow each other at once; 20 ms would bound a task to
about 40 transactions a second, 2 ms allows 165.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer import sender

if TYPE_CHECKING:
    from aiokafka.structs import TopicPartition

    from streams.engine.api import EngineConfig

BACKOFF_BETWEEN_TRANSACTIONS_S = 0.002
sender.BACKOFF_OVERRIDE = BACKOFF_BETWEEN_TRANSACTIONS_S

BATCH_BYTES = 1 << 20


@lru_cache(maxsize=131_072)
def partition_of(key: bytes, count: int) -> int:
    """Partition of a key: murmur2 as the Java client has it. aiokafka's is pure Python (5 µs), hence the cache."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


def transactional_producer(config: EngineConfig, transactional_id: str) -> AIOKafkaProducer:
    """Producer of one task. `start()` fences and aborts any predecessor of the same id."""
    return AIOKafkaProducer(
        bootstrap_servers=config.bootstrap,
        client_id=config.worker,
        transactional_id=transactional_id,
        linger_ms=0,
        max_batch_size=BATCH_BYTES,
        transaction_timeout_ms=config.transaction_timeout_ms,
        request_timeout_ms=config.request_timeout_ms,
        retry_backoff_ms=config.retry_backoff_ms,
    )


def data_consumer(config: EngineConfig) -> AIOKafkaConsumer:
    """Consumer without a group: tasks place it themselves, so a rebalance never moves it."""
    return _reader(config, isolation="read_committed", max_wait_ms=config.fetch_max_wait_ms)


def restore_consumer(config: EngineConfig) -> AIOKafkaConsumer:
    """Reads changelogs and global tables from given positions."""
    return _reader(config, isolation="read_committed", max_wait_ms=100)


def uncommitted_consumer(config: EngineConfig) -> AIOKafkaConsumer:
    """Asked only for high watermarks, which `read_committed` hides behind the last stable offset."""
    return _reader(config, isolation="read_uncommitted", max_wait_ms=100)


def _reader(config: EngineConfig, *, isolation: str, max_wait_ms: int) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=config.bootstrap,
        client_id=config.worker,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=isolation,
        fetch_max_wait_ms=max_wait_ms,
        fetch_max_bytes=config.fetch_total_bytes,
        max_partition_fetch_bytes=config.fetch_bytes,
        request_timeout_ms=config.request_timeout_ms,
        retry_backoff_ms=config.retry_backoff_ms,
    )


async def end_offset(consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
    """End as the consumer's isolation level sees it."""
    return int((await consumer.end_offsets([tp]))[tp])


async def stop_within(client: AIOKafkaProducer | AIOKafkaConsumer, seconds: float) -> None:
    """Stop a client; when it does not stop in time, cut its connections. Never raises."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError, AssertionError):
        await asyncio.wait_for(client.stop(), seconds)
        return
    inner = getattr(client, "client", None) or getattr(client, "_client", None)
    if inner is not None:
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(inner.close(), seconds)
