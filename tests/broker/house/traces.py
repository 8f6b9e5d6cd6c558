"""Where something of a person can be read: tables of Postgres, topics, and what stages keep, with the key."""

from __future__ import annotations

import re
from typing import Any

from connectors.cipher import Cipher, CipherError
from connectors.kafka_clients import open_brokers
from streams.changelogs import partitions_of, records_of
from streams.stages import stateful_stages
from tests.broker.house.house import APP, House

OURS = (
    *("facts.", "request.", "channel.", "vetoes.", "outcomes", "rows", "stats.", "seen.", "audience."),
    *("notification.events", "notification.stats", "audit.", "house."),
)
"""Topics of ours, changelogs included; not those that other services write."""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
SEALED = re.compile(rb"\x01[\x01-\x20]")
"""How sealed bytes begin: their version, the length of the key's id."""
WIDEST = 4
"""Bytes of the length that Avro writes in front of them."""


async def tables_with(house: House, text: str) -> list[str]:
    """Tables in which it can be read."""
    names = [row["name"] for row in await house.rows(TABLES, [], 1)]
    found = []
    for name in names:
        query = f"SELECT count(*) AS n FROM {name} AS t WHERE t::TEXT ILIKE $1"  # noqa: S608
        found += [name] * bool((await house.rows(query, [f"%{text}%"], 1))[0]["n"])
    return found


def shows(record: Any, *texts: str) -> bool:
    """Whether one of these can be read in a record."""
    raw = (record.value or b"") + b"".join(record.headers.values())
    return any(text.encode() in raw for text in texts)


async def kept(house: House, stage: str) -> dict[bytes, bytes]:
    """Rows of a stage as its changelog leaves them; a row may be in one partition only."""
    brokers, changelog = open_brokers(house.kafka.address), f"{APP}.{stage}.changelog"
    rows: dict[bytes, bytes] = {}
    for partition in range(await partitions_of(brokers, changelog)):
        async for key, value in records_of(brokers, changelog, partition):
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
    return rows


async def stages_with(house: House, *texts: str) -> list[str]:
    """Stages that keep a row in which one of these can be read, by whoever has the key."""
    cipher = Cipher.of_text(house.settings["crypto"]["keys"])
    found = []
    for stage in stateful_stages():
        rows = await kept(house, stage)
        clear = b"\n".join(key + b"\n" + opened(value, cipher) for key, value in rows.items())
        found += [stage] * any(text.encode() in clear for text in texts)
    return found


def opened(raw: bytes, cipher: Cipher) -> bytes:
    """The bytes, and behind them in clear all that is sealed in them."""
    clear = [raw]
    for start in (found.start() for found in SEALED.finditer(raw)):
        for length in _lengths(raw[:start]):
            try:
                clear.append(cipher.open(raw[start : start + length]))
            except CipherError:
                continue
    return b"\n".join(clear)


def _lengths(before: bytes) -> list[int]:
    """What these bytes may end with: a length of one to four bytes, zigzag and seven bits a byte."""
    found = []
    for width in range(1, WIDEST + 1):
        last = before[-width:]
        if len(last) == width and last[-1] < 0x80 and all(byte >= 0x80 for byte in last[:-1]):
            found.append(sum((byte & 0x7F) << 7 * index for index, byte in enumerate(last)) >> 1)
    return found
