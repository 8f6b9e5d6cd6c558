"""Postgres killed, frozen, or not there yet: one error, in bounded time, and work goes on after it."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.embedded.postgres import EmbeddedPostgres
from connectors.postgres.database import Database, Waits
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.rows import RowWriter
from tests.sample_rows import message, migrated

SHORT = Waits(connect_s=1.0, acquire_s=2.0, command_s=1.0)


async def test_a_server_that_is_not_there_is_waited_for_by_the_caller() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", waits=SHORT)
    for _ in range(2):
        with pytest.raises(PostgresUnavailableError, match="Connect"):
            await database.ping()
    await database.close()


async def test_a_wrong_address_is_not_waited_for() -> None:
    database = Database("https://example.test/none")
    with pytest.raises(ValueError, match="invalid DSN"):
        await database.ping()
    await database.close()


async def test_an_unknown_database_is_unavailable(database: str) -> None:
    gone = Database(database.replace("/test_an_unknown", "/gone_test_an_unknown"))
    with pytest.raises(PostgresUnavailableError, match="does not exist"):
        await gone.ping()
    await gone.close()


async def test_a_closed_database_opens_again(database: str) -> None:
    postgres = Database(database)
    await postgres.ping()
    await postgres.close()
    await postgres.ping()
    await postgres.close()


async def test_writing_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    async with (
        EmbeddedPostgres(tmp_path / "postgres") as server,
        migrated(server.address) as database,
    ):
        writer = RowWriter(database, "app")
        await writer.open_task("rows", 0, 0)
        await writer.write("rows", 0, 0, 1, [message(1)])
        await _signal_all(server, database, signal.SIGKILL)
        with pytest.raises(PostgresUnavailableError):
            await writer.write("rows", 0, 1, 2, [message(2)])
        await server.start()
        assert await writer.open_task("rows", 0, 0) == 1
        await writer.write("rows", 0, 1, 2, [message(2)])


async def test_a_frozen_server_costs_a_command_and_nothing_is_written_twice(
    tmp_path: Path,
) -> None:
    async with (
        EmbeddedPostgres(tmp_path / "postgres") as server,
        migrated(server.address) as database,
    ):
        hasty = Database(server.address, waits=SHORT)
        writer = RowWriter(hasty, "app")
        start = await writer.open_task("rows", 0, 0)
        pids = await _signal_all(server, database, signal.SIGSTOP)
        async with asyncio.timeout(20):
            with pytest.raises(PostgresUnavailableError):
                await writer.write("rows", 0, start, 1, [message(1)])
            with pytest.raises(PostgresUnavailableError):
                await hasty.ping()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        await hasty.close()
        writer = RowWriter(database, "app")
        start = await writer.open_task("rows", 0, 0)
        if start == 0:
            await writer.write("rows", 0, 0, 1, [message(1)])
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM notification_messages") == 1


async def _signal_all(server: EmbeddedPostgres, database: Database, number: signal.Signals) -> list[int]:
    """Signal the server's main process and every process that serves a connection; returns their ids."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
    pids = [server.pid, *(row["pid"] for row in rows)]
    for pid in pids:
        with suppress(ProcessLookupError):  # the server's end may have ended it already
            os.kill(pid, number)
    return pids


async def test_a_cancelled_write_leaves_no_half(database: str) -> None:
    async with migrated(database) as postgres:
        writer = RowWriter(postgres, "app")
        await writer.open_task("rows", 0, 0)
        async with postgres.transaction() as blocker:
            await blocker.execute("SELECT 1 FROM sink_offsets FOR UPDATE")
            writing = asyncio.create_task(writer.write("rows", 0, 0, 1, [message(1)]))
            while not await _is_somebody_waiting(postgres):
                await asyncio.sleep(0.01)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        assert await writer.open_task("rows", 0, 0) == 0
        await writer.write("rows", 0, 0, 1, [message(1)])


async def _is_somebody_waiting(postgres: Database) -> bool:
    async with postgres.connection() as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
