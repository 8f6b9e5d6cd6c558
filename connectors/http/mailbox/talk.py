"""One connection from its login to its end: two loops, one that tells and one that listens."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import WSMsgType

from connectors.http.mailbox.acting import acted
from connectors.http.mailbox.frames import Said, changed, message_of, read_frame, written
from connectors.http.mailbox.line import Line
from connectors.http.mailbox.ports import NotCaughtUpError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import web

    from connectors.http.mailbox.line import News
    from connectors.http.mailbox.ports import MailboxPorts
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

MINUTE_MS = 60_000
CLOSE_S = 2.0


class Close(IntEnum):
    """Why this side ends a connection: codes that clients read."""

    GOING = 1001
    """This process stops: come again, with the cursor."""
    NOT_TEXT = 1003
    OUR_FAULT = 1011
    TRY_LATER = 1013
    """Credentials cannot be checked now."""
    NOT_UNDERSTOOD = 4400
    UNAUTHENTICATED = 4401
    """No token in time, one that is not accepted, or one that has expired: come again with another."""
    FORBIDDEN = 4403
    SLOW = 4408
    """Frames were not taken in time: come again, with the cursor."""
    TOO_MANY = 4429
    """Too many connections of this user, or too many frames: come again later."""


class HangUpError(Exception):
    """The connection is to end."""

    def __init__(self, code: Close) -> None:
        super().__init__(code)
        self.code = code


class Who(NamedTuple):
    """Who is connected, until when his token holds (ms), and what he has already."""

    user_id: str
    until_ms: int | None
    cursor: int | None


class Talk:
    """One connection of one user."""

    def __init__(self, ports: tuple[EdgePorts, MailboxPorts], ws: web.WebSocketResponse, who: Who) -> None:
        self._ports, self._own = ports
        self._ws = ws
        self._who = who
        self._line = Line(who.cursor)
        self._minute, self._frames = 0, 0

    async def run(self, wake: asyncio.Event, trace: Trace) -> None:
        """Until the client goes; `HangUpError` when this side is to end it."""
        tells = asyncio.create_task(self._tell(wake))
        hears = asyncio.create_task(self._hear(trace))
        try:
            done, _ = await asyncio.wait({tells, hears}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            for each in (tells, hears):
                each.cancel()
            await asyncio.gather(tells, hears, return_exceptions=True)

    async def _tell(self, wake: asyncio.Event) -> None:
        """What is new, whenever somebody says so; and by itself now and then, should nobody have."""
        while True:
            wake.clear()
            if self._own.clients.is_closing:
                raise HangUpError(Close.GOING)
            if self._has_expired():
                raise HangUpError(Close.UNAUTHENTICATED)
            with suppress(NotCaughtUpError):  # what is missing wakes us when it comes
                await self._told(self._line.news(self._own.mailboxes.of(self._who.user_id)))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rest_s()):
                    await wake.wait()

    async def _told(self, news: News) -> None:
        try:
            for item in news.fresh:
                letter = self._own.mailboxes.letter(self._who.user_id, item.message_id)
                if letter is not None:
                    await self._send(message_of(item, letter))
                    self._own.figures.told("message", 1)
                self._line.told(item)
        except NotCaughtUpError:  # the row of its mailbox came first: it and those after it are told later
            pass
        if news.changed:
            await self._send({"changed": [changed(one) for one in news.changed]})
        if news.gone:
            await self._send({"gone": news.gone})
        if news.counts is not None:
            await self._send({"counts": news.counts})

    async def _hear(self, trace: Trace) -> None:
        async for message in self._ws:
            if message.type is WSMsgType.ERROR:  # a ping without its pong, or a frame too large
                return
            self._count()
            if message.type is WSMsgType.PING:
                await self._in_time(self._ws.pong(message.data))
                continue
            if message.type is WSMsgType.PONG:
                continue
            if message.type is not WSMsgType.TEXT:
                raise HangUpError(Close.NOT_TEXT)
            said = read_frame(message.data)
            if not isinstance(said, Said):
                raise HangUpError(Close.NOT_UNDERSTOOD)
            is_kept = await acted(self._ports, self._who.user_id, said, trace)
            self._own.figures.told("act", int(is_kept))
            await self._send({"done" if is_kept else "failed": {said.act: said.message_ids}})

    async def _send(self, frame: object) -> None:
        await self._in_time(self._ws.send_str(written(frame)))

    async def _in_time(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._own.limits.send_s):
                await sending
        except TimeoutError:
            raise HangUpError(Close.SLOW) from None

    def _count(self) -> None:
        minute = self._ports.now_ms() // MINUTE_MS
        self._frames = self._frames + 1 if minute == self._minute else 1
        self._minute = minute
        if self._frames > self._own.limits.frames:
            raise HangUpError(Close.TOO_MANY)

    def _has_expired(self) -> bool:
        return self._who.until_ms is not None and self._ports.now_ms() >= self._who.until_ms

    def _rest_s(self) -> float:
        look_s, until_ms = self._own.limits.look_s, self._who.until_ms
        return look_s if until_ms is None else min(look_s, max(until_ms - self._ports.now_ms(), 0) / 1000)


async def hung_up(ws: web.WebSocketResponse, code: Close, request: web.Request) -> None:
    """Say why, if the client listens; then cut."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_S):
            await ws.close(code=code, message=code.name.lower().encode())
            return
    if request.transport is not None:
        request.transport.abort()
