"""One flow for tests: its name, reports of it, requests that are held of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from schemas.quarantine_words import Order
from schemas.records import FlowCounted, QuarantineOrdered, RequestQuarantined, RequestReceived
from tables.flows import MINUTE_MS
from tests.requests import ORDER, REQUEST, T0

SOURCE = REQUEST.source
CODE = ORDER.code
MINUTE = T0 - T0 % MINUTE_MS
"""Begin of a minute."""
NAMED = {"source": SOURCE, "notification_type": CODE}


def counted(count: int, minute: int = MINUTE, worker: str = "w", **named: str) -> FlowCounted:
    """A report."""
    return FlowCounted(**{**NAMED, **named}, worker=worker, minute=minute, count=count)


def ordered(order: Order, until: int | None = None) -> QuarantineOrdered:
    """What an admin wants of it."""
    return QuarantineOrdered(**NAMED, order=order, until=until)


def request(number: int, **fields: Any) -> RequestReceived:
    """One of many of the same user."""
    named = {"request_id": f"r-{number}", "idempotency_key": f"k-{number}", "origin": f"t/0/{number}"}
    return replace(REQUEST, **{**named, **fields})


def aside(number: int, expires_at: int = T0 + 86_400_000) -> RequestQuarantined:
    """One that a recipient task diverted."""
    return RequestQuarantined(request=request(number), expires_at=expires_at)
