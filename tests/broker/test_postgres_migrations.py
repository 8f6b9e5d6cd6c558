"""Migrations and the tables they make."""

from __future__ import annotations

import asyncio
import re

import pytest

from connectors.postgres.database import Database
from connectors.postgres.errors import MigrationError
from connectors.postgres.migrate import migrate, pending
from connectors.postgres.named import migrations
from connectors.postgres.partitions import add_partitions
from connectors.postgres.rows import RowWriter, Written
from schemas.receipts import LOGGED
from schemas.words import Category, Channel, Lane, Outcome, Status, UnknownPolicy
from tests.sample_rows import NOW, decided, migrated

ALL = [name for name, _ in migrations()]


async def test_the_second_run_has_nothing_to_do(database: str) -> None:
    postgres = Database(database)
    assert await pending(postgres) == ALL
    assert await migrate(postgres) == ALL
    assert await migrate(postgres) == []
    assert await pending(postgres) == []
    await postgres.close()


async def test_many_processes_may_migrate_at_once(database: str) -> None:
    postgres = [Database(database) for _ in range(4)]
    ran = await asyncio.gather(*(migrate(one) for one in postgres))
    assert sorted(name for names in ran for name in names) == ALL
    await asyncio.gather(*(one.close() for one in postgres))


async def test_each_file_can_run_again_over_its_own_result(database: str) -> None:
    async with migrated(database) as postgres, postgres.connection() as connection:
        await connection.execute("DELETE FROM schema_migrations")
        assert await migrate(postgres) == ALL


async def test_partitions_that_stood_before_a_migration_follow_it(database: str) -> None:
    """Mutation: 0004 adds no check, or leaves the old one: the row is refused, and kept aside."""
    postgres = Database(database)
    async with postgres.connection() as connection:
        for _, text in migrations()[:3]:
            await connection.execute(text)
    await add_partitions(postgres, NOW)
    await migrate(postgres)
    writer = RowWriter(postgres, "app")
    await writer.open_task("rows", 0, 0)
    assert Written(1, 0, 0) == await writer.write("rows", 0, 0, 1, [decided(outcome="waiting")])
    await postgres.close()


async def test_an_edited_migration_is_refused(database: str) -> None:
    async with migrated(database) as postgres:
        async with postgres.connection() as connection:
            await connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE name LIKE '0001%'")
        with pytest.raises(MigrationError, match=r"0001_reference.sql was edited after it ran here"):
            await migrate(postgres)


async def test_a_database_of_a_later_version_is_refused(database: str) -> None:
    async with migrated(database) as postgres:
        async with postgres.connection() as connection:
            await connection.execute("INSERT INTO schema_migrations VALUES ('9999_later.sql', 'x')")
        with pytest.raises(MigrationError, match=r"newer than this program \(9999_later.sql\)"):
            await pending(postgres)


@pytest.mark.spec("NS-DATA-OP-02 NS-SND-OP-06")
@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("notification_types", "category", set(Category)),
        ("notification_types", "default_channels", set(Channel)),
        ("notification_types", "default_priority", set(Lane)),
        ("notification_types", "unknown_policy", set(UnknownPolicy)),
        ("notification_templates", "channel_type", set(Channel)),
        ("notification_templates", "category", set(Category)),
        ("provider_configs", "channel_type", set(Channel)),
        ("notification_requests", "outcome", set(Outcome)),
        ("notification_requests", "priority", set(Lane)),
        ("notification_messages", "channel_type", set(Channel)),
        ("notification_messages", "status", set(Status)),
        ("notification_messages", "priority", set(Lane)),
        ("delivery_status_logs", "status", {*Status, "retrying", *LOGGED}),
    ],
)
async def test_checks_allow_the_words_of_the_schemas_and_no_others(
    database: str, table: str, column: str, words: set[str]
) -> None:
    async with migrated(database) as postgres, postgres.connection() as connection:
        check = await connection.fetchval(
            """SELECT pg_get_constraintdef(c.oid) FROM pg_constraint AS c
            JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum]
            WHERE c.contype = 'c' AND c.conrelid = to_regclass($1) AND a.attname = $2""",
            table,
            column,
        )
    listed = re.findall(r"'(\w+)'|[{,](\w+)(?=[,}])", check.replace("'{", "{").replace("}'", "}"))
    assert {str(word) for word in words} == {one or other for one, other in listed}
