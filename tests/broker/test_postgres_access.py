"""API keys and the audit log in Postgres: a store's promises, lines with their changes, what is published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from connectors.access.key_book import KeyBook
from connectors.access.keys import made
from connectors.postgres.access_relay import Sent, relay
from connectors.postgres.audit import Wish, list_changes
from connectors.postgres.database import Database
from connectors.postgres.keys import KeyStore
from connectors.postgres.partitions import drop_partitions
from connectors.postgres.reference import PublishFailedError, ReferenceStore
from schemas.records import ApiKey, ChangeLogged
from schemas.topics import AUDIT, KEYS
from tests.broker.test_postgres_reference import CIPHER, PROVIDER, TAG, TEMPLATE
from tests.key_promises import ANN, DAY, NOW, SHOP, KeyPromises
from tests.sample_rows import migrated

EVER = datetime(2020, 1, 1, tzinfo=UTC)


class Topics:
    """What was published; may be away."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.is_away = False

    async def __call__(self, sent: Sequence[Sent]) -> None:
        if self.is_away:
            raise ConnectionError("no broker")
        self.sent += sent

    def published_keys(self) -> list[ApiKey]:
        return [msgspec.json.decode(value, type=ApiKey) for topic, _, value in self.sent if topic == KEYS]

    def lines(self) -> list[ChangeLogged]:
        return [
            msgspec.json.decode(value, type=ChangeLogged) for topic, _, value in self.sent if topic == AUDIT
        ]


@pytest.fixture
async def postgres(database: str) -> AsyncIterator[Database]:
    async with migrated(database) as found:
        yield found


class TestKeyStore(KeyPromises):
    @pytest.fixture
    def store(self, postgres: Database) -> KeyStore:
        return KeyStore(postgres)

    async def test_the_last_use_is_kept_and_never_goes_back(self, store: KeyStore) -> None:
        one = await self.given(store)
        for at in (NOW, NOW - DAY):
            await store.note_used({one.record.key_id: at, "unknown": at})
        (kept,) = await store.listed()
        assert (NOW, 1) == (kept.last_used_at, kept.record.version)


async def test_each_change_of_a_key_has_its_line_without_its_hash(postgres: Database) -> None:
    store, one = KeyStore(postgres), made(SHOP, NOW)
    await store.add(one.record, NOW, ANN)
    await store.revoke(one.record.key_id, NOW + 1, ANN)
    revoked, created = await list_changes(postgres, Wish(EVER))
    assert ["key.create", "key.revoke"] == [created.action, revoked.action]
    assert ("user:ann", "admin", "192.0.2.7", one.record.key_id) == (
        created.actor_id,
        created.role,
        created.ip,
        created.object_id,
    )
    assert created.before is None
    assert created.after == revoked.before
    assert (
        (NOW + 1, "***") == (revoked.after["revoked_at"], revoked.after["sha256"]) if revoked.after else False
    )
    assert one.record.sha256 not in str([revoked, created])


async def test_a_change_that_is_refused_leaves_no_line(postgres: Database) -> None:
    store = KeyStore(postgres)
    for _ in range(2):
        await store.add(made(SHOP, NOW).record, NOW, ANN)
    with pytest.raises(Exception, match="2 live keys"):
        await store.add(made(SHOP, NOW).record, NOW, ANN)
    assert 2 == len(await list_changes(postgres, Wish(EVER)))


async def test_each_change_of_reference_data_has_its_line_before_and_after(postgres: Database) -> None:
    store = ReferenceStore(postgres, CIPHER)
    await store.apply([PROVIDER, TAG, TEMPLATE], ANN)
    await store.apply([PROVIDER, replace(TAG, remember_for_s=7), TEMPLATE], ANN)
    await store.remove([TAG], ANN)
    await store.apply([TAG], ANN)
    lines = await list_changes(postgres, Wish(EVER, object_type="tag"))
    assert ["tag.create", "tag.delete", "tag.update", "tag.create"] == [line.action for line in lines]
    assert [None, 7, TAG.remember_for_s, None] == [
        line.before and line.before["remember_for_s"] for line in lines
    ]
    assert [TAG.remember_for_s, None, 7, TAG.remember_for_s] == [
        line.after and line.after["remember_for_s"] for line in lines
    ]
    (provider,) = await list_changes(postgres, Wish(EVER, object_type="provider"))
    assert provider.after is not None
    assert "***" == provider.after["config"]
    assert 1 == len(await list_changes(postgres, Wish(EVER, actor_id="user:ann", limit=1)))
    assert [] == await list_changes(postgres, Wish(EVER, actor_id="user:eve"))


@pytest.mark.parametrize("words", ["UPDATE audit_log SET actor_id = 'x'", "DELETE FROM audit_log"])
async def test_a_line_is_neither_changed_nor_deleted(postgres: Database, words: str) -> None:
    await KeyStore(postgres).add(made(SHOP, NOW).record, NOW, ANN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
        async with postgres.connection() as connection:
            await connection.execute(words)
    assert 1 == len(await list_changes(postgres, Wish(EVER)))


async def test_a_line_leaves_after_three_years(postgres: Database) -> None:
    await KeyStore(postgres).add(made(SHOP, NOW).record, NOW, ANN)
    async with postgres.connection() as connection:
        await connection.execute(
            """INSERT INTO audit_log (at, actor_id, role, action, object_type, object_id)
            VALUES (now() - INTERVAL '4 years', 'a', 'b', 'old', 'd', 'e')"""
        )
        today = await connection.fetchval("SELECT (extract(epoch FROM now()) * 1000)::BIGINT")
    await drop_partitions(postgres, today)
    assert ["key.create"] == [line.action for line in await list_changes(postgres, Wish(EVER))]


async def test_what_was_committed_is_published_once_and_the_newest_of_a_key(postgres: Database) -> None:
    store, one, topics = KeyStore(postgres), made(SHOP, NOW), Topics()
    await store.add(one.record, NOW, ANN)
    await store.revoke(one.record.key_id, NOW, ANN)
    assert 3 == await relay(postgres, topics)
    assert 0 == await relay(postgres, topics)
    assert [(2, NOW)] == [(key.version, key.revoked_at) for key in topics.published_keys()]
    logged = await list_changes(postgres, Wish(EVER))
    assert sorted(logged, key=lambda line: line.id) == sorted(topics.lines(), key=lambda line: line.id)


async def test_what_the_broker_did_not_take_waits(postgres: Database) -> None:
    store, one, topics, book = KeyStore(postgres), made(SHOP, NOW), Topics(), KeyBook()
    await store.add(one.record, NOW, ANN)
    topics.is_away = True
    with pytest.raises(PublishFailedError, match="2 changes wait: ConnectionError"):
        await relay(postgres, topics)
    topics.is_away = False
    assert 2 == await relay(postgres, topics)
    for topic, key, value in topics.sent:
        if topic == KEYS:
            book.apply(key, value)
    held: Any = book.find(bytes.fromhex(one.record.sha256), NOW)
    assert (one.record.key_id, 600) == (held.key_id, held.per_minute)
