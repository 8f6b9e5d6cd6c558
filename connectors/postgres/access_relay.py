"""Makes key changes and audit lines known: from Postgres into the topics `access.keys` and `audit.log`.

The newest version of a key is all that counts, so its row is its own outbox. After a crash a record may come
twice: a key by its version, a line by its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from connectors.postgres.audit import logged
from connectors.postgres.keys import key_in
from connectors.postgres.named import named_queries
from connectors.postgres.reference import PublishFailedError
from schemas.topics import AUDIT, KEYS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connectors.postgres.database import Connection, Database

    Publish: TypeAlias = Callable[[Sequence["Sent"]], Awaitable[None]]

Sent: TypeAlias = tuple[str, bytes, bytes]
"""Topic, key, value."""
AT_ONCE = 500


async def relay(database: Database, publish: Publish) -> int:
    """Publish what waits; how many records that were.

    `publish` gets (topic, key, value) in order, and returns when the broker has them. `PublishFailedError`:
    it raised, and everything still waits.
    """
    done = 0
    while count := await _relay_some(database, publish):
        done += count
    return done


async def _relay_some(database: Database, publish: Publish) -> int:
    query = named_queries("access")
    async with database.transaction() as connection:
        await connection.execute(query["wait_for_kafka"])
        await connection.execute(query["lock_relay"])
        rows = await connection.fetch(query["take_keys"], AT_ONCE)
        lines = await connection.fetch(query["take_changes"], AT_ONCE)
        sent = [_sent(KEYS, row["key_id"], key_in(row)) for row in rows]
        sent += [_sent(AUDIT, str(row["id"]), logged(row)) for row in lines]
        if sent:
            await _published(publish, sent)
            versions = [row["version"] for row in rows]
            await connection.execute(query["mark_keys"], [row["key_id"] for row in rows], versions)
            await _forget(connection, [row["at"] for row in lines], [row["id"] for row in lines])
    return len(sent)


async def _forget(connection: Connection, times: list[object], ids: list[object]) -> None:
    await connection.execute(named_queries("access")["forget_changes"], times, ids)


async def _published(publish: Publish, sent: Sequence[Sent]) -> None:
    """A broker that is away is not a database that is."""
    try:
        await publish(sent)
    except Exception as error:
        raise PublishFailedError(f"{len(sent)} changes wait: {type(error).__name__}: {error}") from error


def _sent(topic: str, key: str, record: msgspec.Struct) -> Sent:
    return topic, key.encode(), msgspec.json.encode(record)
