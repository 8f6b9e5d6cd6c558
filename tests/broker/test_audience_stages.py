"""The stages `audience` and `members` as a process, struck while users get their labels (promise 1)."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.withdraw import LABELS_AT_ONCE
from connectors.embedded.kafka import EmbeddedKafka
from schemas import topics as t
from schemas.codec import Decoder, SchemaBook, encode
from schemas.records import AudienceAnswered, AudienceLabel, LabelsEnded, UsersLabelled, UsersUploaded
from streams.engine.restore import NO_ROWS
from streams.running import prepare
from streams.settings import Settings
from tables.memberships import Enlisted, Memberships
from tests.audiences import asked, several, withdrawal
from tests.broker.faults.system import Program, base_settings, free_port

PATIENCE_S = 60.0
CHANGELOG = "carillon.members.changelog"
START, END = 0, 4_000_000_000_000
"""Of all labels: the worker's clock is the real one."""
USERS = {
    "spring:a": [f"yandex_uid:{n}" for n in range(2_000)],
    "spring:b": [f"yandex_uid:{n}" for n in range(1_000, 2_500)],
    "spring:c": [f"phone_id:{n}" for n in range(500)],
}
MANY = sum(map(len, USERS.values()))


@dataclass(slots=True)
class Log:
    """Every committed record of some topics, as they come."""

    consumer: AIOKafkaConsumer
    records: dict[str, list[Any]] = field(default_factory=dict)

    async def read(self, *, until: Callable[[], object]) -> None:
        """Read on until something is there."""
        async with asyncio.timeout(PATIENCE_S):
            while not until():
                for tp, records in (await self.consumer.getmany(timeout_ms=50)).items():
                    self.records.setdefault(tp.topic, []).extend(records)

    def of(self, topic: str) -> list[Any]:
        """The records of a topic so far."""
        return self.records.get(topic, [])

    def labels(self) -> dict[str, AudienceLabel]:
        """Labels as they were told last."""
        return {
            record.key.decode().partition(":")[2]: msgspec.json.decode(record.value, type=AudienceLabel)
            for record in self.of(t.AUDIENCE_LABELS)
            if record.key.startswith(t.LABEL_KEY.encode())
        }

    def answers(self) -> dict[str, AudienceAnswered]:
        """Answers by upload."""
        found = [
            msgspec.json.decode(record.value, type=AudienceAnswered) for record in self.of(t.AUDIENCE_ANSWERS)
        ]
        return {answer.upload_id: answer for answer in found}

    def handed_on(self) -> Counter[tuple[str, str]]:
        """How often each user was sent a label."""
        decode = Decoder(UsersLabelled, LabelsEnded, book=SchemaBook())
        values = [decode(record.value) for record in self.of(t.LABELLED)]
        given = [one for value in values if isinstance(value, UsersLabelled) for one in value.labels]
        return Counter((one.audience_label, user) for one in given for user in one.users)

    def counted(self) -> dict[str, dict[str, int]]:
        """Users of each label in all hours so far, as `audience.stats` told them last; no zeros."""
        last = {record.key: json.loads(record.value) for record in self.of(t.AUDIENCE_STATS) if record.value}
        found: dict[str, Counter[str]] = {}
        for hour in (record for record in last.values() if record["period"] == "hour"):
            found.setdefault(hour["dimensions"]["audience_label"], Counter()).update(hour["metrics"])
        return {label: dict(+counts) for label, counts in found.items()}

    def rows(self, number: int, kind: type[Any]) -> dict[bytes, Any]:
        """A table of the members, as its changelog has it."""
        decode = Decoder(kind, book=SchemaBook())
        last = {record.key: record.value for record in self.of(CHANGELOG) if record.key not in NO_ROWS}
        prefix = bytes([number])
        return {
            key[1:]: decode(value[8:])
            for key, value in last.items()
            if value is not None and key.startswith(prefix)
        }


@dataclass(slots=True)
class Struck:
    """A broker with a worker of the two stages, which has a static id: killed, it is back at once."""

    worker: Program
    log: Log
    producer: AIOKafkaProducer

    async def write(self, records: Iterable[Any]) -> None:
        """One transaction, as HTTP writes it."""
        async with self.producer.transaction():
            for record in records:
                topic = t.AUDIENCE_USERS if isinstance(record, UsersUploaded) else t.AUDIENCE_COMMANDS
                await self.producer.send(topic, encode(record), key=b"spring", partition=0)

    async def kill_and_restart(self) -> None:
        """SIGKILL; the next run is not waited for."""
        self.worker.signal(signal.SIGKILL)
        await self.worker.ended()
        self.worker.start()


