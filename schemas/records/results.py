"""What comes out: events, rows for Postgres, statistics."""

from __future__ import annotations

from typing import Any

from schemas.records.root import Record, Sealed


class NotificationEvent(Record, frozen=True, kw_only=True):
    """`notification.events`, JSON exactly as NS-EVT-021 and NS-EVT-OP-04."""

    event_type: str
    message_id: str
    user_id: str
    channel_type: str | None
    timestamp: str
    data: dict[str, Any]


class MessageRow(Record, frozen=True, kw_only=True):
    """Snapshot of one message for Postgres. Topic `rows`; the highest `version` of a message wins."""

    message_id: str
    version: int
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    recipient: Sealed
    payload: bytes
    status: str
    created_at: int
    updated_at: int
    expires_at: int
    attempts: int = 0
    reason: str | None = None
    detail: str | None = None
    language: str | None = None
    template: str | None = None
    template_version: int | None = None
    provider: str | None = None
    provider_message_id: str | None = None
    scheduled_at: int | None = None
    sent_at: int | None = None
    delivered_at: int | None = None
    opened_at: int | None = None
    clicked_at: int | None = None
    segments: int | None = None


class StatusLogged(Record, frozen=True, kw_only=True):
    """One line of `delivery_status_logs`. Topic `rows`; `event_id` is unique."""

    event_id: str
    message_id: str
    message_created_at: int
    status: str
    at: int
    details: bytes  # JSON


class StatsPartial(Record, frozen=True, kw_only=True):
    """Counts of one batch of one status task. Topic `stats.partials`, key = window and dimensions."""

    period: str  # minute | hour | day
    starts_at: int
    channel_type: str | None
    notification_type: str | None
    category: str | None
    provider_name: str | None
    counts: dict[str, int]


class StatsRecord(Record, frozen=True, kw_only=True):
    """`notification.stats`, JSON exactly as NS-EVT-031 and NS-EVT-OP-05."""

    period: str
    timestamp: str
    metrics: dict[str, int]
    dimensions: dict[str, str | None]


class StatsDue(Record, frozen=True, kw_only=True):
    """Timer: the record under `key` in `notification.stats` has lived its time (NS-EVT-OP-05)."""

    key: str
    due_at: int


class StatsForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for `notification.stats`: a record without a value under `key`."""

    key: str
