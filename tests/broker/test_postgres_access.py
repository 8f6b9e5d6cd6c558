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
from connectors.postgres.access_refill import KeyTopic, LineTopic, Refilled, refill_access
from connectors.postgres.access_relay import Sent, relay
from connectors.postgres.audit import AuditLog, Change, Wish, list_changes
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


@pytest.mark.spec("NS-SEC-005")
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


async def test_a_deed_of_another_store_has_its_line_masked(postgres: Database) -> None:
    said = {"name": "hello", "recipient": "a@carillon.test"}
    await AuditLog(postgres)(ANN, Change("template.trial", "template", "t-1", None, said))
    (line,) = await list_changes(postgres, Wish(EVER, object_type="template"))
    assert ("user:ann", "template.trial", {"name": "hello", "recipient": "***"}) == (
        line.actor_id,
        line.action,
        line.after,
    )


async def test_a_change_that_is_refused_leaves_no_line(postgres: Database) -> None:
    store = KeyStore(postgres)
    for _ in range(2):
        await store.add(made(SHOP, NOW).record, NOW, ANN)
    with pytest.raises(Exception, match="2 live keys"):
        await store.add(made(SHOP, NOW).record, NOW, ANN)
    assert 2 == len(await list_changes(postgres, Wish(EVER)))


@pytest.mark.spec("NS-SEC-005")
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


@pytest.mark.spec("NS-SEC-OP-03")
@pytest.mark.parametrize("words", ["UPDATE audit_log SET actor_id = 'x'", "DELETE FROM audit_log"])
async def test_a_line_is_neither_changed_nor_deleted(postgres: Database, words: str) -> None:
    await KeyStore(postgres).add(made(SHOP, NOW).record, NOW, ANN)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
        async with postgres.connection() as connection:
            await connection.execute(words)
    assert 1 == len(await list_changes(postgres, Wish(EVER)))


@pytest.mark.spec("NS-SEC-OP-03")
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


def topic_of(records: Sequence[Sent]) -> tuple[KeyTopic, LineTopic]:
    """Both topics, read whole."""
    keys, lines = KeyTopic(), LineTopic()
    for topic, key, value in records:
        (keys if topic == KEYS else lines).apply(key, value)
    return keys, lines


async def test_what_a_backup_lacks_of_keys_and_lines_comes_back_and_the_next_change_counts_on(
    postgres: Database,
) -> None:
    """Mutation: no version from the topic: the next change of the key gets 2, which HTTP ignores: fails."""
    store, topics = KeyStore(postgres), Topics()
    one, two = made(SHOP, NOW).record, made(SHOP, NOW + 1).record
    await store.add(one, NOW, ANN)
    await relay(postgres, topics)
    ends, newest = replace(one, expires_at=NOW + DAY, version=2), replace(two, version=3)
    since = [(KEYS, key.key_id.encode(), msgspec.json.encode(key)) for key in (ends, newest)]
    (line,) = topics.lines()
    lost = replace(line, id="00000000-0000-4000-8000-000000000001", action="key.expire", at=line.at + 1)
    since.append((AUDIT, lost.id.encode(), msgspec.json.encode(lost)))
    keys, lines = topic_of([*topics.sent, *since, (KEYS, b"odd", b"{")])
    found = await refill_access(postgres, keys, lines)
    assert ({one.key_id, two.key_id}, 1) == (set(found.keys), found.lines)
    assert Refilled([], 0) == await refill_access(postgres, keys, lines)
    assert [ends, newest] == [kept.record for kept in await store.listed()]
    assert [lost, line] == await list_changes(postgres, Wish(EVER))
    topics.sent.clear()
    assert 0 == await relay(postgres, topics)
    await store.revoke(two.key_id, NOW + 2, ANN)
    await relay(postgres, topics)
    assert [(two.key_id, 4)] == [(key.key_id, key.version) for key in topics.published_keys()]


async def test_the_newest_of_a_key_is_written_once_more_when_an_older_record_or_none_is_the_last(
    postgres: Database,
) -> None:
    """Compaction keeps the last record: a process that starts later would take a revoked key.

    Mutation tried: the newest version is noted as published: fails.
    """
    store, topics = KeyStore(postgres), Topics()
    one, two = made(SHOP, NOW).record, made(SHOP, NOW + 1).record
    for key in (one, two):
        await store.add(key, NOW, ANN)
    await relay(postgres, topics)
    gone = replace(one, revoked_at=NOW, version=2)
    records = [(KEYS, key.key_id.encode(), msgspec.json.encode(key)) for key in (gone, one)]
    await refill_access(postgres, *topic_of(records))
    topics.sent.clear()
    await relay(postgres, topics)
    assert sorted([gone, two], key=lambda key: key.key_id) == topics.published_keys()
