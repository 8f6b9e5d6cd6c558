"""What writes and asks for a change, in Kafka: one transactional producer, some readers, an admin client.

The transactional id is the same for every change of an app: whoever starts a second one fences the first.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalOperation
from aiokafka.structs import TopicPartition

from streams.engine.kafka import (
    committed_offsets,
    restore_consumer,
    stop_within,
    transactional_producer,
    uncommitted_consumer,
)
from streams.engine.layout import Answer, Layout
from streams.engine.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    from streams.engine.api import EngineConfig

TIMEOUT_MS = 300_000
"""After this the broker aborts what a change that was killed has left open; the next one does so at once."""
STOP_S = 3.0
Records = list[tuple[bytes, bytes | None]]


@dataclass(frozen=True, slots=True)
class Hand:
    """Clients of one change; open only inside `hand`."""

    config: EngineConfig
    admin: AIOKafkaAdminClient
    committed: AIOKafkaConsumer
    uncommitted: AIOKafkaConsumer
    producer: AIOKafkaProducer

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Outputs]:
        """What is appended is committed at the end of the block, or nothing of it."""
        try:
            async with self.producer.transaction():
                outputs = Outputs(self.producer, {})
                yield outputs
                await outputs.flush()
        except (IllegalOperation, AssertionError):  # aiokafka's, of a producer that has failed before
            sender: asyncio.Task[None] | None = self.producer._sender.sender_task  # noqa: SLF001 - nobody else knows why
            if sender is not None and sender.done():
                sender.result()
            raise

    async def tell(self, stage: str, layout: Layout) -> None:
        """Write a phase; every worker follows."""
        async with self.transaction() as outputs:
            self.say(outputs, stage, layout)

    def say(self, outputs: Outputs, stage: str, layout: Layout) -> None:
        """The same, beside others."""
        outputs.append(self.config.layout, 0, stage.encode(), msgspec.json.encode(layout), 0, ())

    async def fence(self, stage: str, tasks: Iterable[int]) -> None:
        """From now on no transaction of these tasks is open, and none commits unless its task opens anew."""

        async def one(task: int) -> None:
            producer = transactional_producer(self.config, self.config.transactional_id(stage, task))
            try:
                await producer.start()
            finally:
                await stop_within(producer, STOP_S)

        await asyncio.gather(*(one(task) for task in tasks))

    async def ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """High watermarks: whatever was written lies below."""
        return {tp: int(end) for tp, end in (await self.uncommitted.end_offsets(list(tps))).items()}

    async def positions(self, stage: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Committed offsets of the stage, -1 where there is none."""
        return await committed_offsets(self.admin, self.config.group(stage), list(tps))


class Log:
    """One partition, read from its first record on."""

    def __init__(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> None:
        """`consumer` stands at the first record."""
        self._consumer = consumer
        self._tp = tp

    async def rest(self) -> Records:
        """Committed records after those that were given before, to the end of the moment."""
        found: Records = []
        async for records in self.chunks():
            found += records
        return found

    async def chunks(self) -> AsyncIterator[Records]:
        """The same in pieces."""
        end = int((await self._consumer.end_offsets([self._tp]))[self._tp])
        while await self._consumer.position(self._tp) < end:
            for records in (await self._consumer.getmany(self._tp, timeout_ms=200)).values():
                yield [(record.key or b"", record.value) for record in records]

    async def before(self, offset: int, end: int) -> bool:
        """Whether a committed record lies from `offset` on and before `end`."""
        self._consumer.seek(self._tp, offset)
        while await self._consumer.position(self._tp) < end:
            for records in (await self._consumer.getmany(self._tp, timeout_ms=200, max_records=1)).values():
                return bool(records[0].offset < end)
        return False


@asynccontextmanager
async def reading(config: EngineConfig, tp: TopicPartition) -> AsyncIterator[Log]:
    """A partition's log with a connection of its own."""
    consumer = restore_consumer(config)
    try:
        await consumer.start()
        consumer.assign([tp])
        consumer.seek(tp, int((await consumer.beginning_offsets([tp]))[tp]))
        yield Log(consumer, tp)
    finally:
        await stop_within(consumer, STOP_S)


async def layouts(config: EngineConfig) -> tuple[dict[str, Layout], dict[str, dict[str, Answer]]]:
    """All of the topic: layouts by stage, and what workers answered, by stage and worker."""
    known: dict[str, Layout] = {}
    answers: dict[str, dict[str, Answer]] = {}
    async with reading(config, TopicPartition(config.layout, 0)) as log:
        for key, value in await log.rest():
            stage, _, worker = key.decode().partition("/")
            if value is not None and worker:
                answers.setdefault(stage, {})[worker] = msgspec.json.decode(value, type=Answer)
            elif value is not None:
                known[stage] = msgspec.json.decode(value, type=Layout)
    return known, answers


@asynccontextmanager
async def hand(config: EngineConfig) -> AsyncIterator[Hand]:
    """Start everything; whoever changed a stage of this app is fenced from here on."""
    patient = replace(config, transaction_timeout_ms=TIMEOUT_MS)
    admin = AIOKafkaAdminClient(**config.brokers)
    committed, uncommitted = restore_consumer(config), uncommitted_consumer(config)
    producer = transactional_producer(patient, config.layout)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        await admin.start()
        for client in (committed, uncommitted, producer):
            stack.push_async_callback(stop_within, client, STOP_S)
            await client.start()
        yield Hand(config, admin, committed, uncommitted, producer)


def partitions(topics: Iterable[str], numbers: Iterable[int]) -> list[TopicPartition]:
    """These numbers of each topic."""
    return [TopicPartition(topic, number) for number in numbers for topic in topics]


def behind(ends: Mapping[TopicPartition, int], positions: Mapping[TopicPartition, int]) -> int:
    """How many offsets lie between."""
    return sum(max(0, end - max(0, positions[tp])) for tp, end in ends.items())
