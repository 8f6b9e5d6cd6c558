"""Rows of one person, for his export (152-FZ): each query of `queries/persons.sql` is a part of it."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final, Protocol

from connectors.postgres.named import named_queries

if TYPE_CHECKING:
    from connectors.postgres.database import Database

SEALED: Final = {"messages": "recipient", "devices": "token"}
"""By part the column of base64 that is opened; tests/broker/test_postgres_erasure.py."""
UNREADABLE = "(sealed with a key that is not among the keys)"


class Opener(Protocol):
    """Opens sealed bytes; `ValueError` when they cannot be opened."""

    def open(self, sealed: bytes) -> bytes: ...


async def rows_of(database: Database, user_id: str, cipher: Opener) -> dict[str, list[dict[str, Any]]]:
    """All rows as of one moment, by part; addresses and tokens in clear."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with database.transaction() as connection:
        await connection.execute(named_queries("choices")["one_moment"])
        for part, query in named_queries("persons").items():
            found[part] = [json.loads(row["found"]) for row in await connection.fetch(query, user_id)]
    for part, name in SEALED.items():
        for row in found[part]:
            row[name] = opened(b64decode(row[name]), cipher)
    return found


def opened(sealed: bytes, cipher: Opener) -> str:
    """The clear text; what no key opens is said to be so."""
    try:
        return cipher.open(sealed).decode() if sealed else ""
    except ValueError:
        return UNREADABLE
