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
    campaign_id: str | None = None
    campaign_label: str | None = None
    variant: str | None = None
    is_test: bool = False
    counted: str = "[]"  # JSON: what statistics count of it, [metric, at, provider] each
    cost: int | None = None  # in millionths; None: not known


class Unsubscribed(Record, frozen=True, kw_only=True):
    """A user left a channel, or all marketing, that he was not off before. Topic `outcomes`."""

    event_id: str
    user_id: str
    channel: str  # or `all_marketing`
    at: int
    reason: str | None = None
    campaign: str | None = None  # whose message it answers


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
    campaign_id: str | None = None
    campaign_label: str | None = None
    variant: str | None = None


class StatsRecord(Record, frozen=True, kw_only=True):
    """`notification.stats`, JSON exactly as NS-EVT-031 and NS-EVT-OP-05."""

    period: str
    timestamp: str
    metrics: dict[str, int]
    dimensions: dict[str, str | None]


class StatsRow(Record, frozen=True, kw_only=True):
    """One hour and set of dimensions for Postgres. Topic `rows`; the highest `version` of a bucket wins."""

    bucket_id: str
    version: int
    starts_at: int
    channel_type: str | None
    notification_type: str | None
    category: str | None
    campaign_id: str | None
    campaign_label: str | None
    variant: str | None
    provider_name: str | None
    counts: dict[str, int]


class StatsDue(Record, frozen=True, kw_only=True):
    """Timer: the record under `key` in `notification.stats` has lived its time (NS-EVT-OP-05).

    `is_of_label`: in `audience.stats`.
    """

    key: str
    due_at: int
    is_of_label: bool = False


class StatsForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for `notification.stats`: a record without a value under `key`."""

    key: str


class LabelPartial(Record, frozen=True, kw_only=True):
    """Counts of one batch of one members task. Topic `stats.partials`, key = window and label.

    Campaign and communication follow from the label; None where nobody said them.
    """

    period: str  # minute | hour | day
    starts_at: int
    audience_label: str
    campaign_label: str | None
    communication_id: str | None
    counts: dict[str, int]


class LabelStats(Record, frozen=True, kw_only=True):
    """`audience.stats`, JSON: users of a label in a window, in the form of `notification.stats`."""

    period: str
    timestamp: str
    metrics: dict[str, int]
    dimensions: dict[str, str | None]


class LabelStatsForgotten(Record, frozen=True, kw_only=True):
    """Tombstone for `audience.stats`: a record without a value under `key`."""

    key: str
