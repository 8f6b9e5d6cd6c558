"""What a run left: the ledgers of two servers, rows in Postgres, and when calls were intended."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable
from pathlib import Path

import asyncpg
import orjson

from bench.detour.books import Books, Mail, Receipt, Setback
from bench.stock import Stock

MAILS = """
select message_uuid::text, idempotency_key, status, provider_name from notification_messages
where notification_type = $1
"""
SETBACKS = """
select m.message_uuid::text, l.status, l.details::jsonb ->> 'provider', l.details::jsonb ->> 'reason',
  extract(epoch from l.timestamp)::float8 * 1000
from delivery_status_logs l join notification_messages m on m.id = l.message_id
where l.status in ('retrying', 'unknown')
"""
SENT = "select count(*) from notification_messages where notification_type = $1 and status = 'sent'"
KIND = "refund"
"""What is asked for; users who become known get a greeting, too."""
INTENT = re.compile(rb"\xfd([0-9a-f-]{36})/\d+/\d+/\d+/(.+)/0")
"""Key of a call's row in the changelog of its stage: message, attempt, epoch, wait, provider, no question."""


async def books(dsn: str, asked: Collection[str], ledgers: Iterable[Path]) -> Books:
    """Read all."""
    connection = await asyncpg.connect(dsn)
    try:
        mails = await connection.fetch(MAILS, KIND)
        setbacks = await connection.fetch(SETBACKS)
    finally:
        await connection.close()
    return Books(
        asked,
        [Mail(*row) for row in mails],
        [receipt for ledger in ledgers for receipt in receipts(ledger)],
        [Setback(*row) for row in setbacks],
    )


def receipts(ledger: Path) -> list[Receipt]:
    """Every line of a ledger; the last one may be cut by a kill, and was not answered then."""
    whole = ledger.read_bytes().rpartition(b"\n")[0]
    lines = map(orjson.loads, whole.splitlines())
    return [Receipt(line["provider"], line["message_id"], line["at"]) for line in lines]


async def sent(dsn: str) -> int:
    """How many mails have ended as they should."""
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval(SENT, KIND))
    finally:
        await connection.close()


async def intended(stock: Stock, changelog: str, provider: str) -> dict[str, float]:
    """When the first call of a mail at this provider was written down as intended, ms of broker time."""
    return await asyncio.to_thread(_intended, stock, changelog, provider.encode())


def _intended(stock: Stock, changelog: str, provider: bytes) -> dict[str, float]:
    found: dict[str, float] = {}
    for message in stock.committed(changelog):
        key = INTENT.fullmatch(message.key() or b"")
        if key and key[2] == provider and message.value() is not None:
            message_id, at = key[1].decode(), float(message.timestamp()[1])
            found[message_id] = min(at, found.get(message_id, at))
    return found
