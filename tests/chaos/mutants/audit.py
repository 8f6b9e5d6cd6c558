"""An auditor inside Postgres: notes every time the sink's place in `rows` goes back. Knows no worker."""

from __future__ import annotations

from typing import Final

import asyncpg

from examples.accounts.compare import Check, check

NOTED: Final = """
create table audit_went_back (topic text, partition int, was bigint, became bigint);
create function audit_places() returns trigger language plpgsql as $$ begin
  insert into audit_went_back values (new.topic, new.partition, old.next, new.next);
  return new;
end $$;
create trigger audit_places after update on sink_offsets for each row
  when (new.next < old.next) execute function audit_places();
"""
READ: Final = "select topic, partition, was, became from audit_went_back"


async def begin_audit(dsn: str) -> None:
    """From now on."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(NOTED)
    finally:
        await connection.close()


async def audited(dsn: str) -> Check:
    """The sink's place must only grow: what lies before it was written, and another writer has gone on."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(READ)
    finally:
        await connection.close()
    return check("places of the sink that went back (Postgres)", [], [tuple(row) for row in rows])
