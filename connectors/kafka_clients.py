"""Kafka clients for the length of a block, closed even when they could not connect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from aiokafka import AIOKafkaProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    class Write(Protocol):
        """Hand over one record; the answer is waited for at the end of the block."""

        async def __call__(
            self,
            topic: str,
            value: bytes | None,
            *,
            key: bytes | None = None,
            partition: int | None = None,
            headers: Sequence[tuple[str, bytes]] = (),
        ) -> None: ...

    class WriteTogether(Protocol):
        """Write these records, all or none; they are there when it returns."""

        async def __call__(self, records: Sequence[Record]) -> None: ...


Brokers = Mapping[str, Any]
"""What every client of ours is made with: `bootstrap_servers`, and what SASL and TLS need."""
Headers = tuple[tuple[str, bytes], ...]
Record = tuple[str, bytes | None, bytes | None, Headers]
"""Topic, key, value, headers."""
MOST_UNANSWERED = 4_096
Client = TypeVar("Client", bound=Any)


def open_brokers(bootstrap: str) -> Brokers:
    """Those that ask nobody who he is: embedded ones, and those of tests."""
    return {"bootstrap_servers": bootstrap}


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[Client]:
    """A producer or consumer, started here. `KafkaError` when no broker answers."""
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def writing(brokers: Brokers) -> AsyncIterator[Write]:
    """Write records in order; all in-sync replicas have every one when the block ends, else `KafkaError`.

    Each answer is awaited: aiokafka's `flush` hides records that failed. At most `MOST_UNANSWERED` are kept.
    """
    answers: list[asyncio.Future[Any]] = []
    producer = AIOKafkaProducer(**brokers, acks="all", enable_idempotence=True)

    async def write(
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        if len(answers) >= MOST_UNANSWERED:
            before = answers.copy()
            answers.clear()
            await asyncio.gather(*before)
        answers.append(await producer.send(topic, value, key=key, partition=partition, headers=list(headers)))

    async with connected(producer):
        yield write
        await asyncio.gather(*answers)


@asynccontextmanager
async def writing_together(brokers: Brokers, name: str) -> AsyncIterator[WriteTogether]:
    """Write groups of records, each in a transaction. Who begins under the same `name` ends the last."""
    producer = AIOKafkaProducer(**brokers, transactional_id=name)

    async def write(records: Sequence[Record]) -> None:
        async with producer.transaction():
            answers = [
                await producer.send(topic, value, key=key, headers=list(headers))
                for topic, key, value, headers in records
            ]
            await asyncio.gather(*answers)

    async with connected(producer):
        yield write
