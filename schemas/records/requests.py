"""Requests and facts: what others write, what the intake makes of it, how a request ends."""

from __future__ import annotations

from typing import Any

from schemas.records.preferences import QuietHours
from schemas.records.root import Record, Sealed


class SendRequest(Record, frozen=True, kw_only=True):
    """`notification.send.request` (NS-EVT-002), with the optional fields of NS-SND-OP-01 and NS-SND-OP-04."""

    user_id: str
    notification_type: str
    idempotency_key: str
    data: dict[str, Any] = {}
    priority: str | None = None
    language: str | None = None
    scheduled_at: str | None = None
    channels: list[str] | None = None  # of the channels it would take, only these (NS-API-OP-16)
    campaign_label: str | None = None  # what statistics tell it apart by


class CancelRequest(Record, frozen=True, kw_only=True):
    """`notification.cancel.request`: take a request back that waits. The header `source` is its sender's."""

    request_id: str
    user_id: str


class DomainEvent(Record, frozen=True, kw_only=True):
    """`user.events`, `payment.events` and the other event topics (NS-EVT-004, NS-EVT-006)."""

    event_type: str
    user_id: str
    data: dict[str, Any] = {}


class RequestReceived(Record, frozen=True, kw_only=True):
    """A request to notify one user. Topic `request.<lane>`, key = subject key `user:<user_id>`."""

    request_id: str
    source: str
    idempotency_key: str
    user_id: str
    notification_type: str
    lane: str
    data: bytes  # JSON object; values of secret variables are sealed as {"$sealed": "<base64>"}
    received_at: int
    occurred_at: int
    scheduled_at: int | None = None
    language: str | None = None
    origin: str = ""  # topic/partition/offset it came from
    rule: str | None = None  # the rule that mapped a domain event
    problem: str | None = None  # a Reason that intake already knows (unmapped_event, invalid_time)
    channels: list[str] | None = None  # of the channels it would take, only these
    campaign_label: str | None = None


class CancelAsked(Record, frozen=True, kw_only=True):
    """Somebody takes his own request back. Topic `request.cancels`, key as of the request."""

    request_id: str
    source: str  # a request of another source is not his to cancel
    user_id: str
    asked_at: int
    received_at: int
    origin: str = ""


class Device(Record, frozen=True, kw_only=True):
    """One push address of a user."""

    token: Sealed
    platform: str


class ContactChanged(Record, frozen=True, kw_only=True):
    """Contact data of a user as of an event. Topic `facts.contacts`. None = unchanged, empty = removed."""

    user_id: str
    action: str  # registered | updated | deleted
    changed_at: int
    email: Sealed | None = None
    phone: Sealed | None = None
    devices: list[Device] | None = None
    language: str | None = None
    timezone: str | None = None
    known_as: list[str] = []  # of a deletion: his names in audiences, `<id_type>:<id>`
    is_demanded: bool = False  # of a deletion: an operator's, who means all that is known
    confirmed: list[str] = []  # channels whose address takes messages again, whatever bounced before


class PreferenceChanged(Record, frozen=True, kw_only=True):
    """One choice of a user. Topic `facts.preferences`.

    kind: `type` (notification_type, channels, is_enabled), `unsubscribed` / `resubscribed` (channel or
    `all_marketing`), `consent_granted` / `consent_revoked` (purpose, channel or None for every channel),
    `quiet_hours_changed` (quiet; None: as the types have it).
    """

    user_id: str
    kind: str
    changed_at: int
    notification_type: str | None = None
    channels: list[str] = []
    is_enabled: bool = True
    channel: str | None = None
    purpose: str | None = None
    reason: str | None = None  # of an unsubscribe; of the others their source
    text_version: str | None = None  # of what a consent was given to
    quiet: QuietHours | None = None
    campaign: str | None = None  # whose message an unsubscribe answers


class RequestDue(Record, frozen=True, kw_only=True):
    """Timer: look at this request again at `due_at` (`scheduled`, `contact`, `quiet_hours`)."""

    request: RequestReceived
    due_at: int
    waited_for: str


class RequestDecided(Record, frozen=True, kw_only=True):
    """How a request ended and what decided it. Topic `outcomes`; one row of `notification_requests`."""

    request_id: str
    source: str
    idempotency_key: str
    user_id: str
    notification_type: str
    category: str | None
    lane: str
    received_at: int
    decided_at: int
    outcome: str
    reason: str | None = None
    rule: str | None = None  # name of the deciding rule, e.g. `preferences.global_unsubscribe`
    value: str | None = None  # the value that decided, e.g. `all_marketing`, or the first request's id
    origin: str = ""
    channels: list[str] = []  # channels that got a message
    campaign_id: str | None = None
    campaign_label: str | None = None
