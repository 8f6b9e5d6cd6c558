"""Reference data in Postgres and its outbox: a change and its message are one transaction (design, 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from connectors.postgres.named import named_queries
from connectors.reference.wire import NAMES, ReferenceRecord, Sealer, encode, key_of, sealed_config
from schemas.records import NotificationType, Provider, Rule, SeenTag, Template

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from connectors.postgres.database import Connection, Database

    Pairs: TypeAlias = Sequence[tuple[bytes, bytes | None]]
    Publish: TypeAlias = Callable[[Pairs], Awaitable[None]]

AT_ONCE = 500


class PublishFailedError(Exception):
    """The broker did not take the changes; they stay in the outbox."""


class ReferenceStore:
    """Writes types, templates, rules, providers and tags, and hands changes to the topic `reference`."""

    def __init__(self, database: Database, cipher: Sealer) -> None:
        self._database = database
        self._cipher = cipher
        self._query = named_queries("reference")

    async def apply(self, records: Iterable[ReferenceRecord]) -> list[str]:
        """Write all records or none; returns the keys of those that changed, each with its next version."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_writers"])
            return [key_of(record) for record in records if await self._upsert(connection, record)]

    async def remove(self, records: Iterable[ReferenceRecord]) -> list[str]:
        """Mark records as deleted, by their names; returns the keys of those that were there."""
        removed: list[str] = []
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_writers"])
            for record in records:
                query = self._query[f"remove_{NAMES[type(record)][0]}"]
                version = await connection.fetchval(query, *name_columns(record))
                if version is not None:
                    await connection.execute(self._query["add_to_outbox"], key_of(record), version, None)
                    removed.append(key_of(record))
        return removed

    async def relay(self, publish: Publish) -> int:
        """Publish what waits in the outbox; returns how many changes that were.

        `publish` gets (key, value or None) in order and returns when the broker has them. After a crash it
        may get a pair again. `PublishFailedError`: it raised, and everything still waits.
        """
        done = 0
        while count := await self._relay_some(publish):
            done += count
        return done

    async def publish_again(self) -> None:
        """Let the next relay publish all that is in force once more, for a topic that was lost."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_relay"])
            await connection.execute(self._query["publish_again"])

    async def _relay_some(self, publish: Publish) -> int:
        async with self._database.transaction() as connection:
            await connection.execute(self._query["wait_for_kafka"])
            await connection.execute(self._query["lock_relay"])
            rows = await connection.fetch(self._query["take_waiting"], AT_ONCE)
            if rows:
                await _published(publish, [(row["key"].encode(), _encoded(row["payload"])) for row in rows])
                await connection.execute(self._query["mark_published"], [row["id"] for row in rows])
        return len(rows)

    async def _upsert(self, connection: Connection, record: ReferenceRecord) -> bool:
        query = self._query[f"upsert_{NAMES[type(record)][0]}"]
        version = await connection.fetchval(query, *columns_of(record, self._cipher))
        if version is None:
            return False
        payload = encode(msgspec.structs.replace(record, version=version), self._cipher).decode()
        await connection.execute(self._query["add_to_outbox"], key_of(record), version, payload)
        return True


async def _published(publish: Publish, pairs: Pairs) -> None:
    try:
        await publish(pairs)
    except Exception as error:
        raise PublishFailedError(f"{len(pairs)} changes wait: {type(error).__name__}: {error}") from error


def _encoded(payload: str | None) -> bytes | None:
    return None if payload is None else payload.encode()


def name_columns(record: ReferenceRecord) -> tuple[str, ...]:
    """Columns of the kind's name."""
    match record:
        case NotificationType():
            return (record.code,)
        case Template():
            return (record.name, record.channel_type, record.language_code)
        case Rule():
            return (record.topic, record.event_type)
        case Provider():
            return (record.channel_type, record.name)
        case SeenTag():
            return (record.tag,)


def columns_of(record: ReferenceRecord, cipher: Sealer) -> tuple[Any, ...]:
    """Columns of the kind's upsert: the name first, then the content in the order of the query."""
    match record:
        case NotificationType():
            content: tuple[Any, ...] = (
                record.title,
                record.category,
                record.default_channels,
                record.fallback_channels,
                record.default_priority,
                record.is_mandatory,
                record.template_name,
                timedelta(seconds=record.dedup_window_s),
                timedelta(seconds=record.ttl_s),
                record.unknown_policy,
                record.allowed_senders,
                None if record.fallback_after_s is None else timedelta(seconds=record.fallback_after_s),
            )
        case Template():
            texts = (record.subject, record.title, record.body, record.body_text)
            content = (*texts, _json(record.variables), record.category)
        case Rule():
            content = (record.notification_type, record.priority, _json(record.data))
        case Provider():
            config = _json(sealed_config(record.config, cipher))
            order = (record.priority, record.rate_limit, record.cost)
            content = (record.kind, config, record.is_active, *order)
        case SeenTag():
            rollout = (record.is_enabled, record.percentage, _json(record.targets))
            content = (record.destinations, timedelta(seconds=record.remember_for_s), *rollout)
    return (*name_columns(record), *content)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