@asynccontextmanager
async def stages(kafka: EmbeddedKafka, database: str, folder: Path) -> AsyncIterator[Struck]:
    base = base_settings(kafka.address, database)
    await prepare(Settings(data_dir=folder / "here", **base), print)
    own = {
        "data_dir": str(folder / "worker"),
        "http": {"ops_port": free_port()},
        "engine": {"worker_name": "worker", "static_id": True},
        "log": {"format": "json"},
    }
    argv = ("streams.cli", "worker", "--stages", "audience,members,stats")
    worker = Program("worker", folder, argv, base | own)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.address, isolation_level="read_committed", enable_auto_commit=False
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id="test.http")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(worker.stop)
        worker.start()
        await stack.enter_async_context(consumer)
        await stack.enter_async_context(producer)
        await worker.until_ready()
        ones = (t.AUDIENCE_ANSWERS, t.AUDIENCE_LABELS, t.AUDIENCE_PROGRESS)
        places = [TopicPartition(topic, 0) for topic in ones]
        places += [
            TopicPartition(each, n) for each in (t.LABELLED, t.AUDIENCE_STATS, CHANGELOG) for n in range(4)
        ]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        yield Struck(worker, Log(consumer), producer)


@pytest.fixture
async def struck(own_kafka: EmbeddedKafka, database: str, tmp_path: Path) -> AsyncIterator[Struck]:
    """Both stages, ready."""
    async with stages(own_kafka, database, tmp_path) as one:
        yield one


def published(given: Mapping[str, list[str]] = USERS) -> tuple[list[Any], list[Any]]:
    """A request of users by label: its command with half of them, and the other half."""
    parts = [(asked(name, starts_at=START, ends_at=END), users) for name, users in given.items()]
    records = several("u1", parts)
    half = len(records) // 2
    return records[:half], records[half:]


def dealt_with(log: Log) -> int:
    return sum(label.processed + label.failed for label in log.labels().values())


@pytest.mark.spec("AUD-123 AUD-124")
async def test_a_worker_that_is_killed_amid_labelling_labels_every_user_once(struck: Struck) -> None:
    """Mutation to try: offsets committed before the batch, or counts outside of its transaction."""
    first, second = published()
    log = struck.log
    await struck.write(first)
    await log.read(until=lambda: log.of(t.AUDIENCE_PROGRESS))
    await struck.kill_and_restart()
    await struck.write(second)
    before = len(log.of(t.AUDIENCE_PROGRESS))
    await log.read(until=lambda: len(log.of(t.AUDIENCE_PROGRESS)) > before)
    await struck.kill_and_restart()
    await log.read(
        until=lambda: (
            dealt_with(log) == MANY
            and not any(one.unfinished for one in log.labels().values())
            and len(log.rows(2, Enlisted)) == MANY <= log.handed_on().total()
        )
    )
    expected = {(name, user) for name, users in USERS.items() for user in users}
    assert Counter(expected) == log.handed_on()
    assert {name: (len(users), len(users), 0) for name, users in USERS.items()} == {
        name: (label.total, label.processed, label.failed) for name, label in log.labels().items()
    }
    rows = log.rows(1, Memberships)
    entries = [(e.audience_label, user.decode()) for user, row in rows.items() for e in row.entries]
    assert Counter(expected) == Counter(entries)
    assert {1} == {number for row in rows.values() for entry in row.entries for number in entry.numbers}
    assert MANY == len(log.rows(2, Enlisted))
    await log.read(until=lambda: sum(found["labelled"] for found in log.counted().values()) >= MANY)
    assert {name: {"labelled": len(users)} for name, users in USERS.items()} == log.counted()


@pytest.mark.spec("CRM-OP-12")
async def test_a_withdrawal_amid_labelling_leaves_no_entries(struck: Struck) -> None:
    """Of more labels than a step takes, and killed between them. Mutation to try: buckets are not told."""
    users = {
        f"spring:{n}": [f"yandex_uid:{10 * n + m}" for m in range(80)] for n in range(3 * LABELS_AT_ONCE)
    }
    many = sum(map(len, users.values()))
    first, second = published(users)
    log = struck.log
    await struck.write(first)
    await log.read(until=lambda: log.of(t.AUDIENCE_PROGRESS))
    await struck.write([withdrawal("w1")])
    await struck.write(second)
    await struck.kill_and_restart()
    await log.read(until=lambda: "w1" in log.answers())
    assert ("accepted", len(users)) == (log.answers()["w1"].outcome, len(log.answers()["w1"].labels))
    await struck.kill_and_restart()
    await log.read(
        until=lambda: dealt_with(log) == many and not log.rows(1, Memberships) and not log.rows(2, Enlisted)
    )
    labels = log.labels()
    assert sorted(users) == sorted(label.audience_label for label in labels.values() if label.withdrawn_at)
    assert {0} == {len(label.unfinished) for label in labels.values()}
    assert {80} == {label.processed + label.failed for label in labels.values()}
    had = {name: {"labelled": n, "withdrawn": n} for name, label in labels.items() if (n := label.processed)}
    await log.read(until=lambda: log.counted() == had)


async def test_a_withdrawal_does_not_wait_behind_the_users_of_a_request(struck: Struck) -> None:
    """Written behind all users of the request, it is decided before them. Mutation to try: one lane."""
    log = struck.log
    await struck.worker.stop()
    for records in published():
        await struck.write(records)
    await struck.write([withdrawal("w1", "spring:c")])
    struck.worker.start()
    await log.read(until=lambda: dealt_with(log) == MANY)
    labels = log.labels()
    assert labels["spring:c"].failed > labels["spring:c"].processed
    assert [0, 0] == [labels[name].failed for name in ("spring:a", "spring:b")]
