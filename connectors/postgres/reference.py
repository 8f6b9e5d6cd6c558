"""Reference data in Postgres and its outbox: a change and its message are one transaction (design, 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from connectors.access.actor import PRODUCT, Actor
from connectors.postgres.named import named_queries
from connectors.postgres.noting import Written, note_change
from connectors.postgres.reference_columns import columns_of, name_columns
from connectors.postgres.template_rows import TemplateRows
from connectors.reference.wire import NAMES, ReferenceRecord, Sealer, encode, key_of
from connectors.templates.shelf import Filed, file_in
from schemas.records import Template

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from connectors.postgres.database import Connection, Database

    Pairs: TypeAlias = Sequence[tuple[bytes, bytes | None]]
    Publish: TypeAlias = Callable[[Pairs], Awaitable[None]]

AT_ONCE = 500


class PublishFailedError(Exception):
    """The broker did not take the changes; they stay in the outbox."""


class _ConflictsError(Exception):
    """Rolls the transaction back. `filed`: what stood against it."""

    def __init__(self, filed: Filed) -> None:
        super().__init__()
        self.filed = filed


class ReferenceStore:
    """Writes reference records, and hands changes to the topic `reference`."""

    def __init__(self, database: Database, cipher: Sealer) -> None:
        self._database = database
        self._cipher = cipher
        self._query = named_queries("reference")

    async def apply(self, records: Iterable[ReferenceRecord], actor: Actor = PRODUCT) -> list[str]:
        """Write all records or none; returns the keys of those that changed, each with its next version.

        Each change has its line in the audit log, in the same transaction.
        """
        return (await self.file_in(records, {}, actor=actor)).changed

    async def file_in(
        self,
        records: Iterable[ReferenceRecord],
        known: Mapping[str, int],
        *,
        force: bool = False,
        actor: Actor = PRODUCT,
    ) -> Filed:
        """As `apply`; `connectors.templates.shelf.file_in` says which templates are kept.

        With a conflict nothing is written, and `Filed.changed` is empty.
        """
        found = list(records)
        templates = [record for record in found if isinstance(record, Template)]
        others = [record for record in found if not isinstance(record, Template)]
        try:
            async with self._database.transaction() as connection:
                await connection.execute(self._query["lock_writers"])
                changed = [key_of(each) for each in others if await self._upsert(connection, each, actor)]
                filed = await file_in(TemplateRows(connection), templates, known, force=force, actor=actor)
                if filed.conflicts:
                    raise _ConflictsError(filed)
        except _ConflictsError as error:
            return replace(error.filed, changed=[])
        done = {*changed, *filed.changed}
        return replace(filed, changed=[key for key in map(key_of, found) if key in done])

    async def remove(self, records: Iterable[ReferenceRecord], actor: Actor = PRODUCT) -> list[str]:
        """Mark records as deleted, by their names; returns the keys of those that were there."""
        removed: list[str] = []
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_writers"])
            for record in records:
                query = self._query[f"remove_{NAMES[type(record)][0]}"]
                version = await connection.fetchval(query, *name_columns(record))
                if version is not None:
                    await note_change(connection, Written(key_of(record), version, None), actor)
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

    async def _upsert(self, connection: Connection, record: ReferenceRecord, actor: Actor) -> bool:
        query = self._query[f"upsert_{NAMES[type(record)][0]}"]
        version = await connection.fetchval(query, *columns_of(record, self._cipher))
        if version is None:
            return False
        payload = encode(msgspec.structs.replace(record, version=version), self._cipher).decode()
        await note_change(connection, Written(key_of(record), version, payload), actor)
        return True


async def _published(publish: Publish, pairs: Pairs) -> None:
    try:
        await publish(pairs)
    except Exception as error:
        raise PublishFailedError(f"{len(pairs)} changes wait: {type(error).__name__}: {error}") from error


def _encoded(payload: str | None) -> bytes | None:
    return None if payload is None else payload.encode()
