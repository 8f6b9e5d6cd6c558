"""The sink keeps in Postgres what every writer of rows promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from connectors.postgres.rows import RowWriter
from tests.row_promises import MakeWriter, RowPromises
from tests.sample_rows import migrated


class TestPostgresRows(RowPromises):
    @pytest.fixture
    async def make_writer(self, database: str) -> AsyncIterator[MakeWriter]:
        async with migrated(database) as postgres:
            yield lambda: RowWriter(postgres, "app")
