"""The sink's transactions keep the plans they make; what others ask is planned as Postgres likes."""

from __future__ import annotations

import pytest

from connectors.postgres.database import Database
from connectors.postgres.rows import RowWriter, Written
from tests.sample_rows import logged, message, migrated

PLANS = "SELECT sum(custom_plans) FROM pg_prepared_statements WHERE statement LIKE $1"


@pytest.mark.spec("NS-OPS-113")
async def test_a_line_of_the_log_is_not_planned_anew(database: str) -> None:
    """Mutation: a transaction does not begin with `plan_once`; its first five writes plan for themselves."""
    async with migrated(database, size=1) as postgres:
        writer = RowWriter(postgres, "app")
        await writer.open_task("rows", 0, 0)
        assert Written(0, 1, 1) == await writer.write("rows", 0, 0, 2, [message(), logged()])
        async with postgres.connection() as connection:
            planned = await connection.fetchval(PLANS, "%INSERT INTO delivery_status_logs%")
        assert 0 == planned
        assert "auto" == await _mode(postgres)


async def _mode(postgres: Database) -> str:
    async with postgres.connection() as connection:
        mode: str = await connection.fetchval("SHOW plan_cache_mode")
        return mode
