"""The one place where aiokafka is made and tuned (design rule 17). Pinned to aiokafka 0.14.

aiokafka sleeps `BACKOFF_OVERRIDE` between transactions that follow each other at once; 20 ms would bound a
task to about 40 transactions a second, 2 ms allows 165.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, for_code
from aiokafka.partitioner import murmur2
from aiokafka.producer import sender
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import TopicPartition

from streams.engine import connections as connections  # noqa: PLC0414 - mends aiokafka's connections
from streams.engine.wire import BATCH_BYTES, AsEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiokafka.admin import AIOKafkaAdminClient

    from streams.engine.api import EngineConfig

BACKOFF_BETWEEN_TRANSACTIONS_S = 0.002
sender.BACKOFF_OVERRIDE = BACKOFF_BETWEEN_TRANSACTIONS_S

CUT_ROUNDS, CUT_S = 20, 0.1


@lru_cache(maxsize=131_072)
def partition_of(key: bytes, count: int) -> int:
    """Partition of a key: murmur2 as the Java client has it; cached, for aiokafka's takes 5 µs."""
    return int(murmur2(key) & 0x7FFFFFFF) % count


def transactional_producer(config: EngineConfig, transactional_id: str) -> AIOKafkaProducer:
    """Producer of one task. `start()` fences and aborts any predecessor of the same id."""
    return AIOKafkaProducer(
        **config.brokers,
        client_id=config.worker,
        transactional_id=transactional_id,
        linger_ms=0,
        max_batch_size=BATCH_BYTES,
        transaction_timeout_ms=config.transaction_timeout_ms,
        request_timeout_ms=config.request_timeout_ms,
        retry_backoff_ms=config.retry_backoff_ms,
    )


def reporting_producer(config: EngineConfig) -> AIOKafkaProducer:
    """For figures that are said again soon: one that is lost or comes twice harms nothing."""
    return AIOKafkaProducer(
        **config.brokers,
        client_id=config.worker,
        linger_ms=0,
        request_timeout_ms=config.request_timeout_ms,
        retry_backoff_ms=config.retry_backoff_ms,
    )


def data_consumer(config: EngineConfig, events: AsEvents) -> AIOKafkaConsumer:
    """Consumer of `Event`s without a group: tasks place it themselves, so a rebalance never moves it."""
    wait_ms = config.fetch_max_wait_ms
    return _reader(config, isolation="read_committed", max_wait_ms=wait_ms, value_deserializer=events)


def restore_consumer(config: EngineConfig) -> AIOKafkaConsumer:
    """Reads changelogs and global tables from given positions."""
    return _reader(config, isolation="read_committed", max_wait_ms=100)


def uncommitted_consumer(config: EngineConfig) -> AIOKafkaConsumer:
    """Asked only for high watermarks, which `read_committed` hides behind the last stable offset."""
    return _reader(config, isolation="read_uncommitted", max_wait_ms=100)


def _reader(
    config: EngineConfig,
    *,
    isolation: str,
    max_wait_ms: int,
    value_deserializer: Callable[[bytes], object] | None = None,
) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **config.brokers,
        client_id=config.worker,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=isolation,
        value_deserializer=value_deserializer,
        fetch_max_wait_ms=max_wait_ms,
        fetch_max_bytes=config.fetch_total_bytes,
        max_partition_fetch_bytes=config.fetch_bytes,
        request_timeout_ms=config.request_timeout_ms,
        retry_backoff_ms=config.retry_backoff_ms,
    )


async def end_offset(consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
    """End as the consumer's isolation level sees it."""
    return int((await consumer.end_offsets([tp]))[tp])


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, tps: Iterable[TopicPartition], coordinator: int | None = None
) -> dict[TopicPartition, int]:
    """Committed offset by partition, -1 where there is none; raises `KafkaError` for anything else.

    aiokafka's own calls overlook the answer's error: a coordinator that still loads would read as "nothing
    committed".
    """
    wanted: dict[str, list[int]] = {}
    for tp in tps:
        wanted.setdefault(tp.topic, []).append(tp.partition)
    if coordinator is None:
        coordinator = await admin.find_coordinator(group)
    request = OffsetFetchRequest(group, list(wanted.items()))
    answer: Any = await admin._send_request(request, coordinator)  # noqa: SLF001 - the public call drops the error
    codes = [getattr(answer, "error_code", 0)]
    codes += [code for _, partitions in answer.topics for *_, code in partitions]
    if any(codes):
        raise for_code(next(code for code in codes if code))(group)
    found = {
        TopicPartition(topic, number): offset for topic, rows in answer.topics for number, offset, *_ in rows
    }
    if not found.keys() >= set(tps):
        raise KafkaError(f"the coordinator of {group} left out partitions")
    return found


async def stop_within(client: AIOKafkaProducer | AIOKafkaConsumer, seconds: float) -> None:
    """Stop a client; when it does not stop in time, cut it off: nothing of it lives on. Never raises."""
    try:
        await asyncio.wait_for(client.stop(), seconds)
    except (
        KafkaError,
        OSError,
        TimeoutError,
        AssertionError,
        RuntimeError,
    ):  # the last: uvloop, a transport closed
        await _cut(client)
    for future in _left_behind(client):
        if future.done() and not future.cancelled():
            future.exception()  # known already, or of no interest: asyncio need not tell that nobody asked


async def _cut(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Close the connections, so that requests under way fail, and end every task of the client.

    A sender that was merely disconnected would connect again and go on with the transaction it was stopped
    in. One whose metadata task has failed would be closed no further than to that task.
    """
    inner: Any = getattr(client, "client", None) or getattr(client, "_client")  # noqa: B009 - its two names
    for _ in range(CUT_ROUNDS):
        try:
            await asyncio.wait_for(inner.close(), CUT_S)
        except (KafkaError, OSError, TimeoutError):
            pass
        except RuntimeError:  # uvloop, a transport closed
            inner._sync_task = None  # noqa: SLF001 - it is done, and its error is this one
            continue
        tasks = _tasks_of(client)
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CUT_S)


def _tasks_of(client: AIOKafkaProducer | AIOKafkaConsumer) -> set[asyncio.Task[Any]]:
    """Tasks of a client's parts that still run; batches that wait to be sent are given up on the way."""
    parts = [getattr(client, name, None) for name in ("_sender", "_coordinator", "_fetcher")]
    held = [value for part in parts if part is not None for value in vars(part).values()]
    held += [each for value in held if isinstance(value, set) for each in value]
    for batch in _queued(client):
        batch.future.cancel()
    return {task for task in held if isinstance(task, asyncio.Task) and not task.done()}


def _queued(client: AIOKafkaProducer | AIOKafkaConsumer) -> list[Any]:
    """Batches of a producer that are not answered."""
    accumulator: Any = getattr(client, "_message_accumulator", None)
    if accumulator is None:
        return []
    queued = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001
    return [*queued, *accumulator._pending_batches]  # noqa: SLF001


def _left_behind(client: AIOKafkaProducer | AIOKafkaConsumer) -> list[asyncio.Future[Any]]:
    """Futures that aiokafka itself made, and failed, and never looks at again."""
    transaction = getattr(getattr(client, "_txn_manager", None), "_transaction_waiter", None)
    drained = [batch._drain_waiter for batch in _queued(client)]  # noqa: SLF001
    return drained if transaction is None else [*drained, transaction]
