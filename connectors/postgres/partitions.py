"""Partitions of the growing tables: made ahead of time, dropped whole when too old (NS-DATA-OP-16, OP-21).

Run `add_partitions` at the start and every few hours; rows without a partition of their own go to the default
one, so nothing fails when it was late. `drop_partitions` once a day, behind `keep`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.postgres.database import Database


async def add_partitions(database: Database, now_ms: int) -> list[str]:
    """Make the partitions around `now_ms` that are missing and return their names; may run anywhere."""
    return await _run(database, "add", now_ms)


async def drop_partitions(database: Database, now_ms: int) -> list[str]:
    """Drop what is older than it is kept (`partition_rules`); returns the names of what is gone."""
    return await _run(database, "drop", now_ms)


async def keep(database: Database, by_table: Mapping[str, tuple[int, int]]) -> None:
    """From now on rows of these tables stay so many months and days; the next drop keeps to it."""
    async with database.transaction() as connection:
        for table, (months, days) in by_table.items():
            await connection.execute(named_queries("partitions")["keep"], table, months, days)


async def drop_refusals(database: Database, now_ms: int, days: int) -> None:
    """Forget records that Postgres took in no form, after so many days."""
    async with database.transaction() as connection:
        await connection.execute(named_queries("partitions")["drop_refusals"], now_ms, days)


async def _run(database: Database, name: str, now_ms: int) -> list[str]:
    async with database.transaction() as connection:
        rows = await connection.fetch(named_queries("partitions")[name], now_ms)
    return [row[0] for row in rows]
