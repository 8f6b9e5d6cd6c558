"""Reference data: topic `reference`, key `<kind>:<name>`, JSON; the higher version of a key wins."""

from __future__ import annotations

from typing import Any

from schemas.records.root import Record

LONGEST_TTL_S = 30 * 86_400
"""Of a notification type: how long a message may wait bounds how long must be remembered what forbids it."""


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
    allowed_senders: list[str] = []  # empty: anyone; `topic:<name>`: whoever may write there
    fallback_after_s: int | None = None  # a reserve channel for what nobody saw by then (SEEN-OP-01)
    quiet_hours: str | None = None  # `22:00-09:00` where the user is, unless he chose others
    version: int = 1
    domestic_only: bool = False  # foreign providers never get it (NS-SEC-OP-08)


class Template(Record, frozen=True, kw_only=True):
    """A template of one channel and language (NS-DATA-010…022). `variables`: name → its form.

    `parts`: layouts and partials it uses, by name, with `body` and `body_text` as they were when this version
    was written. So a version is all that is needed to render it, and its text never changes.
    """

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
    parts: dict[str, dict[str, Any]] = {}


class Rule(Record, frozen=True, kw_only=True):
    """Maps an event to a notification type (NS-SND-OP-03). `data`: variable → path in the event's data."""

    topic: str
    event_type: str
    notification_type: str
    priority: str | None = None
    data: dict[str, str] = {}
    version: int = 1


class Provider(Record, frozen=True, kw_only=True):
    """A provider of one channel (NS-DATA-120…128).

    Higher `priority` first, on some channels then domestic ones, then lower cost, then name. Those of the
    same place that have a `weight` come before and share messages by it. `cost` says the place only;
    `cost_per_message` says it, too, and what is recorded.
    """

    name: str
    channel_type: str
    kind: str  # registry name of the connector, as in docs/providers.md
    config: dict[str, Any] = {}
    is_active: bool = True
    priority: int = 0
    rate_limit: int | None = None
    cost: float = 0.0
    version: int = 1
    platforms: list[str] = []  # of push: whose tokens it takes; empty: those of its kind (`SERVED`)
    weight: int | None = None
    region: str | None = None  # None: that of its kind (`REGIONS`), if that has one
    cost_per_message: str | None = None  # decimal; of a text message for each segment. None: not known


class SpendingBudget(Record, frozen=True, kw_only=True):
    """What may be spent of one scope (`schemas.budgets`); beyond it only mandatory types pass (NS-OPS-OP-12).

    Decimal amounts; None: no limit. Days and months are of UTC.
    """

    of: str
    per_day: str | None = None
    per_month: str | None = None
    in_all: str | None = None
    version: int = 1


class SeenDestination(Record, frozen=True, kw_only=True):
    """Where facts of a tag go, in full (SEEN-OP-15). `name`: of its lane and of its label in metrics.

    The rest of the fields is for `api`: so many calls of one task at a time, given up after `max_attempts`.
    """

    kind: str  # api | topic
    name: str
    url: str | None = None
    topic: str | None = None
    event_types: list[str] = []  # empty: every type
    timeout_ms: int = 10_000
    max_attempts: int | None = None
    in_flight: int = 8
    auth_header: str | None = None  # of every call; its value is the secret of that name in the settings
    auth_secret: str | None = None


class SeenTag(Record, frozen=True, kw_only=True):
    """Where facts of one tag go (SEEN-OP-15). `destinations`: topic names; `targets`: what is said in full.

    Duration in seconds. `percentage`: of the users, by a hash of their keys (SEEN-OP-21).
    """

    tag: str
    destinations: list[str]
    remember_for_s: int = 2_592_000
    is_enabled: bool = True
    percentage: int = 100
    targets: list[SeenDestination] = []
    version: int = 1


class Communication(Record, frozen=True, kw_only=True):
    """What can be published to an audience (AUD-OP-30). `content`: its look, as its clients understand it."""

    id: str
    kind: str  # `fullscreen`, `map_object` or any other word that clients know
    content: dict[str, Any]
    version: int = 1


class AudienceFilter(Record, frozen=True, kw_only=True):
    """One entry of the filter registry (AUD-OP-20). An id never changes its meaning (AUD-075)."""

    filter_id: str
    value_type: str
    version: int = 1


class Experiment(Record, frozen=True, kw_only=True):
    """A named, stored filter expression (AUD-OP-24). `filters`: filter id → a value, or a list of them."""

    name: str
    filters: dict[str, Any]
    version: int = 1
