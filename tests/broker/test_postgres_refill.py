"""Reference data that a backup lacks comes back from the topic, each record in the version it has there."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from connectors.cipher import Cipher
from connectors.postgres.database import Database
from connectors.postgres.reference import ReferenceStore
from connectors.postgres.refill import Refilled, refill
from connectors.reference.book import ReferenceBook
from connectors.reference.wire import ReferenceRecord, encode, key_of
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
TEMPLATE = Template(name="hello", channel_type="email", language_code="ru", subject="S", body="first")
RULE = Rule(topic="user.events", event_type="user.registered", notification_type="welcome")
PROVIDER = Provider(name="mail", channel_type="email", kind="smtp", config={"password": "hunter2"})
TAG = SeenTag(tag="news", destinations=["seen.news"])
COMMUNICATION = Communication(id="sale", kind="fullscreen", content={"title": "Sale"})
BUDGET = SpendingBudget(of="sms", per_day="10")
FILTER = AudienceFilter(filter_id="city", value_type="string")
EXPERIMENT = Experiment(name="townsfolk", filters={"city": "a"})
ALL: list[ReferenceRecord] = [TYPE, TEMPLATE, RULE, PROVIDER, TAG, COMMUNICATION, FILTER, EXPERIMENT, BUDGET]
CHANGED: list[ReferenceRecord] = [
    replace(TYPE, ttl_s=600, version=4),
    replace(TEMPLATE, body="fourth", version=4),
    replace(RULE, priority="high", version=4),
    replace(PROVIDER, config={"password": "changed"}, version=4),
    replace(TAG, is_enabled=False, version=4),
    replace(COMMUNICATION, content={"title": "Last days"}, version=4),
    replace(FILTER, value_type="number", version=4),
    replace(BUDGET, per_day="9.5", version=4),
    replace(EXPERIMENT, filters={"city": ["a", "b"]}, version=4),
]
VERSIONS = """
SELECT version FROM notification_types UNION ALL SELECT version FROM notification_templates
UNION ALL SELECT version FROM notification_rules UNION ALL SELECT version FROM provider_configs
UNION ALL SELECT version FROM seen_tags UNION ALL SELECT version FROM promotions.promotions
UNION ALL SELECT version FROM promotions.filters UNION ALL SELECT version FROM promotions.experiments
UNION ALL SELECT version FROM spending_budgets
"""
TEXTS = "SELECT version, body FROM notification_template_versions ORDER BY version"


def topic_of(*records: ReferenceRecord) -> ReferenceBook:
    """A book that has read a topic with these records."""
    book = ReferenceBook(CIPHER)
    for record in records:
        book.apply(key_of(record).encode(), encode(record, CIPHER))
    return book


async def fetched(postgres: Database, query: str) -> list[tuple[Any, ...]]:
    async with postgres.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def relayed(store: ReferenceStore) -> list[tuple[bytes, bytes | None]]:
    """What the outbox hands out."""
    found: list[tuple[bytes, bytes | None]] = []

    async def publish(pairs: Any) -> None:
        found.extend(pairs)

    await store.relay(publish)
    return found


async def test_every_kind_gets_content_and_version_of_the_topic_and_the_next_change_counts_on(
    database: str,
) -> None:
    """Mutation tried: without `version_*`: the next change gets 3, which workers that saw 4 ignore: fails."""
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        assert len(ALL) == len(await relayed(store))
        book = topic_of(*CHANGED)
        keys = [key_of(record) for record in CHANGED]
        found = await refill(postgres, CIPHER, book)
        assert sorted(keys) == sorted(found.written)
        assert [(4,)] * len(ALL) == await fetched(postgres, VERSIONS)
        assert [(1, "first"), (4, "fourth")] == await fetched(postgres, TEXTS)
        assert [] == await store.apply(CHANGED)
        assert [] == await relayed(store)
        assert Refilled([], [], []) == await refill(postgres, CIPHER, book)
        await store.apply(ALL)
        for key, value in await relayed(store):
            book.apply(key, value)
        assert {5} == {record.version for record in book.records()}


async def test_an_empty_database_gets_all_that_is_in_force(database: str) -> None:
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        found = await refill(postgres, CIPHER, topic_of(*CHANGED))
        assert len(CHANGED) == len(found.written)
        assert [(4,)] * len(ALL) == await fetched(postgres, VERSIONS)
        assert [] == await store.apply(CHANGED)


async def test_a_change_that_came_back_to_the_same_content_keeps_its_version(database: str) -> None:
    """Nothing differs but the number: its text stands in the history under both."""
    async with migrated(database) as postgres:
        await ReferenceStore(postgres, CIPHER).apply(ALL)
        await refill(postgres, CIPHER, topic_of(*(replace(record, version=3) for record in ALL)))
        assert [(3,)] * len(ALL) == await fetched(postgres, VERSIONS)
        assert [(1, "first"), (3, "first")] == await fetched(postgres, TEXTS)


async def test_what_was_deleted_since_the_backup_is_deleted_again_and_not_published_again(
    database: str,
) -> None:
    """Mutation tried: keys of unreadable records taken for absent ones: fails (`type:welcome` removed)."""
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        await relayed(store)
        book = topic_of(*(one for one in ALL if one not in [TYPE, TAG]))
        book.apply(b"type:welcome", b"of a version nobody here knows")
        found = await refill(postgres, CIPHER, book)
        assert Refilled([], ["tag:news"], ["type:welcome"]) == found
        await store.publish_again()
        assert "tag:news" not in {key.decode() for key, _ in await relayed(store)}


async def test_a_change_that_the_backup_had_not_published_yet_does_not_follow_a_later_one(
    database: str,
) -> None:
    """Mutation tried: `note_published` without the older ones: fails (version 1 goes out behind 4)."""
    async with migrated(database) as postgres:
        store = ReferenceStore(postgres, CIPHER)
        await store.apply(ALL)
        await refill(postgres, CIPHER, topic_of(*CHANGED[:2]))
        found = {key.decode() for key, _ in await relayed(store)}
    assert {key_of(record) for record in ALL[2:]} == found
