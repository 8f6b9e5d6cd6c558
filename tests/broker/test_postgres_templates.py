"""Templates in Postgres keep what every store of templates promises, and leave word for the workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.cipher import Cipher
from connectors.http.ports import BrokerUnavailableError
from connectors.postgres.reference import ReferenceStore
from connectors.postgres.rows import RowWriter
from connectors.postgres.template_rows import template_rows
from connectors.reference.book import ReferenceBook
from connectors.templates import faults as f
from connectors.templates import shelf
from schemas.ids import derived
from schemas.records import NotificationType
from streams.servers import with_servers
from streams.settings import Settings
from streams.templates import desk_of, relay_on
from tests.marketing_promises import MarketingPromises
from tests.sample_rows import message, migrated
from tests.template_promises import ANN, Opened, text

CIPHER = Cipher({"k1": bytes(64)}, current="k1")


class TestPostgresTemplates(MarketingPromises):
    @pytest.fixture
    async def opened(self, database: str) -> AsyncIterator[Opened]:
        async with migrated(database) as postgres:
            self.store = ReferenceStore(postgres, CIPHER)
            yield partial(template_rows, postgres)

    async def use(self, name: str) -> None:
        welcome = NotificationType(
            code="welcome", title="W", category="system", default_channels=["sms"], template_name=name
        )
        await self.store.apply([welcome])

    @pytest.mark.spec("NS-TPL-012")
    async def test_workers_hear_of_every_change_in_order(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        await self.edited(opened, stored, text(body="two"))
        book = ReferenceBook(CIPHER)

        async def publish(pairs: object) -> None:
            for key, value in pairs:  # type: ignore[attr-defined]
                book.apply(key, value)

        assert 2 == await self.store.relay(publish)
        found = book.template("hello", "sms", "ru")
        assert found is not None
        assert ("two", 2) == (found.body, found.version)
        async with opened(writes=True) as rows:
            await shelf.remove(rows, stored.template_id, None)
        await self.store.relay(publish)
        assert book.template("hello", "sms", "ru") is None

    async def test_the_data_of_a_message_is_shown_with_its_own_template_only(self, database: str) -> None:
        async with migrated(database) as postgres:
            writer = RowWriter(postgres, "app")
            await writer.open_task("rows", 0, 0)
            await writer.write("rows", 0, 0, 1, [message(1, template="hello", payload=b'{"A": 1}')])
            async with template_rows(postgres, writes=False) as rows:
                found = [await rows.data_of(derived("message", "1"), name) for name in ("hello", "other")]
        assert [{"A": 1}, None] == found

    async def test_of_two_edits_of_one_version_at_once_one_is_refused(self, opened: Opened) -> None:
        stored = await self.made(opened, text())
        edits = [self.edited(opened, stored, text(body=f"edit {n}"), 1) for n in range(8)]
        ended = await asyncio.gather(*edits, return_exceptions=True)
        assert 7 == sum(isinstance(each, f.StaleTemplateError) for each in ended)
        assert 2 == (await self.in_force(opened))[1]

    async def test_an_apply_beside_an_edit_loses_neither(self, opened: Opened) -> None:
        await self.filed(opened, text())
        async with opened(writes=False) as rows:
            stored = await rows.by_name("hello", "sms", "ru")

        async def edit() -> str:
            try:
                await self.edited(opened, stored, text(body="http"), 1)
            except f.StaleTemplateError:
                return "files"
            return "http"

        winner, filed = await asyncio.gather(edit(), self.store.file_in([text(body="files")], {}))
        won = filed.conflicts if winner == "http" else filed.changed
        assert ["template:hello/sms/ru"] == won
        assert (winner, 2) == await self.in_force(opened)

    async def test_a_conflict_in_one_template_writes_nothing_of_the_folder(self, opened: Opened) -> None:
        await self.made(opened, text())
        welcome = NotificationType(
            code="new", title="W", category="system", default_channels=["sms"], template_name="hello"
        )
        found = await self.store.file_in([welcome, text("other"), text(body="two")], {})
        assert ([], ["template:hello/sms/ru"]) == (found.changed, found.conflicts)
        async with opened(writes=True) as rows:
            assert [] == await rows.types_of("hello")
            assert await rows.by_name("other", "sms", "ru") is None
            made, _ = await shelf.create(rows, text("other"), ANN)
            assert 1 == made.template.version

    async def test_a_change_without_a_broker_is_kept_and_not_confirmed(
        self, opened: Opened, database: str, tmp_path: Path
    ) -> None:
        settings = with_servers(Settings(data_dir=tmp_path), "127.0.0.1:1", database)
        change = shelf.Change("ann", "ann:key")
        async with migrated(database) as postgres:
            desk = desk_of(settings, postgres)
            for _ in range(2):  # the repeat finds what the first one made, and still waits
                with pytest.raises(BrokerUnavailableError):
                    await desk.create(text(), change)
            relaying = asyncio.create_task(relay_on(settings, postgres))
            await asyncio.sleep(0.1)  # it goes on, whatever the broker does
            assert not relaying.done()
            relaying.cancel()
            await asyncio.wait([relaying])
        keys: list[bytes] = []

        async def publish(pairs: Any) -> None:
            keys.extend(key for key, _ in pairs)

        assert (1, [b"template:hello/sms/ru"]) == (await self.store.relay(publish), keys)
        assert ("one", 1) == await self.in_force(opened)
