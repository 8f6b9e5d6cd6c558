"""Rows in memory keep what every writer of rows promises, and what the sink's tables hold."""

from __future__ import annotations

import pytest

from connectors.memory_rows import MemoryRows, MemoryTables
from schemas.ids import NOBODY
from schemas.records import PersonErased
from tests.row_promises import MakeWriter, RowPromises, Users
from tests.sample_rows import NOW, USER, decided, logged, message


class TestMemoryRows(RowPromises):
    @pytest.fixture
    def tables(self) -> MemoryTables:
        return MemoryTables()

    @pytest.fixture
    def make_writer(self, tables: MemoryTables) -> MakeWriter:
        return lambda: MemoryRows(tables)

    @pytest.fixture
    def users(self, tables: MemoryTables) -> Users:
        async def found() -> set[str]:
            messages = {row.user_id for row in tables.messages.values()}
            return messages | {row.user_id for row in tables.requests.values()}

        return found


async def test_nothing_in_memory_goes_back() -> None:
    tables = MemoryTables()
    writer = MemoryRows(tables)
    await writer.open_task("rows", 0, 0)
    newest = message(version=3, status="delivered")
    await writer.write("rows", 0, 0, 1, [newest, logged(), decided(decided_at=NOW + 9)])
    await writer.write("rows", 0, 1, 2, [message(version=2), logged(at=0), decided(decided_at=NOW)])
    assert list(tables.messages.values()) == [newest]
    assert list(tables.log.values()) == [logged()]
    assert [each.decided_at for each in tables.requests.values()] == [NOW + 9]


async def test_of_an_erased_user_rows_in_memory_are_nobodys() -> None:
    tables = MemoryTables()
    writer = MemoryRows(tables)
    await writer.open_task("rows", 0, 0)
    erased = PersonErased(user_id=USER, person=NOBODY, deleted_at=NOW, erased_at=NOW + 5)
    later = message(2, created_at=NOW + 6)
    await writer.write("rows", 0, 0, 4, [decided(), message(), later, erased])
    assert [(NOBODY, b"", b"{}"), (USER, later.recipient, later.payload)] == [
        (row.user_id, row.recipient, row.payload) for row in tables.messages.values()
    ]
    assert [(NOBODY, "")] == [(row.user_id, row.idempotency_key) for row in tables.requests.values()]
