"""Connections: a pool that needs no server to exist yet, bounded waits, and one family of errors."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from connectors.postgres.errors import is_lost, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

# All our queries go by an index: a plan made while a table was small and kept must not read all of it later.
SESSION = {"application_name": "carillon", "jit": "off", "enable_seqscan": "off", "timezone": "UTC"}


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds: for a connection to open, for one to be free, for one command.

    `idle_s`: how long the server waits for us inside a transaction. A process that stands still there holds
    locks that its successor needs.
    """

    connect_s: float = 5.0
    acquire_s: float = 15.0
    command_s: float = 60.0
    idle_s: float = 10.0


class Database:
    """A pool of connections to one database, opened when first needed.

    Every error of the network or the server that may pass comes out as `PostgresUnavailableError`, and the
    connection it came from is thrown away. `close` ends the pool; the object can be used again after it.
    """

    def __init__(self, dsn: str, *, size: int = 10, waits: Waits | None = None) -> None:
        self._dsn = dsn
        self._size = size
        self._waits = waits or Waits()
        self._pool: asyncpg.Pool[Any] | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; errors inside the block come out as ours."""
        try:
            pool = await self._opened_pool()
            connection = await pool.acquire(timeout=self._waits.acquire_s)
            try:
                yield connection
            except BaseException as error:
                if is_lost(error):
                    with suppress(
                        asyncpg.InterfaceError
                    ):  # the pool has taken it back when the server closed it
                        connection.terminate()
                raise
            finally:
                await pool.release(connection)
        except Exception as error:
            ours = translated(error)
            if ours is None:
                raise
            raise ours from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction: the block's end commits it, any error rolls it back."""
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except Exception as error:
                if not is_lost(error):  # over a lost connection a rollback would only wait once more
                    await transaction.rollback()
                raise
            await transaction.commit()

    async def ping(self) -> None:
        """Ask for nothing; `PostgresUnavailableError` when no answer comes."""
        async with self.connection() as connection:
            await connection.fetchval("SELECT 1")

    async def close(self) -> None:
        """Close all connections, at once when they do not close by themselves in time."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(self._waits.connect_s):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _opened_pool(self) -> asyncpg.Pool[Any]:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                timeout=self._waits.connect_s,
                command_timeout=self._waits.command_s,
                server_settings=SESSION | {"idle_in_transaction_session_timeout": f"{self._waits.idle_s}s"},
            )
        return await self._pool  # opens nothing yet, and so never waits
