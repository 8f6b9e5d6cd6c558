"""Records of the topic `rows` for tests, and a database with the tables they go to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from connectors.postgres.database import Database
from connectors.postgres.migrate import migrate
from connectors.postgres.partitions import add_partitions
from schemas.ids import derived
from schemas.records import (
    AudienceLabel,
    ChosenFilter,
    LabelChanged,
    MessageRow,
    RequestDecided,
    StatusLogged,
)

NOW = 1_795_208_400_000  # 2026-11-20T21:00:00Z
USER = derived("test", "user")


@asynccontextmanager
async def migrated(dsn: str, **options: Any) -> AsyncIterator[Database]:
    """A database with all tables and the partitions around `NOW`."""
    database = Database(dsn, **options)
    try:
        await migrate(database)
        await add_partitions(database, NOW)
        yield database
    finally:
        await database.close()


def decided(n: int = 1, **fields: Any) -> RequestDecided:
    """The decision about the n-th request."""
    given = {
        "request_id": derived("request", str(n)),
        "source": "orders",
        "idempotency_key": f"key-{n}",
        "user_id": USER,
        "notification_type": "order_confirmation",
        "category": "transactional",
        "lane": "high",
        "received_at": NOW,
        "decided_at": NOW + 7,
        "outcome": "accepted",
        "origin": f"notification.send.request/0/{n}",
        "channels": ["email", "push"],
    }
    return RequestDecided(**{**given, **fields})


def message(n: int = 1, **fields: Any) -> MessageRow:
    """The first row of the n-th request's mail."""
    given = {
        "message_id": derived("message", str(n)),
        "version": 1,
        "request_id": derived("request", str(n)),
        "user_id": USER,
        "channel": "email",
        "lane": "high",
        "notification_type": "order_confirmation",
        "category": "transactional",
        "source": "orders",
        "idempotency_key": f"key-{n}",
        "recipient": b"\x01sealed",
        "payload": b'{"OrderNumber":"A-17"}',
        "status": "pending",
        "created_at": NOW + 5,
        "updated_at": NOW + 5,
        "expires_at": NOW + 86_400_000,
    }
    return MessageRow(**{**given, **fields})


def logged(n: int = 1, event: str = "queued", **fields: Any) -> StatusLogged:
    """A line about the n-th request's mail."""
    given = {
        "event_id": derived("event", str(n), event),
        "message_id": derived("message", str(n)),
        "message_created_at": NOW + 5,
        "status": "pending",
        "at": NOW + 5,
        "details": b"{}",
    }
    return StatusLogged(**{**given, **fields})


def labelled(name: str = "spring:sale", **fields: Any) -> LabelChanged:
    """The first row of a label with filters."""
    given: dict[str, Any] = {
        "campaign_label": "spring",
        "communication_id": "sale",
        "starts_at": NOW,
        "ends_at": NOW + 86_400_000,
        "published_at": NOW + 5,
        "updated_at": NOW + 5,
        "experiment_name": f"{name}.exp",
        "filters": [ChosenFilter(filter_id="city", value_type="string", values=["a"])],
        **fields,
    }
    return LabelChanged(label=AudienceLabel(audience_label=name, **given))
