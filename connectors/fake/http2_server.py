"""A small HTTP/2 server in clear, for fakes of vendors that speak nothing else.

It lets a client open one stream until a request has been welcomed, as Apple's does, and then many.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_STREAMS = 1
STREAMS = 100


class Http2Request(NamedTuple):
    """A request, and the connection on which it came."""

    headers: dict[str, str]
    body: bytes
    transport: asyncio.Transport | None


class Http2Answer(NamedTuple):
    """An answer. `is_welcome`: whoever asked may open more streams."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    is_welcome: bool = True


class Http2Server:
    """Takes connections; `handle` answers each request in a task of its own."""

    def __init__(self, handle: Callable[[Http2Request], Awaitable[Http2Answer]]) -> None:
        self.handle = handle
        self.connections: set[Http2Connection] = set()
        self.accepted = 0

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Start listening on the running loop; port 0 takes a free one."""
        return await asyncio.get_running_loop().create_server(lambda: Http2Connection(self), host, port)

    def cut(self) -> None:
        """Cut every open connection."""
        for connection in list(self.connections):
            connection.cut()

    def say_goodbye(self) -> None:
        """Take no new requests on any open connection; those under way are answered."""
        for connection in list(self.connections):
            connection.say_goodbye()


class Http2Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: Http2Server) -> None:
        self._server = server
        self._machine = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: FIRST_STREAMS}
        self._machine.local_settings = Settings(client=False, initial_values=limits)
        self._transport: asyncio.Transport | None = None
        self._requests: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._is_known = False
        self._last_stream: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._server.connections.add(self)
        self._server.accepted += 1
        self._machine.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's shape
        self._server.connections.discard(self)
        for task in self._tasks.values():
            task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._machine.receive_data(data):
                self._heed(event)
            self._flush()
        except H2Error:
            self._flush()
            self.cut()

    def cut(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    def say_goodbye(self) -> None:
        """GOAWAY: what came behind the last stream that was seen is not looked at."""
        self._last_stream = self._machine.highest_inbound_stream_id
        frame = b"\x00\x00\x08\x07\x00" + bytes(4) + self._last_stream.to_bytes(4, "big") + bytes(4)
        self._write(frame)  # h2 would close its side, and the answers that are due could not follow

    def _heed(self, event: events.Event) -> None:
        match event:
            case events.RequestReceived():
                headers = {str(name): str(value) for name, value in event.headers}
                self._requests[event.stream_id] = headers, bytearray()
            case events.DataReceived():
                self._requests[event.stream_id][1].extend(event.data)
                self._machine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case events.StreamEnded():
                self._begin(event.stream_id)
            case events.StreamReset() if task := self._tasks.get(event.stream_id):
                task.cancel()
            case _:
                return

    def _begin(self, stream_id: int) -> None:
        headers, body = self._requests.pop(stream_id)
        if self._last_stream is not None and stream_id > self._last_stream:
            return
        request = Http2Request(headers, bytes(body), self._transport)
        task = asyncio.get_running_loop().create_task(self._answer(stream_id, request))
        self._tasks[stream_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(stream_id))

    async def _answer(self, stream_id: int, request: Http2Request) -> None:
        answer = await self._server.handle(request)
        if self._transport is None or self._transport.is_closing():
            return
        if answer.is_welcome and not self._is_known:
            self._is_known = True
            self._machine.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS})
        headers = [(":status", str(answer.status)), *answer.headers.items()]
        self._machine.send_headers(stream_id, headers, end_stream=not answer.body)
        if answer.body:
            self._machine.send_data(stream_id, answer.body, end_stream=True)
        self._flush()

    def _flush(self) -> None:
        self._write(self._machine.data_to_send())

    def _write(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)
