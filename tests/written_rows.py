"""Writes rows for a test and reads them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.postgres.database import Database
from connectors.postgres.row_columns import RowRecord
from connectors.postgres.rows import RowWriter, Written


async def opened(postgres: Database, start: int = 0) -> RowWriter:
    writer = RowWriter(postgres, "app")
    await writer.open_task("rows", 0, start, "birth")
    return writer


async def write(postgres: Database, records: Sequence[RowRecord]) -> Written:
    """Write as the next batch of the only partition."""
    writer = RowWriter(postgres, "app")
    start = await writer.open_task("rows", 0, 0)
    return await writer.write("rows", 0, start, start + len(records), records)


async def rows(postgres: Database, sql: str) -> list[dict[str, Any]]:
    async with postgres.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql)]


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
