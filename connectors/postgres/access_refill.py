"""API keys and audit lines that a restored backup lacks, taken back from their topics (NS-OPS-072).

A key that was made after the backup opens routes all the same, because HTTP processes know it from the topic;
without its row nobody could list or revoke it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from connectors.postgres.audit import json_of
from connectors.postgres.named import named_queries
from schemas.records import ApiKey, ChangeLogged

if TYPE_CHECKING:
    from connectors.postgres.database import Connection, Database

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


class KeyTopic:
    """What the topic of keys says: of each key the newest version, and the version of its last record.

    They differ when an older record was written behind a newer one. The topic keeps the last one only, so the
    newest has to be written once more.
    """

    def __init__(self) -> None:
        self.newest: dict[str, ApiKey] = {}
        self.last: dict[str, int] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record in; one that nobody can read is told and left, as HTTP processes do."""
        try:
            record = None if value is None else msgspec.json.decode(value, type=ApiKey)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _log.warning(
                "api_key_unreadable", key_id=key.decode("utf-8", "replace"), error=type(error).__name__
            )
            return
        if record is not None:
            self.last[record.key_id] = record.version
            known = self.newest.get(record.key_id)
            if known is None or known.version <= record.version:
                self.newest[record.key_id] = record


class LineTopic:
    """The lines of the audit log, each once."""

    def __init__(self) -> None:
        self.lines: dict[str, ChangeLogged] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record in."""
        try:
            if value is not None:
                line = msgspec.json.decode(value, type=ChangeLogged)
                self.lines[line.id] = line
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _log.warning(
                "audit_line_unreadable", id=key.decode("utf-8", "replace"), error=type(error).__name__
            )


class Refilled(NamedTuple):
    """Ids of keys that were written, and how many lines."""

    keys: list[str]
    lines: int


async def refill_access(database: Database, keys: KeyTopic, lines: LineTopic) -> Refilled:
    """Bring both tables to what the topics say, in one transaction; twice is as good as once.

    What Postgres holds in a higher version stays and goes out again; so does a key that the topic lost.
    """
    query = named_queries("access")
    async with database.transaction() as connection:
        await connection.execute(query["lock_keys"])
        await connection.execute(query["lock_relay"])
        stored = {row["key_id"]: row["version"] for row in await connection.fetch(query["list_keys"])}
        written = [key for key in keys.newest.values() if stored.get(key.key_id, 0) < key.version]
        for key in written:
            await _write(connection, key)
        await connection.execute(query["note_topic"], list(keys.last), list(keys.last.values()))
        added = [line for line in lines.lines.values() if await _added(connection, line)]
    return Refilled([key.key_id for key in written], len(added))


async def _write(connection: Connection, key: ApiKey) -> None:
    named = (key.key_id, key.service, key.sha256, key.scopes, key.is_test, key.per_minute)
    times = (key.created_at, key.expires_at, key.revoked_at, key.version)
    await connection.execute(named_queries("access")["refill_key"], *named, *times)


async def _added(connection: Connection, line: ChangeLogged) -> bool:
    at = EPOCH + timedelta(milliseconds=line.at)
    named = (line.actor_id, line.role, line.action, line.object_type, line.object_id)
    sides = (json_of(line.before), json_of(line.after))
    done = await connection.execute(
        named_queries("access")["refill_line"], line.id, at, *named, *sides, line.ip
    )
    return bool(done.endswith(" 1"))
