"""The wire between one worker and the broker: holds what a stage's producer says about its transactions.

A frame of Kafka's protocol that is caught waits until it is let go; or its answer says something else.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connectors.embedded.kafka import HOST
from tests.broker.app.proxy import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UNKNOWN_SERVER_ERROR: Final = -1
ERROR_AT: Final = 8
"""Where the answers to `Api.ADD_OFFSETS` and `Api.END_TRANSACTION` have their error, in version 0."""
About = tuple[int, str]
"""A request: its kind, and the transactional id it is about (empty: another kind of request)."""


@dataclass(slots=True)
class Catch:
    """The next request of this kind for a task of this stage, or (`answered`) the answer to it.

    It is held until `release`, then passed on; `dropped`: its connection ends instead. `error`: the answer
    passes at once and says this (Kafka's number), whatever the broker said.
    """

    api: Api
    stage: str
    answered: bool = False
    error: int | None = None
    dropped: bool = False
    caught: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


class Wire:
    """Passes frames both ways."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._catches: list[Catch] = []
        self._held: list[Catch] = []
        self._serving: set[asyncio.Task[Any]] = set()

    def catch(self, catch: Catch) -> Catch:
        """Arm it; it strikes once."""
        self._catches.append(catch)
        return catch

    def forget(self, catch: Catch) -> None:
        """Disarm it if it has not struck, else let its frame go."""
        if catch in self._catches:
            self._catches.remove(catch)
        catch.release.set()

    async def end(self) -> None:
        """End every connection."""
        for catch in self._held:
            catch.release.set()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        with suppress(OSError, asyncio.CancelledError):
            await self._join(reader, writer)
        writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(HOST, self._target_port)
        asked: deque[About] = deque()
        ways = [
            asyncio.create_task(self._pass(reader, onward, asked, answers=False)),
            asyncio.create_task(self._pass(there, writer, asked, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            onward.transport.abort()

    async def _pass(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, asked: deque[About], *, answers: bool
    ) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await source.readexactly(4)
                frame = await source.readexactly(struct.unpack(">i", head)[0])
                of = asked.popleft() if answers else about(frame)
                met = await self._met(of, answers=answers)
                if met is not None and met.dropped:
                    return
                if met is not None and met.error is not None:
                    frame = with_error(frame, met.error)
                if not answers:
                    asked.append(of)
                to.write(head + frame)
                await to.drain()

    async def _met(self, of: About, *, answers: bool) -> Catch | None:
        api, name = of
        for catch in self._catches:
            if (catch.api, catch.answered) == (api, answers) and name.startswith(f"carillon.{catch.stage}."):
                self._catches.remove(catch)
                self._held.append(catch)
                catch.caught.set()
                if catch.error is None:
                    await catch.release.wait()
                return catch
        return None


def about(frame: bytes) -> About:
    """What a request is about: these kinds have the transactional id right behind their header."""
    (api,) = struct.unpack_from(">h", frame)
    if api not in {Api.ADD_OFFSETS, Api.END_TRANSACTION}:
        return api, ""
    (client,) = struct.unpack_from(">h", frame, 8)
    start = 10 + max(client, 0)
    (length,) = struct.unpack_from(">h", frame, start)
    return api, frame[start + 2 : start + 2 + length].decode()


def with_error(answer: bytes, error: int) -> bytes:
    """The same answer with another word."""
    return answer[:ERROR_AT] + struct.pack(">h", error) + answer[ERROR_AT + 2 :]


@asynccontextmanager
async def open_wire(port: int, target_port: int) -> AsyncIterator[Wire]:
    """A wire that listens on `port` for the length of the block."""
    wire = Wire(target_port)
    server = await asyncio.start_server(wire.serve, HOST, port)
    try:
        yield wire
    finally:
        server.close()
        await wire.end()
        await server.wait_closed()
