"""Brings the database to this version's tables: each file once, in order, by one process at a time."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from connectors.postgres.errors import MigrationError
from connectors.postgres.named import migrations, named_queries

if TYPE_CHECKING:
    from connectors.postgres.database import Connection, Database

LONGEST_S = 3600.0  # one migration over large tables


async def migrate(database: Database) -> list[str]:
    """Run what is missing and return its names. May run twice, and in many processes at once.

    `MigrationError`: a file that was run has been edited since, or the database is of a later version.
    """
    query = named_queries("migrations")
    async with database.transaction() as connection:
        await connection.execute(query["lock"])
        await connection.execute(query["create_table"])
        done = {row["name"]: row["checksum"] for row in await connection.fetch(query["list_done"])}
        _check(done)
        missing = [(name, text) for name, text in migrations() if name not in done]
        for name, text in missing:
            await _run(connection, name, text)
    return [name for name, _ in missing]


async def pending(database: Database) -> list[str]:
    """List migrations that have not run, without running them; also `MigrationError` as above."""
    query = named_queries("migrations")
    async with database.connection() as connection:
        exists = await connection.fetchval(query["table_exists"])
        rows = await connection.fetch(query["list_done"]) if exists else []
    done = {row["name"]: row["checksum"] for row in rows}
    _check(done)
    return [name for name, _ in migrations() if name not in done]


async def _run(connection: Connection, name: str, text: str) -> None:
    await connection.execute(text, timeout=LONGEST_S)
    await connection.execute(named_queries("migrations")["record"], name, _checksum(text))


def _check(done: dict[str, str]) -> None:
    ours = {name: _checksum(text) for name, text in migrations()}
    if unknown := sorted(done.keys() - ours.keys()):
        raise MigrationError(
            f"the database is newer than this program ({', '.join(unknown)}): upgrade the program"
        )
    if edited := sorted(name for name, checksum in done.items() if ours[name] != checksum):
        raise MigrationError(
            f"{', '.join(edited)} was edited after it ran here: write a new migration instead"
        )


def _checksum(text: str) -> str:
    return sha256(text.encode()).hexdigest()
