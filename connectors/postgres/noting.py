"""A change of reference data: into the outbox, and into the audit log beside what stood there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from connectors.postgres.audit import Change, log_change
from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from connectors.access.actor import Actor
    from connectors.postgres.database import Connection


class Written(NamedTuple):
    """What is in force under a key now; `payload` None: nothing any more."""

    key: str
    version: int
    payload: str | None


async def note_change(connection: Connection, written: Written, actor: Actor) -> None:
    """Leave word for the workers and a line for auditors, in the transaction of the change."""
    key, version, payload = written
    query = named_queries("reference")
    before = _sides(await connection.fetchval(query["newest_in_outbox"], key))
    await connection.execute(query["add_to_outbox"], key, version, payload)
    kind, _, name = key.partition(":")
    verb = "delete" if payload is None else "create" if before is None else "update"
    await log_change(connection, actor, Change(f"{kind}.{verb}", kind, name, before, _sides(payload)))


def _sides(payload: str | None) -> dict[str, Any] | None:
    return None if payload is None else msgspec.json.decode(payload)
