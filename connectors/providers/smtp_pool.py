"""SMTP connections kept open between mails, at most `connections` at a time, the most recently used first."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiosmtplib import SMTP, SMTPException

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

QUIT_TIMEOUT_S = 1.0


class PoolExhaustedError(Exception):
    """Every connection stayed busy for as long as a call may wait."""


class SmtpPool:
    """Hands out one connection at a time; a connection whose user failed is cut, never reused.

    `idle_s`: a connection unused for longer is cut instead of reused: servers drop idle ones without a word.
    """

    def __init__(
        self, connect: Callable[[], SMTP], *, connections: int, idle_s: float, wait_s: float
    ) -> None:
        self._connect = connect
        self._idle_s = idle_s
        self._wait_s = wait_s
        self._free = asyncio.Semaphore(connections)
        self._idle: deque[tuple[float, SMTP]] = deque()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[tuple[SMTP, bool]]:
        """Yield (connection, whether it is fresh and still has to connect)."""
        await self._wait()
        client: SMTP | None = None
        try:
            kept = self._kept()
            client = kept or self._connect()
            yield client, kept is None
        except BaseException:
            if client is not None:
                client.close()
            raise
        else:
            if client.is_connected:
                self._idle.append((asyncio.get_running_loop().time(), client))
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

    def _kept(self) -> SMTP | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and now - since <= self._idle_s:
                return client
            client.close()
        return None

    async def close(self) -> None:
        """Say QUIT on idle connections, briefly, and cut them."""
        clients = [client for _, client in self._idle]
        self._idle.clear()
        await asyncio.gather(*(_quit(client) for client in clients))


async def _quit(client: SMTP) -> None:
    with suppress(SMTPException, OSError):
        await client.quit(timeout=QUIT_TIMEOUT_S)
    client.close()
