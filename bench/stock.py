"""Kafka topics of the bench: sources full of requests, and what the engines wrote into the outputs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from bench.job import PARTITIONS, request, unique_of

Headers = list[tuple[str, bytes]]
Record = tuple[str, bytes] | tuple[str, bytes, Headers]
HEADED = 3
POLL_EVERY = 5_000
WAIT_S = 60.0
READ_AT_ONCE = 20_000
QUIET = {"log_level": 0}
"""The broker ends before the last client does; nobody needs to read that."""


class Stock:
    """The topics of one broker. Everything here blocks: call it in a thread."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
        self._sources: set[str] = set()

    def create(self, names: Iterable[str], partitions: int = PARTITIONS, **config: str) -> None:
        """New topics, served when this returns."""
        wanted = [NewTopic(name, partitions, 1, config=config | _stamps(name)) for name in names]
        if not wanted:
            return
        for made in self._admin.create_topics(wanted).values():
            made.result()
        deadline = time.monotonic() + WAIT_S
        while not self._served([topic.topic for topic in wanted]):
            assert time.monotonic() < deadline, "topics get no leader"
            time.sleep(0.05)

    def create_missing(self, names: Iterable[str]) -> None:
        """New topics, for the names that do not exist."""
        present = self._admin.list_topics().topics
        self.create([name for name in names if name not in present])

    def _served(self, names: list[str]) -> bool:
        found = self._admin.list_topics().topics
        return all(
            name in found and all(p.leader >= 0 for p in found[name].partitions.values()) for name in names
        )

    def forget(self, prefix: str) -> None:
        """Delete every topic of one application."""
        names = [name for name in self._admin.list_topics().topics if prefix in name]
        for deleted in (self._admin.delete_topics(names) if names else {}).values():
            deleted.result()

    def alter(self, names: Iterable[str], **config: str) -> None:
        """Set settings of topics that exist; the words of a setting joined by `_`."""
        entries = [
            ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for key, value in config.items()
        ]
        wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries) for name in names]
        for changed in self._admin.incremental_alter_configs(wanted).values():
            changed.result()

    def requests(self, records: int, *, by_user: bool = True) -> str:
        """The topic that holds so many requests, filled at the first call; keyed by user, or by number."""
        topic = f"requests.{records}{'' if by_user else '.any-key'}"
        if topic not in self._sources:
            self.create([topic])
            unique = unique_of(records)
            made = (request(number, unique) for number in range(records))
            self.fill(topic, ((user if by_user else str(n), body) for n, (user, body) in enumerate(made)))
            self._sources.add(topic)
        return topic

    def forget_source(self, topic: str) -> None:
        """Delete a topic of `requests`: it got more than it should hold."""
        self._sources.discard(topic)
        self.forget(topic)

    def fill(self, topic: str, records: Iterable[Record]) -> None:
        """Write records, keyed and partitioned as Java would; all acknowledged when this returns."""
        producer = feeder(self.bootstrap, linger_ms=20)
        for number, record in enumerate(records):
            produce(producer, topic, record)
            if number % POLL_EVERY == 0:
                producer.poll(0)
                while len(producer) > POLL_EVERY * 50:
                    producer.poll(0.01)
        assert producer.flush(WAIT_S) == 0, "the broker does not take the records"

    def ids(self, topic: str) -> Delivered:
        """Every committed message of an output topic, by its id."""
        found: set[str] = set()
        count = 0
        decode = msgspec.json.Decoder(_Id).decode
        for message in self.committed(topic):
            found.add(decode(message.value() or b"").id)
            count += 1
        return Delivered(count, len(found))

    def committed(self, topic: str) -> Iterator[Message]:
        with reader(self.bootstrap) as consumer:
            parts = list(self._admin.list_topics(topic).topics[topic].partitions)
            ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in parts}
            consumer.assign([TopicPartition(topic, p, 0) for p in parts])
            while any(place.offset < ends[place.partition] for place in _positions(consumer, topic, parts)):
                yield from (m for m in consumer.consume(READ_AT_ONCE, 0.2) if m.error() is None)


class _Id(msgspec.Struct, gc=False):
    id: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Records of an output topic, and how many different ids they have."""

    records: int
    ids: int


@contextmanager
def reader(bootstrap: str) -> Iterator[Consumer]:
    """A consumer that sees only what is committed, and stands for itself."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-reader",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 50,
            **QUIET,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def produce(producer: Producer, topic: str, record: Record) -> None:
    """Hand over one record."""
    key, value, headers = record if len(record) == HEADED else (*record, [])
    producer.produce(topic, key=key.encode(), value=value, headers=headers)


def feeder(bootstrap: str, linger_ms: int) -> Producer:
    """A producer that places keys as the Java client does."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": linger_ms,
            "batch.size": 1 << 20,
            "queue.buffering.max.messages": 1_000_000,
            "compression.type": "lz4",
            **QUIET,
        }
    )


def _positions(consumer: Consumer, topic: str, parts: list[int]) -> list[TopicPartition]:
    return list(consumer.position([TopicPartition(topic, p) for p in parts]))


def _stamps(name: str) -> dict[str, str]:
    """Our changelogs keep the broker's time, as those that `carillon topics create` makes."""
    return {"message.timestamp.type": "LogAppendTime"} if name.endswith(".changelog") else {}
