"""Reference data that a restored backup lacks, taken back from the topic `reference` (NS-OPS-072).

The topic knows versions that the backup does not. Applied anew they would get versions that workers have seen
already, and be ignored; so here each record keeps the version it has in the topic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.postgres.named import named_queries
from connectors.postgres.reference_columns import columns_of, name_columns
from connectors.reference.wire import NAMES, Sealer, encode, key_of
from schemas.records import Template

if TYPE_CHECKING:
    from connectors.postgres.database import Connection, Database
    from connectors.reference.book import ReferenceBook
    from connectors.reference.wire import ReferenceRecord


@dataclass(frozen=True, slots=True)
class Refilled:
    """Keys that were written, keys deleted since the backup, keys whose record nobody here can read."""

    written: list[str]
    removed: list[str]
    unreadable: list[str]


async def refill(database: Database, cipher: Sealer, book: ReferenceBook) -> Refilled:
    """Bring the tables to what the topic says, in one transaction; twice is as good as once.

    `book` has read the whole topic. What Postgres holds in a higher version stays; what the topic does not
    know any longer is marked as deleted, unless a change of it waits in the outbox.
    """
    old, new = named_queries("reference"), named_queries("refill")
    async with database.transaction() as connection:
        await connection.execute(old["lock_writers"])
        await connection.execute(old["lock_relay"])
        stored = {row["key"]: row for row in await connection.fetch(new["stored"])}
        waiting = {row["key"] for row in await connection.fetch(new["waiting"])}
        records = {key_of(record): record for record in book.records()}
        written = [
            key
            for key, record in records.items()
            if key not in stored or stored[key]["version"] < record.version
        ]
        for key in written:
            await _write(connection, records[key], cipher)
        known = records.keys() | book.problems.keys() | waiting
        removed = sorted(key for key, row in stored.items() if row["in_force"] and key not in known)
        for key in removed:
            await _remove(connection, key, stored[key]["names"])
    return Refilled(written, removed, sorted(book.problems))


async def _write(connection: Connection, record: ReferenceRecord, cipher: Sealer) -> None:
    """The record with its version; its text in the history too, when it is a template's."""
    kind, new = NAMES[type(record)][0], named_queries("refill")
    upsert = named_queries("reference")[f"upsert_{kind}"]
    got = await connection.fetchval(upsert, *columns_of(record, cipher))
    here = (got,) if isinstance(record, Template) else ()
    await connection.execute(new[f"version_{kind}"], record.version, *here, *name_columns(record))
    payload = encode(record, cipher).decode()
    await connection.execute(new["note_published"], key_of(record), record.version, payload)


async def _remove(connection: Connection, key: str, names: list[str]) -> None:
    remove = named_queries("reference")[f"remove_{key.partition(':')[0]}"]
    version = await connection.fetchval(remove, *names)
    await connection.execute(named_queries("refill")["note_published"], key, version, None)
