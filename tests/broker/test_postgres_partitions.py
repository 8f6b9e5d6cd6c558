"""Partitions appear ahead of time and go when they are too old."""

from __future__ import annotations

import asyncio

import pytest

from connectors.postgres.database import Database
from connectors.postgres.partitions import add_partitions, drop_partitions, drop_refusals, keep
from connectors.postgres.rows import RowWriter
from streams.settings_retention import Retention
from tests.sample_rows import NOW, decided, logged, message, migrated

DAY = 86_400_000
YEAR = 366 * DAY


async def write(postgres: Database, start: int, *records: object) -> None:
    writer = RowWriter(postgres, "app")
    await writer.open_task("rows", 0, 0)
    await writer.write("rows", 0, start, start + len(records), records)  # type: ignore[arg-type]


async def count(postgres: Database, table: str) -> int:
    async with postgres.connection() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of ours
        return found


@pytest.mark.spec("NS-DATA-OP-16")
async def test_months_and_days_around_now_have_partitions(database: str) -> None:
    async with migrated(database) as postgres:
        assert await add_partitions(postgres, NOW) == []
        made = await add_partitions(postgres, NOW + DAY)
        assert made == ["notification_requests_20261205"]
        made = await add_partitions(postgres, NOW + 15 * DAY)
        assert [name for name in made if "requests" not in name] == [
            "notification_stats_202703",
            "audit_log_202703",
            "notification_messages_202703",
            "delivery_status_logs_202703",
        ]


async def test_many_processes_may_make_them_at_once(database: str) -> None:
    async with migrated(database) as postgres:
        made = await asyncio.gather(*(add_partitions(postgres, NOW + 3 * DAY) for _ in range(4)))
        assert len([name for names in made for name in names]) == 3


@pytest.mark.spec("NS-DATA-106")
async def test_rows_go_to_the_partition_of_their_time(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, 0, decided(), message(), logged())
        tables = (
            "notification_requests_20261120",
            "notification_messages_202611",
            "delivery_status_logs_202611",
        )
        assert [await count(postgres, table) for table in tables] == [1, 1, 1]


async def test_a_range_the_default_partition_holds_rows_of_is_left_to_it(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, 0, decided(received_at=NOW + 60 * DAY))
        made = await add_partitions(postgres, NOW + 60 * DAY)
        assert "notification_requests_20270119" not in made
        assert "notification_requests_20270120" in made
        assert await count(postgres, "notification_requests") == 1


@pytest.mark.spec("NS-DATA-OP-16 NS-DATA-OP-21")
async def test_old_partitions_go_with_their_rows_and_others_stay(database: str) -> None:
    async with migrated(database) as postgres:
        await write(postgres, 0, decided(), message(), logged())
        await write(postgres, 3, decided(2, received_at=0), message(2, created_at=0))
        await write(postgres, 5, logged(2, message_created_at=0))
        assert await drop_partitions(postgres, NOW) == []
        assert await count(postgres, "notification_messages") == 1, "a row of 1970 in the default partition"
        gone = await drop_partitions(postgres, NOW + 31 * DAY)
        assert "notification_requests_20261120" in gone
        assert "notification_requests_20261121" not in gone
        assert await count(postgres, "notification_requests") == 0
        assert await count(postgres, "notification_messages") == 1
        gone = await drop_partitions(postgres, NOW + YEAR + 11 * DAY)
        assert {"delivery_status_logs_202611", "notification_messages_202611"} <= set(gone)
        assert await count(postgres, "notification_messages") == 0
        assert await count(postgres, "delivery_status_logs") == 0


@pytest.mark.spec("NS-DATA-OP-16 NS-DATA-OP-21")
async def test_a_shorter_retention_of_the_settings_is_kept_to(database: str) -> None:
    """Mutation: messages shorter than their log: the drop fails at the foreign key."""
    short = Retention(messages_months=1, requests_days=2, statistics_months=1)
    async with migrated(database) as postgres:
        await write(postgres, 0, decided(), message(), logged())
        await keep(postgres, Retention().by_table())
        assert await drop_partitions(postgres, NOW + 20 * DAY) == []
        await keep(postgres, short.by_table())
        dropped = await drop_partitions(postgres, NOW + 63 * DAY)
    assert {
        "notification_messages_202611",
        "delivery_status_logs_202611",
        "notification_requests_20261120",
    } <= {*dropped}


async def test_records_that_nobody_looked_at_are_forgotten(database: str) -> None:
    one = "INSERT INTO sink_refusals (app, topic, partition, batch_start, kind, record, error, at)"
    async with migrated(database) as postgres:
        async with postgres.transaction() as connection:
            for days in (29, 31):
                moment = f"carillon_time({NOW}) - INTERVAL '{days} days'"
                await connection.execute(f"{one} VALUES ('a', 'rows', 0, 0, 'k', '{{}}', 'e', {moment})")
        await drop_refusals(postgres, NOW, Retention().refusals_days)
        assert 1 == await count(postgres, "sink_refusals")
