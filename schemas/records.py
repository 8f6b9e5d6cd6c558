"""Every record that crosses a topic, a table or the HTTP edge, as frozen values.

Times are milliseconds since the epoch, UTC, and end in `_at`. Ids are strings. `Sealed` bytes are ciphertext
with a key id (NS-SEC-OP-01): addresses, tokens, rendered content and secret variables never stand in clear.
"""

from __future__ import annotations

from typing import Any

import msgspec

Sealed = bytes


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Root of all records: frozen, by keyword."""


# ---- what other services write (JSON, exactly as the spec gives it) ----


class SendRequest(Record, frozen=True, kw_only=True):
    """`notification.send.request` (NS-EVT-002), with the optional fields of NS-SND-OP-01 and NS-SND-OP-04."""

    user_id: str
    notification_type: str
    idempotency_key: str
    data: dict[str, Any] = {}
    priority: str | None = None
    language: str | None = None
    scheduled_at: str | None = None


class DomainEvent(Record, frozen=True, kw_only=True):
    """`user.events`, `payment.events` and the other event topics (NS-EVT-004, NS-EVT-006)."""

    event_type: str
    user_id: str
    data: dict[str, Any] = {}


# ---- intake → recipient ----


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


class PreferenceChanged(Record, frozen=True, kw_only=True):
    """One choice of a user. Topic `facts.preferences`.

    kind: `type` (notification_type, channels, is_enabled), `unsubscribed` / `resubscribed` (channel or
    `all_marketing`), `consent_granted` / `consent_revoked` (purpose, channel or None for every channel).
    """

    user_id: str
    kind: str
    changed_at: int
    notification_type: str | None = None
    channels: list[str] = []
    is_enabled: bool = True
    channel: str | None = None
    purpose: str | None = None
    reason: str | None = None


# ---- recipient → delivery, status ----


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


class MessageQueued(Record, frozen=True, kw_only=True):
    """A message exists and waits for its channel. Topic `outcomes`; the `pending` row."""

    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    recipient: Sealed
    payload: bytes  # JSON used for rendering, secret values masked as "***"
    created_at: int
    expires_at: int
    language: str | None = None
    template: str | None = None
    template_version: int | None = None
    scheduled_at: int | None = None
    status: str = (
        "pending"  # `failed` when it failed before a channel (no template, render error, bad contact)
    )
    reason: str | None = None
    detail: str | None = None


class SendTask(Record, frozen=True, kw_only=True):
    """One message for one address. Topic `channel.<channel>.<lane>`."""

    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    address: Sealed
    content: Sealed  # JSON of Content
    created_at: int
    expires_at: int
    unknown_policy: str
    max_attempts: int = 6
    attempt: int = 1  # the attempt to make next, from 1
    epoch: int = 0  # raised each time an attempt is repeated after a hidden answer
    passes: int = 0  # full passes over the providers that ended in a backoff
    waits: int = 0  # waits that spent no attempt: a provider's limit, a question without an answer
    tried: list[str] = []  # providers that failed for now in this pass
    barred: list[str] = []  # providers that refused our credentials: out for this message


class Content(Record, frozen=True, kw_only=True):
    """What a template made: the fields its channel uses."""

    body: str
    subject: str | None = None
    title: str | None = None
    body_text: str | None = None


# ---- delivery: effect, its result, timer ----


class ProviderCall(Record, frozen=True, kw_only=True):
    """The effect: hand one message to a provider. Idempotency key for the provider: `<message_id>:<epoch>`.

    With `ask` nothing is sent: the provider is asked what became of that key, and answers accepted or
    delivered, permanent (it never saw it), or temporary (ask again).
    """

    task: SendTask
    provider: str
    ask: bool = False


class CallEnded(Record, frozen=True, kw_only=True):
    """What a provider answered, or that nobody knows.

    verdict: accepted | delivered | temporary | permanent | limited | misconfigured | hidden | lapsed
    """

    call: ProviderCall
    verdict: str
    reason: str | None = None
    detail: str | None = None
    provider_message_id: str | None = None
    retry_after_ms: int | None = None


class RetryDue(Record, frozen=True, kw_only=True):
    """Timer: try this task again at `due_at`; with `ask`, put the question to that provider again instead."""

    task: SendTask
    due_at: int
    ask: str | None = None


class RequestDue(Record, frozen=True, kw_only=True):
    """Timer: look at this request again at `due_at` (`scheduled`, `contact`)."""

    request: RequestReceived
    due_at: int
    waited_for: str


class AttemptEnded(Record, frozen=True, kw_only=True):
    """A status fact about one message. Topic `outcomes`."""

    event_id: str
    message_id: str
    request_id: str
    user_id: str
    channel: str
    lane: str
    notification_type: str
    category: str
    source: str
    idempotency_key: str
    created_at: int
    status: str  # a Status, or `retrying` (logged, moves nothing)
    at: int
    attempt: int
    epoch: int
    reason: str | None = None
    detail: str | None = None
    provider: str | None = None
    provider_message_id: str | None = None


# ---- status → events, statistics, sink ----


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


# ---- seen ----


class SeenPosted(Record, frozen=True, kw_only=True):
    """A seen post as the HTTP agent took it. Topic `facts.seen`, key = user key (SEEN-OP-03, SEEN-OP-14)."""

    kind: str  # client | driver | unauthorized
    tag: str
    id: str
    seen_at: int
    received_at: int
    user: dict[str, Any] = {}
    user_key: str | None = None


class SeenFact(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What consumer services get, JSON (SEEN-OP-10). `user` is absent, not null, where there is none."""

    event_type: str
    tag: str
    id: str
    seen_at: str
    user: dict[str, Any] | None = None


