"""The sink keeps in Postgres what every writer of rows promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.postgres.database import Database
from connectors.postgres.rows import RowWriter
from tests.row_promises import MakeWriter, RowPromises, Users
from tests.sample_rows import migrated

WHOSE = "SELECT user_id FROM notification_requests UNION SELECT user_id FROM notification_messages"


class TestPostgresRows(RowPromises):
    @pytest.fixture
    async def postgres(self, database: str) -> AsyncIterator[Database]:
        async with migrated(database) as postgres:
            yield postgres

    @pytest.fixture
    def make_writer(self, postgres: Database) -> MakeWriter:
        return lambda: RowWriter(postgres, "app")

    @pytest.fixture
    def users(self, postgres: Database) -> Users:
        async def found() -> set[str]:
            async with postgres.connection() as connection:
                return {str(row["user_id"]) for row in await connection.fetch(WHOSE)}

        return found
