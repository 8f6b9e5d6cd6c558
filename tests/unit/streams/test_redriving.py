"""What a redrive reads and writes, against a broker that holds lists."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from aiokafka.structs import TopicPartition

from connectors import kafka_clients
from connectors.kafka_clients import MOST_UNANSWERED, open_brokers, writing
from schemas.ids import message_named, subject_key
from streams.cli import dead
from streams.engine.kafka import partition_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


class Held:
    """A consumer of one topic with two partitions, and its admin client."""

    def __init__(self, **_settings: Any) -> None:
        self.records = {TopicPartition("t", 0): ["a"], TopicPartition("t", 1): ["b"]}
        self.at: dict[TopicPartition, int] = {}

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def assign(self, partitions: list[TopicPartition]) -> None: ...

    async def seek_to_beginning(self, tp: TopicPartition) -> None:
        self.at[tp] = 0

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: len(self.records[tp]) for tp in partitions}

    async def position(self, tp: TopicPartition) -> int:
        return self.at[tp]

    async def getmany(self, tp: TopicPartition, **_settings: Any) -> dict[TopicPartition, list[str]]:
        found = self.records[tp][self.at[tp] : self.at[tp] + 1]
        self.at[tp] += len(found)
        return {tp: found}

    async def partition_counts(self, _topics: list[str]) -> dict[str, int]:
        return {"t": 2}


async def test_what_fails_again_while_it_is_sent_again_is_not_sent_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held()

    @asynccontextmanager
    async def topics_of(_bootstrap: str) -> AsyncIterator[Held]:
        yield held

    monkeypatch.setattr(dead, "topics_of", topics_of)
    monkeypatch.setattr(dead, "AIOKafkaConsumer", lambda **_settings: held)
    sent = []
    async for record in dead.records_in(open_brokers("kafka:9092"), "t"):
        sent.append(record)
        held.records[TopicPartition("t", 1)].append(f"{cast('str', record)} again")
    assert ["a", "b"] == sent


class Slow:
    """A producer whose answers come later; it counts those that are missing."""

    def __init__(self) -> None:
        self.missing = self.most = 0

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def send(self, *_record: Any, **_more: Any) -> asyncio.Future[None]:
        self.missing += 1
        self.most = max(self.most, self.missing)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._answer, answer)
        return answer

    def _answer(self, answer: asyncio.Future[None]) -> None:
        self.missing -= 1
        answer.set_result(None)


async def test_no_more_records_than_that_are_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(kafka_clients, "AIOKafkaProducer", lambda **_settings: slow)
    async with writing(open_brokers("kafka:9092")) as write:
        for _ in range(2 * MOST_UNANSWERED + 1):
            await write("t", b"")
    assert (MOST_UNANSWERED, 0) == (slow.most, slow.missing)


COUNT = 12
USERS = [f"user-{number}" for number in range(20)]


def test_a_receipt_is_sent_again_to_where_its_message_is_and_all_else_to_the_place_of_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [message_named(user, "m").encode() for user in USERS] + [subject_key(user) for user in USERS]
    written: list[tuple[str, int]] = []

    async def write(
        topic: str, _value: bytes, *, key: bytes, partition: int | None = None, **_more: Any
    ) -> None:
        written.append((topic, partition_of(key, COUNT) if partition is None else partition))

    @asynccontextmanager
    async def writing_to(_brokers: Any) -> AsyncIterator[Any]:
        yield write

    @asynccontextmanager
    async def topics_of(_brokers: Any) -> AsyncIterator[Any]:
        yield Outcomes()

    async def letters(_brokers: Any, _name: str) -> AsyncIterator[Any]:
        for key in keys:
            yield SimpleNamespace(offset=0, key=key, value=b"", headers=[("dlq-topic", b"outcomes")])

    given = {"writing": writing_to, "topics_of": topics_of, "records_in": letters, "_brokers": dict}
    for name, fake in given.items():
        monkeypatch.setattr(dead, name, fake)
    dead.redrive("outcomes")
    assert [("outcomes", partition_of(subject_key(user), COUNT)) for user in USERS] * 2 == written


class Outcomes:
    """An admin client that knows the topic `outcomes`."""

    async def names(self) -> set[str]:
        return {"outcomes", "outcomes.dlq"}

    async def partition_counts(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, COUNT)