class SeenRouted(Record, frozen=True, kw_only=True):
    """A fact on its way to one destination: its topic, value `fact`, key `user_key`."""

    destination: str  # a topic of the tag; `seen.unknown` for a tag nobody configured
    fact: SeenFact
    user_key: str | None = None


# ---- reference data (global tables; topic `reference`, key `<kind>:<name>`, JSON, higher version wins) ----


class NotificationType(Record, frozen=True, kw_only=True):
    """One entry of the type registry (NS-DATA-OP-01). Durations in seconds."""

    code: str
    title: str
    category: str
    default_channels: list[str]
    template_name: str
    default_priority: str = "normal"
    fallback_channels: list[str] = []
    is_mandatory: bool = False
    dedup_window_s: int = 86_400
    ttl_s: int = 86_400
    unknown_policy: str | None = None  # None: repeat, or hold for marketing
    allowed_senders: list[str] = []  # empty: anyone
    version: int = 1


class Template(Record, frozen=True, kw_only=True):
    """A template of one channel and language (NS-DATA-010…022). `variables`: name → its form."""

    name: str
    channel_type: str
    language_code: str
    body: str
    subject: str | None = None
    title: str | None = None
    body_text: str | None = None
    category: str = "transactional"
    variables: dict[str, dict[str, Any]] = {}
    version: int = 1


class Rule(Record, frozen=True, kw_only=True):
    """Maps an event to a notification type (NS-SND-OP-03). `data`: variable → path in the event's data."""

    topic: str
    event_type: str
    notification_type: str
    priority: str | None = None
    data: dict[str, str] = {}
    version: int = 1


class Provider(Record, frozen=True, kw_only=True):
    """A provider of one channel (NS-DATA-120…128). Higher `priority` first, then lower `cost`, then name."""

    name: str
    channel_type: str
    kind: str  # registry name of the connector: smtp, fake_sms, fake_push
    config: dict[str, Any] = {}
    is_active: bool = True
    priority: int = 0
    rate_limit: int | None = None
    cost: float = 0.0
    version: int = 1


class SeenTag(Record, frozen=True, kw_only=True):
    """Where facts of one tag go (SEEN-OP-15). `destinations`: topic names. Duration in seconds."""

    tag: str
    destinations: list[str]
    remember_for_s: int = 2_592_000
    is_enabled: bool = True
    version: int = 1
