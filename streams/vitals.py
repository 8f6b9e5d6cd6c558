"""What `GET /health` of the HTTP process asks (NS-API-OP-19)."""

from __future__ import annotations

from connectors.http.checks import Ask, Asks
from connectors.http.health import Vitals
from connectors.postgres.database import Database


def vitals_of(needed: Asks, database: Database, tables: list[Ask]) -> Vitals:
    """`tables`: the copies of tables that this process answers from; reads alone suffer without them."""

    async def postgres() -> None:
        await database.ping()

    async def recovered() -> str | None:
        reasons = [await table() for table in tables]
        return next((reason for reason in reasons if reason is not None), None)

    return Vitals(needed, {"postgres": postgres, "tables_recovered": recovered})
