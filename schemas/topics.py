"""What a topic is, and the names of all topics. The list itself is `schemas.catalogue`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.words import Channel

if TYPE_CHECKING:
    from schemas.records import Record


class Partitions(StrEnum):
    """How a topic gets its partition count."""

    FOREIGN = "foreign"
    """Another service's topic: any count, keys and partitioner as they are; re-keyed by the intake."""
    TASK = "task"
    """As many as the setting says, the same for all topics of the pipeline."""
    ONE = "one"
    """Small, read whole by everyone, or written rarely."""


class Form(StrEnum):
    """How records of a topic are written."""

    JSON = "json"
    AVRO = "avro"
    RAW = "raw"
    """Dead letters: the bytes that could not be read, unchanged."""


class Use(StrEnum):
    """Whom a topic is for."""

    PUBLIC_IN = "public_in"
    PUBLIC_OUT = "public_out"
    INTERNAL = "internal"
    REFERENCE = "reference"
    DEAD_LETTERS = "dead_letters"


HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RECORD_BYTES = 1_048_576
DEAD_LETTER_ROOM = 64 * 1024
"""What reason, stack and origin of a dead letter may add to the source's record (design rule 11)."""
DLQ = ".dlq"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `key` and `about` are sentences for people; `configs` are the broker's own words."""

    name: str
    use: Use
    key: str
    records: tuple[type[Record], ...]
    about: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    form: Form = Form.AVRO
    partitions: Partitions = Partitions.TASK
    retention_ms: int | None = 7 * DAY_MS
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def configs(self) -> dict[str, str]:
        """Broker configuration at creation."""
        kept = {} if self.retention_ms is None else {"retention.ms": str(self.retention_ms)}
        return {"max.message.bytes": str(RECORD_BYTES), **kept, **self.extra}

    @property
    def is_consumed(self) -> bool:
        """A stage of ours reads it record by record: it has a dead-letter topic."""
        return self.use in {Use.PUBLIC_IN, Use.INTERNAL}


OURS = {"message.timestamp.type": "LogAppendTime"}
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}
SUBJECT_KEY = "`user:<user_id>`"
LABEL_KEY, REQUEST_KEY = "label:", "request:"
"""How keys of `audience.labels` begin."""
SEND_REQUEST = "notification.send.request"
CANCEL_REQUEST = "notification.cancel.request"
USER_EVENTS = "user.events"
PREFERENCE_CHANGES = "notification.preferences"
FACT_TOPICS = frozenset({USER_EVENTS, PREFERENCE_CHANGES})
"""Topics whose events state facts about contacts and preferences."""
EVENT_TOPICS = (
    USER_EVENTS,
    "payment.events",
    "auth.events",
    "social.events",
    "library.events",
    "download.events",
    "developer.events",
    "admin.events",
)
"""Topics of domain events by default; the list is configuration (NS-EVT-OP-01)."""

CONTACTS = "facts.contacts"
PREFERENCES = "facts.preferences"
DEVICES = "facts.devices"
SEEN = "facts.seen"
MAILBOX = "facts.mailbox"
CANCELS = "request.cancels"
OUTCOMES = "outcomes"
ROWS = "rows"
RATE_DEMANDS = "rates.demands"
RATE_GRANTS = "rates.grants"
SPENDING_COSTS = "spending.costs"
SPENDING_SUMS = "spending.sums"
FLOW_COUNTS = "flows.counts"
QUARANTINE = "request.quarantine"
ANOMALIES = "flows.anomalies"
PARTIALS = "stats.partials"
EVENTS = "notification.events"
STATS = "notification.stats"
RECEIPTS = "provider.receipts"
RECEIPTS_UNKNOWN = "receipts.unknown"
RECEIPT_COUNTS = "receipts.counts"
SEEN_UNKNOWN = "seen.unknown"
SEEN_FAILED = "seen.failed"
AUDIENCE_COMMANDS = "audience.commands"
AUDIENCE_USERS = "audience.users"
AUDIENCE_PROGRESS = "audience.progress"
AUDIENCE_ANSWERS = "audience.answers"
AUDIENCE_LABELS = "audience.labels"
AUDIENCE_UNPUBLISHED = "audience.unpublished"
AUDIENCE_STATS = "audience.stats"
CAMPAIGNS_WITHDRAWN = "campaigns.withdrawn"
LABELLED = "facts.labels"
SEEN_REDRIVEN = "seen.redriven"
SHOWN = "notification"
TAPPED = "notification.opened"
"""Reserved tags of seen facts about messages; the fact's id is the message's (GEN-OP-06)."""
REFERENCE = "reference"
KEYS = "access.keys"
AUDIT = "audit.log"
SCHEMAS = "carillon.schemas"
PROVIDED_CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PUSH)
"""Channels whose delivery stage calls providers."""
DELIVERED_CHANNELS = (*PROVIDED_CHANNELS, Channel.IN_APP)
"""Channels that have a stage; that of messages in the app is the mailbox."""


def request_topic(lane: str) -> str:
    """Where requests of a lane wait for the recipient stage."""
    return f"request.{lane}"


def channel_topic(channel: str, lane: str) -> str:
    """Where messages of a channel and lane wait for delivery."""
    return f"channel.{channel}.{lane}"


def veto_topic(channel: str) -> str:
    """Where delivery of a channel hears what must not be sent any more."""
    return f"vetoes.{channel}"


def dead_letter_topic(topic: str) -> str:
    """Where unreadable records of a topic go."""
    return f"{topic}{DLQ}"


def internal(name: str, records: tuple[type[Record], ...], about: str, ways: tuple[str, str]) -> Topic:
    """A topic between two stages, keyed by the user; `ways`: writers and readers, in words."""
    return Topic(
        name=name,
        use=Use.INTERNAL,
        key=SUBJECT_KEY,
        records=records,
        about=about,
        writers=tuple(ways[0].split()),
        readers=tuple(ways[1].split()),
        extra=OURS,
    )
