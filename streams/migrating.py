"""Brings Postgres to the tables of this version, with partitions for the days around now."""

from __future__ import annotations

from connectors.clock import now_ms
from connectors.postgres.migrate import migrate
from connectors.postgres.partitions import add_partitions
from streams.servers import database_of
from streams.settings import Settings


async def bring_tables_up(settings: Settings) -> list[str]:
    """Run the migrations that are missing; their names. May run twice, and in many processes at once.

    `MigrationError`: the database is of a later version, or a migration was edited after it ran.
    """
    database = database_of(settings)
    try:
        done = await migrate(database)
        await add_partitions(database, now_ms())
    finally:
        await database.close()
    return done
