"""What was found: rows, records and provider calls, reduced to ids and words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from examples.accounts.decide import Key


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One row of `notification_requests`."""

    request_id: str
    key: Key
    lane: str
    outcome: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One row of `notification_messages`."""

    message_id: str
    request_id: str
    channel: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """One record of a channel topic."""

    message_id: str
    key: Key
    channel: str


@dataclass(frozen=True, slots=True)
class Told:
    """One record of `notification.events`."""

    event_type: str
    message_id: str
    key: Key
    channel: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the providers' ledger. `is_taken`: the message would reach its recipient because of it."""

    message_id: str
    channel: str
    recipient: str
    verdict: str
    is_taken: bool


@dataclass(slots=True)
class Found:
    """Everything there is. `stats`: sums of the hour records by metric."""

    requests: list[RequestRow] = field(default_factory=list)
    messages: list[MessageRow] = field(default_factory=list)
    logs: Counter[tuple[str, str]] = field(default_factory=Counter)
    tasks: list[Task] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    stats: Counter[str] = field(default_factory=Counter)
    dead: Counter[tuple[str, int]] = field(default_factory=Counter)
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)


def told_of(event: dict[str, Any]) -> Told:
    """A notification event (NS-EVT-021, NS-EVT-OP-04)."""
    data = event["data"]
    return Told(
        event_type=event["event_type"].removeprefix("notification."),
        message_id=event["message_id"],
        key=(data["source"], event["user_id"], data["idempotency_key"]),
        channel=event["channel_type"],
        reason=data["reason"],
    )


def task_of(record: dict[str, Any]) -> Task:
    """A send task."""
    key = (record["source"], record["user_id"], record["idempotency_key"])
    return Task(record["message_id"], key, record["channel"])
