"""Feeds the input file: a real producer with `acks=all`, and a client that posts until it is answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import aiohttp
from aiokafka import AIOKafkaProducer

from connectors.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from connectors.kafka_clients import Brokers
    from streams.demo.lines import Line

POSTS_AT_ONCE = 8
TRIES = 10
FIRST_WAIT_S = 0.2
TRY_AGAIN = {408, 429, 500, 502, 503, 504}


class PostFailedError(Exception):
    """The HTTP server did not take a post, however often it was tried."""


class Producer(Protocol):
    """What the feeder needs of a Kafka producer."""

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None, headers: list[tuple[str, bytes]]
    ) -> Awaitable[object]:
        """Queue a record; the result is awaited for the broker's acknowledgement."""
        ...


class Feeder:
    """Counts what is acknowledged: `records` by the broker, `answers` by HTTP status. `pause`: in seconds."""

    def __init__(
        self,
        producer: Producer,
        session: aiohttp.ClientSession,
        gateway_secret: str,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.records = 0
        self.answers: Counter[int] = Counter()
        self._pause = pause
        self._producer = producer
        self._session = session
        self._secret = gateway_secret
        self._gate = asyncio.Semaphore(POSTS_AT_ONCE)

    @property
    def fed(self) -> int:
        """Lines that are done."""
        return self.records + self.answers.total()

    async def feed(self, lines: Iterable[Line]) -> None:
        """Send all lines, records in their order; return when every one is acknowledged."""
        async with asyncio.TaskGroup() as group:
            for line in lines:
                if line.is_post:
                    group.create_task(self._post(line))
                    continue
                made = line.record(now_ms())
                sent = await self._producer.send(made.topic, made.value, key=made.key, headers=made.headers)
                group.create_task(self._acknowledged(sent))

    async def _acknowledged(self, sent: Awaitable[object]) -> None:
        await sent
        self.records += 1

    async def _post(self, line: Line) -> None:
        """As a client does: again with growing pauses until the server answers (SEEN-016, SEEN-OP-05)."""
        post, status = line.post(self._secret), None
        async with self._gate:
            for turn in range(TRIES):
                status = await self._status(post.path, post.headers, post.body)
                if status is not None and status not in TRY_AGAIN:
                    self.answers[status] += 1
                    return
                await self._pause(FIRST_WAIT_S * 2**turn)
        raise PostFailedError(f"line {line.number}: {post.path} answered {status} {TRIES} times")

    async def _status(self, path: str, headers: dict[str, str], body: bytes) -> int | None:
        told = {"Content-Type": "application/json", **headers}
        try:
            async with self._session.post(path, data=body, headers=told) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientConnectionError:
            return None


@asynccontextmanager
async def feeder(brokers: Brokers, http_url: str, gateway_secret: str) -> AsyncIterator[Feeder]:
    """A feeder with open connections."""
    producer = AIOKafkaProducer(**brokers, acks="all", enable_idempotence=True, linger_ms=5, client_id="demo")
    await producer.start()
    try:
        async with aiohttp.ClientSession(http_url) as session:
            yield Feeder(producer, session, gateway_secret)
    finally:
        await producer.stop()
