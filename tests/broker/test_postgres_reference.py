"""Reference data: written with its outbox row in one transaction, relayed in order, versions only grow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.cipher import Cipher
from connectors.postgres.database import Database
from connectors.postgres.errors import RowsRefusedError
from connectors.postgres.reference import PublishFailedError, ReferenceStore
from connectors.reference.book import ReferenceBook
from connectors.reference.wire import ReferenceRecord, key_of
from schemas.records import (
    AudienceFilter,
    Communication,
    Experiment,
    NotificationType,
    Provider,
    Rule,
    SeenTag,
    SpendingBudget,
    Template,
)
from tests.sample_rows import migrated

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
TYPE = NotificationType(
    code="welcome", title="Welcome", category="system", default_channels=["email"], template_name="hello"
)
TEMPLATE = Template(
    name="hello",
    channel_type="email",
    language_code="ru",
    subject="S",
    body="{{ Name }}",
    variables={"Name": {}},
)
RULE = Rule(
    topic="user.events", event_type="user.registered", notification_type="welcome", data={"Name": "name"}
)
PROVIDER = Provider(name="mail", channel_type="email", kind="smtp", config={"password": "hunter2"}, cost=1.5)
TAG = SeenTag(tag="news", destinations=["seen.news"], remember_for_s=60)
COMMUNICATION = Communication(id="sale", kind="fullscreen", content={"title": "Sale"})
BUDGET = SpendingBudget(of="sms", per_day="10")
FILTER = AudienceFilter(filter_id="city", value_type="string")
EXPERIMENT = Experiment(name="townsfolk", filters={"city": "a"})
ALL: list[ReferenceRecord] = [TYPE, TEMPLATE, RULE, PROVIDER, TAG, COMMUNICATION, FILTER, EXPERIMENT, BUDGET]
CHANGES: list[ReferenceRecord] = [
    replace(TYPE, ttl_s=600, allowed_senders=["accounts"], unknown_policy="ask", version=2),
    replace(TEMPLATE, body="Hello {{ Name }}", version=2),
    replace(RULE, priority="high", version=2),
    replace(PROVIDER, config={"password": "changed"}, version=2),
    replace(TAG, is_enabled=False, version=2),
    replace(COMMUNICATION, content={"title": "Last days"}, version=2),
    replace(FILTER, value_type="number", version=2),
    replace(BUDGET, per_day="9.5", version=2),
    replace(EXPERIMENT, filters={"city": ["a", "b"]}, version=2),
]


@dataclass
class Broker:
    """What was published, and a book that reads it."""

    pairs: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    book: ReferenceBook = field(default_factory=lambda: ReferenceBook(CIPHER))
    is_away: bool = False

    async def __call__(self, pairs: Any) -> None:
        if self.is_away:
            raise ConnectionError("no broker")
        for key, value in pairs:
            self.pairs.append((key, value))
            self.book.apply(key, value)


async def rows(postgres: Database, sql: str) -> list[Any]:
    async with postgres.connection() as connection:
        return [tuple(row) for row in await connection.fetch(sql)]


@pytest.mark.spec("AUD-100 AUD-OP-30 NS-DATA-OP-01")
async def test_all_kinds_go_through_postgres_and_come_out_the_same(database: str) -> None:
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        assert await store.apply(ALL) == [key_of(record) for record in ALL]
        assert await store.relay(broker) == len(ALL)
    assert sorted(ALL, key=key_of) == broker.book.records()
    assert broker.book.problems == {}


async def test_only_what_changed_gets_a_version_and_is_published(database: str) -> None:
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        await store.relay(broker)
        assert await store.apply(ALL) == []
        assert await store.relay(broker) == 0
        for change in CHANGES:
            assert await store.apply([*ALL[:0], change]) == [key_of(change)]
            assert await store.apply([change]) == []
        assert await store.relay(broker) == len(CHANGES)
    assert sorted(CHANGES, key=key_of) == broker.book.records()


@pytest.mark.spec("NS-CH-025 NS-DATA-OP-20 NS-SEC-003")
async def test_secrets_of_providers_stand_nowhere_in_clear(database: str) -> None:
    async with migrated(database) as postgres:
        await ReferenceStore(postgres, CIPHER).apply([PROVIDER])
        stored = await rows(postgres, "SELECT config::TEXT FROM provider_configs")
        stored += await rows(postgres, "SELECT payload FROM reference_outbox")
    assert len(stored) == 2
    assert "hunter2" not in str(stored)


@pytest.mark.spec("NS-DATA-OP-04 NS-TPL-012")
async def test_every_text_of_a_template_is_kept(database: str) -> None:
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply([TEMPLATE])
        await store.apply([CHANGES[1]])
        kept = await rows(
            postgres, "SELECT version, body FROM notification_template_versions ORDER BY version"
        )
    assert kept == [(1, "{{ Name }}"), (2, "Hello {{ Name }}")]


@pytest.mark.spec("NS-API-018 NS-DATA-OP-03 NS-TPL-014")
async def test_a_removed_record_is_gone_everywhere_and_its_versions_go_on_when_it_returns(
    database: str,
) -> None:
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        assert await store.remove(ALL) == [key_of(record) for record in ALL]
        assert await store.remove(ALL) == []
        await store.relay(broker)
        assert broker.book.records() == []
        assert await store.apply(ALL) == [key_of(record) for record in ALL]
        await store.relay(broker)
    assert [3] * len(ALL) == [record.version for record in broker.book.records()]


async def test_versions_of_a_key_are_published_in_order(database: str) -> None:
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        for n in range(600):
            await store.apply([replace(TAG, remember_for_s=n + 1)])
        assert await store.relay(broker) == 600
    versions = [value for _, value in broker.pairs if value]
    assert [f'"version":{n}}}'.encode() for n in range(1, 601)] == [
        v[v.index(b'"version"') :] for v in versions
    ]


async def test_what_the_broker_did_not_take_waits(database: str) -> None:
    broker = Broker(is_away=True)
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        with pytest.raises(PublishFailedError, match=f"{len(ALL)} changes wait: ConnectionError: no broker"):
            await store.relay(broker)
        broker.is_away = False
        assert await store.relay(broker) == len(ALL)


async def test_an_id_committed_late_is_still_published(database: str) -> None:
    """A cursor over ids would pass it by."""
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        async with postgres.transaction() as slow:
            await slow.execute(
                "INSERT INTO reference_outbox (key, version, payload) VALUES ('tag:slow', 1, '{}')"
            )
            await store.apply([TAG])
            assert await store.relay(broker) == 1
        assert await store.relay(broker) == 1
    assert [key for key, _ in broker.pairs] == [b"tag:news", b"tag:slow"]


async def test_relays_at_once_publish_each_change_once(database: str) -> None:
    broker = Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        counts = await asyncio.gather(*(store.relay(broker) for _ in range(4)))
    assert sum(counts) == len(ALL)
    assert len(broker.pairs) == len(ALL)


async def test_two_who_apply_at_once_end_with_one_of_both_and_two_versions(database: str) -> None:
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await asyncio.gather(store.apply(ALL), store.apply(list(reversed(CHANGES))))
        counts = await rows(postgres, "SELECT key, count(*), max(version) FROM reference_outbox GROUP BY key")
    assert sorted(counts) == sorted((key_of(record), 2, 2) for record in ALL)


async def test_one_record_that_does_not_fit_refuses_all(database: str) -> None:
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        with pytest.raises(RowsRefusedError, match="too long"):
            await store.apply([TAG, replace(TYPE, code="x" * 101)])
        assert await rows(postgres, "SELECT 1 FROM seen_tags UNION SELECT 1 FROM reference_outbox") == []


async def test_a_lost_topic_is_filled_again_with_what_is_in_force(database: str) -> None:
    broker, again = Broker(), Broker()
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        await store.apply(CHANGES)
        await store.remove([TAG])
        await store.relay(broker)
        await store.publish_again()
        assert await store.relay(again) == len(ALL) - 1
    assert sorted((one for one in CHANGES if key_of(one) != key_of(TAG)), key=key_of) == again.book.records()
