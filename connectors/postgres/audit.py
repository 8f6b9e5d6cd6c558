"""The audit log: a line is written in the transaction of its change (NS-SEC-005, NS-SEC-OP-03)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from connectors.access.masking import masked
from connectors.postgres.named import named_queries
from schemas.records import ChangeLogged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connectors.access.actor import Actor
    from connectors.postgres.database import Connection, Database


class Change(NamedTuple):
    """What was done to what. `before` and `after`: the whole record as it was and is; None: there is none."""

    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Wish(NamedTuple):
    """Which lines to list: since a moment, at most so many; None leaves a condition out."""

    since: datetime
    actor_id: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    limit: int = 100


async def log_change(connection: Connection, actor: Actor, change: Change) -> None:
    """Write a line, masked, in the transaction that runs on the connection."""
    action, object_type, object_id, before, after = change
    sides = (json_of(masked(before)), json_of(masked(after)))
    query = named_queries("access")["log_change"]
    named = (actor.actor_id, actor.role, action, object_type, object_id)
    await connection.execute(query, *named, *sides, actor.ip)


async def list_changes(database: Database, wish: Wish) -> list[ChangeLogged]:
    """Lines, the newest first."""
    async with database.connection() as connection:
        rows = await connection.fetch(named_queries("access")["list_changes"], *wish)
    return [logged(row) for row in rows]


def logged(row: Mapping[str, Any]) -> ChangeLogged:
    """A row as a record."""
    return ChangeLogged(
        id=str(row["id"]),
        actor_id=row["actor_id"],
        role=row["role"],
        action=row["action"],
        object_type=row["object_type"],
        object_id=row["object_id"],
        at=round(row["at"].timestamp() * 1000),
        before=None if row["before"] is None else json.loads(row["before"]),
        after=None if row["after"] is None else json.loads(row["after"]),
        ip=row["ip"],
    )


def json_of(value: object) -> str | None:
    """A side of a line as its column takes it."""
    return None if value is None else msgspec.json.encode(value).decode()
