"""A door between a worker and its broker, held shut for one kind of request: faults at a known moment.

The broker needs a listener that advertises the door's address: `proxied_options`.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from connectors.embedded.kafka import HOST, KafkaOptions
from tests.broker.faults.system import free_port


class Api(IntEnum):
    """Kinds of requests, by Kafka's own numbers."""

    PRODUCE = 0
    FETCH = 1
    INIT_PRODUCER_ID = 22
    ADD_OFFSETS = 25
    END_TRANSACTION = 26
    OFFSET_FETCH = 9


@dataclass(slots=True)
class Fault:
    """The next request of this kind is caught: held until `release`, and then passed on or cut off.

    `answered`: the request goes through and its answer is caught instead. `cut`: the connection ends there.
    """

    api: Api
    answered: bool = False
    cut: bool = False
    caught: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


class Door:
    """Passes Kafka's frames both ways; `shut` refuses and ends connections."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._faults: list[Fault] = []
        self._struck_faults: list[Fault] = []
        self._serving: set[asyncio.Task[Any]] = set()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self.shut = False

    def catch(self, fault: Fault) -> Fault:
        """Arm a fault; it strikes once."""
        self._faults.append(fault)
        return fault

    def close_all(self) -> None:
        """End every connection."""
        for pair in list(self._pairs):
            for writer in pair:
                writer.close()

    async def end(self) -> None:
        """End every connection, held ones too."""
        self.shut = True
        for fault in self._struck_faults:
            fault.release.set()
        self.close_all()
        if self._serving:
            await asyncio.wait(self._serving)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.shut:
            writer.close()
            return
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        there_reader, there_writer = await asyncio.open_connection(HOST, self._target_port)
        pair = (writer, there_writer)
        self._pairs.add(pair)
        asked: deque[int] = deque()
        ways = {
            asyncio.create_task(self._pass(reader, there_writer, asked, answers=False)),
            asyncio.create_task(self._pass(there_reader, writer, asked, answers=True)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pairs.discard(pair)
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            for each in pair:
                each.close()

    async def _pass(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, asked: deque[int], *, answers: bool
    ) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await source.readexactly(4)
                frame = await source.readexactly(struct.unpack(">i", head)[0])
                api = asked.popleft() if answers else struct.unpack_from(">h", frame)[0]
                if await self._struck(api, answers=answers):
                    return
                if not answers:
                    asked.append(api)
                to.write(head + frame)
                await to.drain()

    async def _struck(self, api: int, *, answers: bool) -> bool:
        fault = next((f for f in self._faults if f.api == api and f.answered == answers), None)
        if fault is None:
            return False
        self._faults.remove(fault)
        self._struck_faults.append(fault)
        fault.caught.set()
        await fault.release.wait()
        return fault.cut


def proxied_options() -> tuple[KafkaOptions, int, int]:
    """Options of a broker with a second listener, the port it advertises (the door's), and its real port."""
    plain, control, real, door = free_port(), free_port(), free_port(), free_port()
    listeners = {
        "listeners": f"PLAINTEXT://{HOST}:{plain},PROXIED://{HOST}:{real},CONTROLLER://{HOST}:{control}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{plain},PROXIED://{HOST}:{door}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
    return KafkaOptions(port=plain, controller_port=control, properties=listeners), door, real


@asynccontextmanager
async def open_door(port: int, target_port: int) -> AsyncIterator[Door]:
    """A door that listens on `port` for the length of the block."""
    door = Door(target_port)
    server = await asyncio.start_server(door.serve, HOST, port)
    try:
        yield door
    finally:
        server.close()
        await door.end()
        await server.wait_closed()
