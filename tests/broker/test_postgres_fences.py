"""The sink's offsets: who is fenced, and where a partition goes on."""

from __future__ import annotations

import asyncio

import pytest

from connectors.postgres.database import Database, Waits
from connectors.postgres.errors import PostgresUnavailableError, SinkFencedError
from connectors.postgres.rows import RowWriter, Written
from tests.sample_rows import message, migrated
from tests.written_rows import opened, rows


async def test_a_replayed_batch_is_fenced_and_changes_nothing(database: str) -> None:
    async with migrated(database) as postgres:
        writer = await opened(postgres, 100)
        await writer.write("rows", 0, 100, 101, [message()])
        with pytest.raises(SinkFencedError, match="rows/0 is not at offset 100"):
            await writer.write("rows", 0, 100, 101, [message(2)])
        assert len(await rows(postgres, "SELECT 1 FROM notification_messages")) == 1
        assert await writer.open_task("rows", 0, 100, "birth") == 101


async def test_a_woken_writer_finds_its_partition_taken(database: str) -> None:
    async with migrated(database) as postgres:
        zombie = await opened(postgres)
        await zombie.write("rows", 0, 0, 5, [message(1)])
        successor = RowWriter(postgres, "app")
        assert await successor.open_task("rows", 0, 0, "birth") == 5
        await successor.write("rows", 0, 5, 6, [message(2)])
        with pytest.raises(SinkFencedError):
            await zombie.write("rows", 0, 5, 9, [message(3)])
        assert len(await rows(postgres, "SELECT 1 FROM notification_messages")) == 2


async def test_of_two_writers_at_the_same_offset_one_writes(database: str) -> None:
    async with migrated(database) as postgres:
        writers = [await opened(postgres) for _ in range(4)]
        ended = await asyncio.gather(
            *(writer.write("rows", 0, 0, 1, [message(n)]) for n, writer in enumerate(writers)),
            return_exceptions=True,
        )
        assert sorted(type(one) is SinkFencedError for one in ended) == [False, True, True, True]
        assert len(await rows(postgres, "SELECT 1 FROM notification_messages")) == 1


async def test_a_topic_made_anew_begins_at_its_own_start_and_fences_the_old_one(database: str) -> None:
    async with migrated(database) as postgres:
        old = await opened(postgres, 700)
        new = RowWriter(postgres, "app")
        assert await new.open_task("rows", 0, 3, "another birth") == 3
        with pytest.raises(SinkFencedError):
            await old.write("rows", 0, 700, 701, [message()])
        await new.write("rows", 0, 3, 4, [message()])


async def test_partitions_and_applications_have_their_own_offsets(database: str) -> None:
    async with migrated(database) as postgres:
        writer, other = await opened(postgres), RowWriter(postgres, "other")
        assert await writer.open_task("rows", 1, 40, "birth") == 40
        assert await other.open_task("rows", 0, 9, "birth") == 9
        await writer.write("rows", 1, 40, 50, [])
        assert await writer.open_task("rows", 1, 0, "birth") == 50
        assert await writer.open_task("rows", 0, 0, "birth") == 0


async def test_an_operator_may_move_the_offset_and_an_old_writer_is_fenced(database: str) -> None:
    async with migrated(database) as postgres:
        old, new = RowWriter(postgres, "app"), RowWriter(postgres, "app")
        assert await old.open_task("rows", 0, 7, "birth") == 7
        await new.move_task("rows", 0, 3)
        await new.move_task("rows", 1, 5)
        with pytest.raises(SinkFencedError):
            await old.write("rows", 0, 7, 8, [message()])
        assert [await new.open_task("rows", number, 9, "birth") for number in (0, 1)] == [3, 5]
        assert await new.write("rows", 0, 3, 4, [message()]) == Written(0, 1, 0)


async def test_a_writer_that_stands_still_in_its_transaction_does_not_keep_its_successor_out(
    database: str,
) -> None:
    """A process that is stopped there answers nothing and closes nothing; only the server can end its locks.

    Mutation tried: no time-out: fails, as the successor gives up.
    """
    async with migrated(database) as postgres:
        await (await opened(postgres)).write("rows", 0, 0, 5, [message(1)])
        frozen = Database(database, size=1, waits=Waits(idle_s=2.0))
        awake = Database(database, size=1, waits=Waits(command_s=30.0))
        found: list[int] = []

        async def freeze() -> None:
            async with frozen.transaction() as connection:
                await connection.execute("UPDATE sink_offsets SET next = 9")
                found.append(await RowWriter(awake, "app").open_task("rows", 0, 0, "birth"))
                await connection.execute("UPDATE sink_offsets SET next = 10")

        with pytest.raises(PostgresUnavailableError):
            await freeze()
        assert found == [5]
        assert await rows(postgres, "SELECT next FROM sink_offsets") == [{"next": 5}]
        await awake.close()
        await frozen.close()
