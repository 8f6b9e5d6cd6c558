"""What every writer of rows promises: one suite, run over memory and over Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.postgres.errors import SinkFencedError
from connectors.postgres.rows import Written
from schemas.ids import NOBODY
from schemas.records import PersonErased
from tests.sample_rows import NOW, USER, decided, logged, message

MakeWriter = Callable[[], Any]
Users = Callable[[], Awaitable[set[str]]]
"""Whose the rows of requests and messages are."""


class RowPromises:
    """`make_writer` is a fixture: each call gives one more writer over the tables; `users` reads them."""

    async def test_a_new_partition_begins_where_it_is_told(self, make_writer: MakeWriter) -> None:
        assert await make_writer().open_task("rows", 0, 17) == 17
        assert await make_writer().open_task("rows", 0, 99) == 17
        assert await make_writer().open_task("rows", 1, 99) == 99

    async def test_a_batch_is_folded_and_counted(self, make_writer: MakeWriter) -> None:
        writer = make_writer()
        await writer.open_task("rows", 0, 0)
        batch = [decided(), message(version=2), logged(), message(version=1), logged(), logged(2), decided()]
        assert await writer.write("rows", 0, 0, 7, batch) == Written(1, 1, 1, orphans=1)

    async def test_an_erasure_is_written_behind_the_rows_of_its_batch(
        self, make_writer: MakeWriter, users: Users
    ) -> None:
        """Mutation: rows of the batch are written behind the erasure, or it does nothing."""
        writer = make_writer()
        await writer.open_task("rows", 0, 0)
        erased = PersonErased(user_id=USER, person=NOBODY, deleted_at=NOW, erased_at=NOW + 5)
        batch = [erased, decided(), message(), logged()]
        assert await writer.write("rows", 0, 0, 4, batch) == Written(1, 1, 1)
        assert await users() == {NOBODY}
        assert await writer.write("rows", 0, 4, 5, [erased]) == Written(0, 0, 0)

    async def test_the_offset_moves_with_the_batch(self, make_writer: MakeWriter) -> None:
        writer = make_writer()
        await writer.open_task("rows", 0, 5)
        await writer.write("rows", 0, 5, 9, [message()])
        await writer.write("rows", 0, 9, 12, [])
        assert await make_writer().open_task("rows", 0, 0) == 12

    async def test_a_replay_is_fenced(self, make_writer: MakeWriter) -> None:
        writer = make_writer()
        await writer.open_task("rows", 0, 0)
        await writer.write("rows", 0, 0, 1, [message()])
        with pytest.raises(SinkFencedError):
            await writer.write("rows", 0, 0, 1, [message()])

    async def test_a_gap_is_fenced(self, make_writer: MakeWriter) -> None:
        writer = make_writer()
        await writer.open_task("rows", 0, 0)
        with pytest.raises(SinkFencedError):
            await writer.write("rows", 0, 3, 4, [message()])
        assert await writer.open_task("rows", 0, 0) == 0

    async def test_one_of_many_writers_at_one_offset_wins(self, make_writer: MakeWriter) -> None:
        writers = [make_writer() for _ in range(3)]
        for writer in writers:
            await writer.open_task("rows", 0, 0)
        ended = await asyncio.gather(
            *(writer.write("rows", 0, 0, 1, [message()]) for writer in writers), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in ended) == [
            "SinkFencedError",
            "SinkFencedError",
            "Written",
        ]

    async def test_another_birth_begins_anew_and_fences_the_old_writer(self, make_writer: MakeWriter) -> None:
        old, new = make_writer(), make_writer()
        await old.open_task("rows", 0, 50, "first")
        assert await new.open_task("rows", 0, 2, "second") == 2
        with pytest.raises(SinkFencedError):
            await old.write("rows", 0, 50, 51, [message()])
        assert await new.write("rows", 0, 2, 3, [message()]) == Written(0, 1, 0)

    async def test_a_writer_of_another_birth_is_fenced_at_the_very_same_offset(
        self, make_writer: MakeWriter
    ) -> None:
        old, new = make_writer(), make_writer()
        await old.open_task("rows", 0, 2, "first")
        assert await new.open_task("rows", 0, 2, "second") == 2
        with pytest.raises(SinkFencedError):
            await old.write("rows", 0, 2, 3, [message()])

    async def test_a_writer_that_opened_nothing_is_fenced(self, make_writer: MakeWriter) -> None:
        with pytest.raises(SinkFencedError):
            await make_writer().write("rows", 0, 0, 1, [decided(decided_at=NOW)])
