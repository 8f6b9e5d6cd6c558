"""Feeds at a steady rate, whatever the workers do; keeps every line that was acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from aiokafka import AIOKafkaProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.broker.faults.load import Line, Load

TICK_S = 0.05
POST_TRIES = 50


class Feed:
    """An open loop: so many lines a second, waited for only at the end. `fed`: in the order of sending.

    `began`: when it could, s, monotonic.
    """

    def __init__(self, producer: AIOKafkaProducer, session: aiohttp.ClientSession, secret: str) -> None:
        self.fed: list[Line] = []
        self.began = time.monotonic()
        self._producer = producer
        self._session = session
        self._secret = secret

    async def all(self, lines: Iterable[Line]) -> None:
        """Send these and wait for every acknowledgement."""
        async with asyncio.TaskGroup() as group:
            for line in lines:
                self._send(group, line)

    async def steadily(self, load: Load, per_second: int, stop: asyncio.Event) -> None:
        """Send until told to stop; every line is acknowledged when this returns."""
        loop = asyncio.get_running_loop()
        since, sent = loop.time(), 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                for _ in range(int((loop.time() - since) * per_second) - sent):
                    self._send(group, load.next())
                    sent += 1
                await asyncio.sleep(TICK_S)

    def _send(self, group: asyncio.TaskGroup, line: Line) -> None:
        self.fed.append(line)
        group.create_task(self._post(line) if line["to"] == "http" else self._record(line))

    async def _record(self, line: Line) -> None:
        headers = [(name, text.encode()) for name, text in line["headers"].items()]
        await self._producer.send_and_wait(
            line["topic"], json.dumps(line["value"]).encode(), key=line["key"].encode(), headers=headers
        )

    async def _post(self, line: Line) -> None:
        """As an app does: again until it is answered."""
        headers = line["headers"] | {"X-Gateway-Secret": self._secret}
        for _ in range(POST_TRIES):
            async with self._session.post(line["path"], headers=headers, json=line["body"]) as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)
        raise AssertionError(f"never answered: {line}")


@asynccontextmanager
async def feeding(bootstrap: str, http_url: str, secret: str) -> AsyncIterator[Feed]:
    """A feed with a producer and a client of its own."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, client_id="fault-feed"
    )
    async with producer, aiohttp.ClientSession(http_url) as session:
        yield Feed(producer, session, secret)
