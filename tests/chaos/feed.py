"""Feeds at a steady rate, whatever happens; knows of each record where in the log it was acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.broker.faults.load import Line, Load

TICK_S: Final = 0.02
POST_PATIENCE_S: Final = 120.0
Place = tuple[str, int, int]


@dataclass(slots=True)
class Fed:
    """One line: its number from 1, when it was sent (s since the epoch), and where it was acknowledged."""

    number: int
    line: Line
    at: float
    place: Place | None = None
    acknowledged_at: float | None = None


class Feed:
    """An open loop: so many lines a second. `fed`: in the order of sending; `refused`: what went wrong.

    Two producers; users are split among them by their key, so that all of one user's records come from one.
    The second one's clock is wrong by `skew_ms`: it shows in the time of its records.
    """

    def __init__(self, producers: tuple[AIOKafkaProducer, AIOKafkaProducer], skew_ms: int) -> None:
        self.fed: list[Fed] = []
        self.refused: list[str] = []
        self.began = time.monotonic()
        self._producers = producers
        self._skew_ms = skew_ms
        self._session: aiohttp.ClientSession | None = None
        self._secret = ""

    def post_with(self, session: aiohttp.ClientSession, secret: str) -> None:
        """Where and as whom seen posts go."""
        self._session, self._secret = session, secret

    async def all(self, lines: Iterable[Line]) -> None:
        """Send these and wait for every acknowledgement."""
        async with asyncio.TaskGroup() as group:
            for line in lines:
                self._send(group, line)

    async def steadily(self, load: Load, per_second: int, stop: asyncio.Event) -> None:
        """Send until told to stop; every line is acknowledged or refused when this returns."""
        loop = asyncio.get_running_loop()
        since, sent = loop.time(), 0
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                for _ in range(int((loop.time() - since) * per_second) - sent):
                    self._send(group, load.next())
                    sent += 1
                await asyncio.sleep(TICK_S)

    def _send(self, group: asyncio.TaskGroup, line: Line) -> None:
        fed = Fed(len(self.fed) + 1, line, time.time())
        self.fed.append(fed)
        group.create_task(self._post(fed) if line["to"] == "http" else self._record(fed))

    async def _record(self, fed: Fed) -> None:
        line = fed.line
        is_off = int(line["key"][-1], 16) % 2
        headers = [(name, text.encode()) for name, text in line["headers"].items()]
        value = line["raw"] if "raw" in line else json.dumps(line["value"])
        at_ms = int(fed.at * 1000) + (self._skew_ms if is_off else 0)
        try:
            done = await self._producers[is_off].send_and_wait(
                line["topic"],
                value.encode(),
                key=line["key"].encode(),
                headers=[*headers, ("line", str(fed.number).encode())],
                timestamp_ms=at_ms,
            )
        except KafkaError as error:
            self.refused.append(f"line {fed.number} to {line['topic']}: {error!r}")
            return
        fed.place = (line["topic"], done.partition, done.offset)
        fed.acknowledged_at = time.time()

    async def _post(self, fed: Fed) -> None:
        """As an app does: again until it is answered."""
        assert self._session is not None
        headers = fed.line["headers"] | {"X-Gateway-Secret": self._secret}
        deadline = time.monotonic() + POST_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                async with self._session.post(
                    fed.line["path"], headers=headers, json=fed.line["body"]
                ) as answer:
                    if answer.status == 200:
                        fed.acknowledged_at = time.time()
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.3)
        self.refused.append(f"line {fed.number} was never answered")


@asynccontextmanager
async def feeding(bootstrap: str, http_url: str, secret: str, skew_ms: int) -> AsyncIterator[Feed]:
    """A feed with two producers and a client of its own."""
    async with AsyncExitStack() as stack:
        made = [
            AIOKafkaProducer(
                bootstrap_servers=bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=25,
                client_id=name,
            )
            for name in ("chaos-feed", "chaos-feed-with-a-wrong-clock")
        ]
        for producer in made:
            await stack.enter_async_context(producer)
        feed = Feed((made[0], made[1]), skew_ms)
        timeout = aiohttp.ClientTimeout(total=10)
        session = await stack.enter_async_context(aiohttp.ClientSession(http_url, timeout=timeout))
        feed.post_with(session, secret)
        yield feed
