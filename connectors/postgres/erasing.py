"""Rows of a person who was erased: blank, or evidence under another name (NS-SEC-OP-02, NS-SEC-OP-03).

A part of the sink: it runs behind the rows of its batch, in their transaction. Again is as good as once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.postgres.database import Connection
    from schemas.records import PersonErased

MADE: Final = ("erase_log", "erase_messages", "erase_requests")
"""Of what was made for him until he was erased; a new table with rows of persons gets its query in a list."""
CHOSEN: Final = ("erase_preferences", "erase_quiet_hours", "erase_devices")
"""Of what he chose and had until he was deleted."""


async def erase(connection: Connection, persons: Sequence[PersonErased]) -> None:
    """Each of them. What came since stays: a life under the same id that began after the deletion."""
    for person in persons:
        await _erase(connection, person)


async def _erase(connection: Connection, erased: PersonErased) -> None:
    query = named_queries("erasures")
    user_id, person = erased.user_id, erased.person
    for name in MADE:
        await connection.execute(query[name], user_id, erased.erased_at)
    for name in CHOSEN:
        await connection.execute(query[name], user_id, erased.deleted_at)
    await connection.execute(query["keep_unsubscribes"], user_id, erased.deleted_at, person)
    await connection.execute(query["erase_unsubscribes"], user_id, erased.deleted_at)
    await connection.execute(query["keep_consents"], user_id, erased.deleted_at, person)
    await connection.execute(query["erase_refusals"], user_id)
    await connection.execute(query["note_erasure"], person, erased.erased_at)
