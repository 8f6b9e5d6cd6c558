"""API keys in Postgres, by their hashes; each change with its audit line, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from connectors.access import keys
from connectors.access.desk import Kept
from connectors.postgres.audit import Change, log_change
from connectors.postgres.named import named_queries
from schemas.records import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.access.actor import Actor
    from connectors.postgres.database import Connection, Database


class KeyStore:
    """The `Store` of `connectors.access.desk`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._query = named_queries("access")

    async def listed(self) -> list[Kept]:
        """All keys, by service and age."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._query["list_keys"])
        return [Kept(key_in(row), row["last_used_at"]) for row in rows]

    async def add(self, record: ApiKey, now: int, actor: Actor) -> None:
        """Add a key; `TooManyKeysError` when the service has two live ones."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_keys"])
            await self._add(connection, record, now, actor)

    async def change_over(
        self, key_id: str, made: Callable[[ApiKey], ApiKey], until: int, actor: Actor
    ) -> bool:
        """Add what `made` makes of a live key, which then ends at `until`; False: there is no such key."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_keys"])
            old = await self._found(connection, key_id)
            if old is None:
                return False
            new = made(old)
            if not keys.is_live(old, new.created_at):
                return False
            await self._add(connection, new, new.created_at, actor)
            await self._end(connection, old, keys.ended(old, until), ("key.expire", actor))
        return True

    async def revoke(self, key_id: str, now: int, actor: Actor) -> bool:
        """End a key at once; False when there is none of this id."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["lock_keys"])
            old = await self._found(connection, key_id)
            if old is not None and old.revoked_at is None:
                await self._end(connection, old, keys.revoked(old, now), ("key.revoke", actor))
        return old is not None

    async def note_used(self, used: Mapping[str, int]) -> None:
        """Note the last use of keys, each in ms."""
        async with self._database.transaction() as connection:
            await connection.execute(self._query["note_used"], list(used), list(used.values()))

    async def _found(self, connection: Connection, key_id: str) -> ApiKey | None:
        row = await connection.fetchrow(self._query["find_key"], key_id)
        return None if row is None else key_in(row)

    async def _add(self, connection: Connection, record: ApiKey, now: int, actor: Actor) -> None:
        rows = await connection.fetch(self._query["keys_of_service"], record.service)
        keys.check_room(map(key_in, rows), keys.like(record), now)
        named = (
            record.key_id,
            record.service,
            record.sha256,
            record.scopes,
            record.is_test,
            record.per_minute,
        )
        times = (record.created_at, record.expires_at, record.revoked_at, record.version)
        await connection.execute(self._query["add_key"], *named, *times)
        after = msgspec.to_builtins(record)
        await log_change(connection, actor, Change("key.create", "key", record.key_id, None, after))

    async def _end(self, connection: Connection, old: ApiKey, new: ApiKey, by: tuple[str, Actor]) -> None:
        action, actor = by
        times = (new.expires_at, new.revoked_at, new.version)
        await connection.execute(self._query["end_key"], new.key_id, *times)
        sides = (msgspec.to_builtins(old), msgspec.to_builtins(new))
        await log_change(connection, actor, Change(action, "key", new.key_id, *sides))


def key_in(row: Mapping[str, Any]) -> ApiKey:
    """A row as a record."""
    names = (field.name for field in msgspec.structs.fields(ApiKey))
    return ApiKey(**{name: row[name] for name in names})
