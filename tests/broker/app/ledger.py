"""What went in and what came out; the latter told by a client that is not the engine's (confluent-kafka)."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers

CHANGELOG = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Row:
    """A record as a foreign reader sees it."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


async def create_topics(
    bootstrap: str, partitions: int, *names: str, config: Mapping[str, str] | None = None
) -> None:
    """Create topics of equal partition counts; names that end in `.changelog` are compacted."""
    async with topics_of(open_brokers(bootstrap)) as topics:
        await topics.create_missing(
            TopicSpec(name, partitions, config=CHANGELOG if name.endswith(".changelog") else config or {})
            for name in names
        )


def partition_for(key: bytes, partitions: int) -> int:
    """Where these tests put a key: by its last number, so that loads are even and known."""
    found = re.search(rb"(\d+)\D*$", key)
    return int(found[1]) % partitions if found else 0


async def write(
    bootstrap: str, topic: str, partitions: int, rows: Iterable[tuple[bytes, bytes]], per_second: int = 0
) -> int:
    """Write (key, value) rows, at most `per_second` when given; returns how many were acknowledged.

    Not by librdkafka: a producer of it that once hears of a partition without leader, as a thawed broker says
    for a moment, may never send to it again (its issue 5430).
    """
    began = asyncio.get_running_loop().time()
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=5
    ) as producer:
        sent = []
        for count, (key, value) in enumerate(rows, 1):
            partition = partition_for(key, partitions)
            sent.append(await producer.send(topic, value, key=key, partition=partition))
            if per_second and count % 100 == 0:
                due = began + count / per_second
                await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
        return len(await asyncio.gather(*sent))


async def read(bootstrap: str, topic: str, *, committed: bool = True) -> list[Row]:
    """All records that are in the topic now, partition by partition."""
    return await asyncio.to_thread(_read, bootstrap, topic, committed)


def _read(bootstrap: str, topic: str, committed: bool) -> list[Row]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{topic}.ledger",
            "enable.auto.commit": False,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
        }
    )
    try:
        count = len(consumer.list_topics(topic, timeout=20).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(count)])
        rows: list[Row] = []
        ended: set[int] = set()
        while len(ended) < count:
            for message in consumer.consume(10_000, timeout=0.2):
                partition, offset, error = message.partition(), message.offset(), message.error()
                assert partition is not None
                assert offset is not None
                if error is not None:
                    assert error.name() == "_PARTITION_EOF", error
                    ended.add(partition)
                    continue
                headers = tuple((name, bytes(value or b"")) for name, value in message.headers() or ())
                key, value = message.key(), message.value()
                rows.append(
                    Row(
                        partition,
                        offset,
                        _bytes(key) or b"",
                        _bytes(value),
                        headers,
                    )
                )
        return rows
    finally:
        consumer.close()


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content


async def read_until(
    bootstrap: str, topic: str, enough: Callable[[list[Row]], bool], patience_s: float = 60.0
) -> list[Row]:
    """Read the topic again and again until `enough` of it, or until patience ends; returns what is there."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        rows = await read(bootstrap, topic)
        if enough(rows) or asyncio.get_running_loop().time() > deadline:
            return rows
        await asyncio.sleep(0.2)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run did to its records."""

    lost: tuple[bytes, ...]
    repeated: tuple[bytes, ...]
    misnumbered: tuple[bytes, ...] = ()


EXACTLY_ONCE = Verdict((), ())


def reconcile(sent: Iterable[bytes], rows: Iterable[Row]) -> Verdict:
    """Each id sent must have come out once; a value is `id` or `id number`, numbers run 1, 2, 3 … per key."""
    seen: Counter[bytes] = Counter()
    numbers: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in rows:
        record_id, *number = (row.value or b"").split(b" ")
        seen[record_id] += 1
        if number:
            numbers[row.key].append(int(number[0]))
    wrong = [key for key, found in numbers.items() if sorted(found) != list(range(1, len(found) + 1))]
    return Verdict(
        tuple(sorted(set(sent) - set(seen))),
        tuple(sorted(record_id for record_id, times in seen.items() if times > 1)),
        tuple(sorted(wrong)),
    )


async def outcome(bootstrap: str, topic: str, sent: list[bytes], patience_s: float = 60.0) -> Verdict:
    """Wait until as many records came out as went in, then reconcile."""
    rows = await read_until(bootstrap, topic, lambda found: len(found) >= len(sent), patience_s)
    return reconcile(sent, rows)


async def grown(bootstrap: str, topic: str, records: int, patience_s: float = 150.0) -> None:
    """Wait until the topic is that long, markers included: to read it again and again would cost a core."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while sum(await asyncio.to_thread(_ends, bootstrap, topic, "read_committed")) < records:
        assert asyncio.get_running_loop().time() < deadline, f"{topic} does not grow to {records} records"
        await asyncio.sleep(0.2)


async def settled(bootstrap: str, topic: str, patience_s: float = 30.0) -> None:
    """Wait until no transaction is open in the topic: what is written is what a committed reader may see."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        if await asyncio.to_thread(_ends, bootstrap, topic, "read_committed") == await asyncio.to_thread(
            _ends, bootstrap, topic, "read_uncommitted"
        ):
            return
        assert asyncio.get_running_loop().time() < deadline, f"a transaction stays open in {topic}"
        await asyncio.sleep(0.1)


def _ends(bootstrap: str, topic: str, isolation: str) -> list[int]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"{topic}.ends", "isolation.level": isolation}
    )
    try:
        count = len(consumer.list_topics(topic, timeout=20).topics[topic].partitions)
        tps = [TopicPartition(topic, number) for number in range(count)]
        return [consumer.get_watermark_offsets(tp, timeout=20)[1] for tp in tps]
    finally:
        consumer.close()


async def forget_offsets(bootstrap: str, group: str) -> None:
    """What seven days without a member do to a group's offsets."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its futures end with it
    futures = admin.delete_consumer_groups([group])
    await asyncio.to_thread(futures[group].result, 20)


async def delete_records(bootstrap: str, topic: str, partition: int, before: int) -> None:
    """What retention does to a partition."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its futures end with it
    futures = admin.delete_records([TopicPartition(topic, partition, before)])
    for future in futures.values():
        await asyncio.to_thread(future.result, 20)


def ids(count: int, first: int = 0) -> list[bytes]:
    """Record ids."""
    return [b"id-%d" % number for number in range(first, first + count)]


def rows_of(wanted: list[bytes], keys: int = 20) -> list[tuple[bytes, bytes]]:
    """A key and the id for each; keys take turns."""
    return [(b"user-%d" % (number % keys), each) for number, each in enumerate(wanted)]
