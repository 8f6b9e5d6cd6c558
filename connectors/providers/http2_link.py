"""One HTTP/2 connection with many requests on it, and for each an honest word on what became of it.

h2 is the protocol without I/O; here it meets a transport. Where a vendor takes no idempotency key it matters
which requests certainly were not taken: those on streams that the server refused, or that lie behind the last
one that it names when it says goodbye (RFC 9113, 6.8 and 8.7).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error

if TYPE_CHECKING:
    from hyperframe.frame import Frame, GoAwayFrame

ANSWER_BYTES = 64 * 1024


class UnsentError(Exception):
    """The request was certainly not taken."""


class UnansweredError(Exception):
    """The request was written, and no answer will come."""


class Http2Reply(NamedTuple):
    """What the server answered. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Machine(H2Connection):
    """h2 takes nothing more after a GOAWAY; but answers to older requests follow it."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[events.Event]]:
        told = super()._receive_goaway_frame(frame)
        self.state_machine.state = ConnectionState.CLIENT_OPEN
        return told


class _Exchange:
    """A request under way."""

    def __init__(self, answered: asyncio.Future[Http2Reply]) -> None:
        self.answered = answered
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def end(self, error: Exception) -> None:
        """No more will come; a status that came is an answer."""
        if self.answered.done():
            return
        status = self.headers.get(":status", "")
        if status.isascii() and status.isdecimal():
            self.answered.set_result(Http2Reply(int(status[:3]), self.headers, bytes(self.body)))
        else:
            self.answered.set_exception(error)


class Http2Link(asyncio.Protocol):
    """A connection. `is_usable`: new requests may go on it.

    `heard`: how often the server spoke, the last time at `heard_at`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._machine = _Machine(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._transport: asyncio.Transport | None = None
        self._exchanges: dict[int, _Exchange] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._pinged: asyncio.Future[None] | None = None
        self.greeted: asyncio.Future[None] = self._loop.create_future()
        self.is_usable = True
        self.heard, self.heard_at = 0, self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello; `greeted` is done when the server's limits are known."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._machine.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Feed the machine; what breaks the protocol breaks the connection."""
        self.heard, self.heard_at = self.heard + 1, self._loop.time()
        try:
            for event in self._machine.receive_data(data):
                self._heed(event)
            self._flush()
        except (H2Error, UnicodeError) as error:  # or a header that is no UTF-8
            self._end(error)
        self._wake()
        self._leave_if_done()

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything on it stays unanswered."""
        self._end(exc or ConnectionResetError("closed"))

    async def room(self, size: int) -> None:
        """Return when there is a free stream for a body of this size: `ask` must follow without waiting."""
        while self.is_usable and not self._has_room(size):
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter
        if not self.is_usable:
            raise UnsentError

    async def ask(self, headers: list[tuple[str, str]], body: bytes) -> Http2Reply:
        """Send, and wait for the answer. Cancelling gives the stream back."""
        try:
            stream_id = self._machine.get_next_available_stream_id()
            self._machine.send_headers(stream_id, headers)
            self._machine.send_data(stream_id, body, end_stream=True)
        except H2Error as error:  # no streams are left, or the body is larger than a frame
            self.leave()
            raise UnsentError from error
        exchange = self._exchanges[stream_id] = _Exchange(self._loop.create_future())
        try:
            self._flush()
            return await exchange.answered
        finally:
            self._give_back(stream_id)

    async def ping(self) -> None:
        """Return when the server has answered; `UnsentError` when the connection is gone."""
        if not self.is_usable:
            raise UnsentError
        if self._pinged is None:
            self._pinged = self._loop.create_future()
            self._machine.ping(b"carillon")
            self._flush()
        await asyncio.shield(self._pinged)

    def leave(self) -> None:
        """Take no new requests; close when the last one has ended."""
        self.is_usable = False
        self._wake()
        self._leave_if_done()

    def abort(self) -> None:
        """Cut it."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    def _has_room(self, size: int) -> bool:
        settings = self._machine.remote_settings
        return (
            len(self._exchanges) < settings.max_concurrent_streams
            and size <= settings.initial_window_size
            and size <= self._machine.outbound_flow_control_window
        )

    def _heed(self, event: events.Event) -> None:
        match event:
            case events.RemoteSettingsChanged() if not self.greeted.done():
                self.greeted.set_result(None)
            case events.PingAckReceived() if self._pinged is not None:
                self._pinged.set_result(None)
                self._pinged = None
            case events.ConnectionTerminated():
                self.is_usable = False
                for stream_id, exchange in self._exchanges.items():
                    if stream_id > (event.last_stream_id or 0):
                        exchange.end(UnsentError())
            case events.ResponseReceived() | events.DataReceived():
                self._collect(event)
            case events.StreamEnded() | events.StreamReset():
                self._finish(event)
            case _:
                return

    def _collect(self, event: events.ResponseReceived | events.DataReceived) -> None:
        """A part of an answer; to requests that nobody waits for it is read and dropped."""
        exchange = self._exchanges.get(event.stream_id)
        if isinstance(event, events.DataReceived):
            self._machine.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if exchange is not None:
                exchange.body += event.data[: ANSWER_BYTES - len(exchange.body)]
        elif exchange is not None:
            exchange.headers = {str(name): str(value) for name, value in event.headers}

    def _finish(self, event: events.StreamEnded | events.StreamReset) -> None:
        exchange = self._exchanges.get(event.stream_id)
        if exchange is None:
            return
        is_refused = isinstance(event, events.StreamReset) and event.error_code == ErrorCodes.REFUSED_STREAM
        exchange.end(UnsentError() if is_refused else UnansweredError())

    def _give_back(self, stream_id: int) -> None:
        """Forget a request, and say so to the server if it has not answered."""
        exchange = self._exchanges.pop(stream_id)
        if not exchange.answered.done() or exchange.answered.cancelled():
            self._reset(stream_id)
        self._wake()
        self._leave_if_done()

    def _reset(self, stream_id: int) -> None:
        try:
            self._machine.reset_stream(stream_id, ErrorCodes.CANCEL)
            self._flush()
        except H2Error:  # the stream, or the connection, ended meanwhile
            return

    def _end(self, error: Exception) -> None:
        self.is_usable = False
        for exchange in self._exchanges.values():
            exchange.end(UnansweredError())
        for future in (self.greeted, self._pinged):
            if future is not None and not future.done():
                future.set_exception(UnsentError(type(error).__name__))
                future.exception()  # it is read, should nobody wait for it
        self._pinged = None
        self._wake()
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _leave_if_done(self) -> None:
        if not self.is_usable and not self._exchanges and self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        if self._transport is not None and (data := self._machine.data_to_send()):
            self._transport.write(data)
