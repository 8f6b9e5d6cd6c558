"""SMTP connections kept open between mails, at most `connections` at a time, the most recently used first."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.providers.smtp_line import Line


class PoolExhaustedError(Exception):
    """Every connection stayed busy for as long as a call may wait."""


class SmtpPool:
    """Hands out one connection at a time; a connection whose user failed is cut, never reused.

    `idle_s`: a connection unused for longer is cut instead of reused: servers drop idle ones without a word.
    """

    def __init__(self, new: Callable[[], Line], *, connections: int, idle_s: float, wait_s: float) -> None:
        """`new` makes a connection that is not open yet."""
        self._new = new
        self._idle_s = idle_s
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(connections)
        self._idle: deque[tuple[float, Line]] = deque()

    def lease(self, *, fresh: bool = False) -> Lease:
        """For `async with`: a kept connection, or one that still has to be opened; `fresh`: such a one."""
        return Lease(self, fresh=fresh)

    async def take(self, *, fresh: bool) -> Line:
        """Wait for a connection. Whoever has one gives it back."""
        await self._wait()
        try:
            return (None if fresh else self._kept()) or self._new()
        except BaseException:
            self._free.release()
            raise

    def give_back(self, line: Line, *, failed: bool) -> None:
        """It may be used again, unless its user `failed` or it is closed."""
        try:
            if failed:
                line.close()
            elif line.is_open:
                self._idle.append((asyncio.get_running_loop().time(), line))
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # never waits here: no timer is spent on the common case
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise PoolExhaustedError from None

    def _kept(self) -> Line | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, line = self._idle.pop()
            if line.is_open and now - since <= self._idle_s:
                return line
            line.close()
        return None

    async def close(self) -> None:
        """Say QUIT on idle connections, briefly, and cut them."""
        lines = [line for _, line in self._idle]
        self._idle.clear()
        await asyncio.gather(*(line.quit() for line in lines))


class Lease:
    """A connection for the length of a block."""

    __slots__ = ("_fresh", "_line", "_pool")

    def __init__(self, pool: SmtpPool, *, fresh: bool) -> None:
        """Not taken yet."""
        self._pool = pool
        self._fresh = fresh

    async def __aenter__(self) -> Line:
        """Wait for it."""
        self._line = await self._pool.take(fresh=self._fresh)
        return self._line

    async def __aexit__(self, raised: type[BaseException] | None, *_: object) -> None:
        """Keep it, or cut it."""
        self._pool.give_back(self._line, failed=raised is not None)
