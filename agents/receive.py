"""A send request or a mapped event becomes a request to notify one user.

consumes  SendRequest, CancelRequest, DomainEvent with its rule; what the record's headers and position say
keeps     nothing
emits     RequestReceived, CancelAsked
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from agents.conceal import ADDRESS_FIELDS, conceal
from schemas.ids import derived
from schemas.records import (
    CancelAsked,
    CancelRequest,
    DomainEvent,
    NotificationType,
    RequestReceived,
    Rule,
    SendRequest,
)
from schemas.times import parse_rfc3339
from schemas.words import Category, Lane, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.ports import Cipher

FARTHEST_MS = 90 * 86_400_000
"""How far ahead a request may be scheduled (NS-SND-OP-01)."""
WRONG_CLOCK_MS = 600_000
"""So far may the clocks of a producer and of a worker disagree."""
LONGEST_HEADER = 255
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class Arrival(msgspec.Struct, frozen=True):
    """The record around a value. Times in ms; `now` is the batch's clock."""

    origin: str
    at: int
    now: int
    headers: Mapping[str, bytes]

    @property
    def topic(self) -> str:
        """The topic the record came from."""
        return self.origin.rsplit("/", 2)[0]

    @property
    def source(self) -> str:
        """The producing service as it calls itself, else the topic (NS-SEC-OP-06)."""
        return self.text("source") or self.text("ce_source") or self.topic

    @property
    def occurred_at(self) -> int:
        """When it happened: the header, unless unreadable or in the future; else the record's time.

        A little future is a wrong clock, perhaps this worker's own: taken back to `now`, a newer choice of a
        user would count as older than one that another worker has read.
        """
        try:
            at = parse_rfc3339(self.text("occurred_at") or self.text("ce_time") or "")
        except ValueError:
            at = self.at
        latest = self.now + WRONG_CLOCK_MS
        return next((each for each in (at, self.at) if 0 < each <= latest), self.now)

    def text(self, name: str) -> str | None:
        """A header as text; None when absent, empty, too long or not printable."""
        raw = self.headers.get(name)
        if not raw or len(raw) > LONGEST_HEADER:
            return None
        text = raw.decode("utf-8", "replace")
        return text if text.isprintable() and "\ufffd" not in text else None


class Known(msgspec.Struct, frozen=True):
    """What is known of a type. `secret`: variables to seal; None, while its templates are unknown: all."""

    kind: NotificationType | None
    secret: frozenset[str] | None


def receive(asked: SendRequest, known: Known, arrival: Arrival, cipher: Cipher) -> RequestReceived:
    """Of a send request. Its header `request_id` is kept: whoever asked knows it by that id."""
    scheduled_at, problem = schedule(asked.scheduled_at, arrival.now)
    given = arrival.text("request_id")
    is_id = given is not None and _UUID.fullmatch(given) is not None
    return RequestReceived(
        request_id=given.lower() if given and is_id else derived("request", arrival.origin),
        source=arrival.source,
        idempotency_key=asked.idempotency_key,
        user_id=asked.user_id,
        notification_type=asked.notification_type,
        lane=lane_of(asked.priority, known.kind),
        data=conceal(asked.data, known.secret, cipher),
        received_at=arrival.now,
        occurred_at=arrival.occurred_at,
        scheduled_at=scheduled_at,
        language=asked.language,
        origin=arrival.origin,
        problem=problem,
        channels=asked.channels,
        campaign_label=asked.campaign_label,
    )


def receive_cancel(asked: CancelRequest, arrival: Arrival) -> CancelAsked:
    """Of a cancel."""
    return CancelAsked(
        request_id=asked.request_id.lower(),
        source=arrival.source,
        user_id=asked.user_id,
        asked_at=arrival.occurred_at,
        received_at=arrival.now,
        origin=arrival.origin,
    )


def receive_event(
    event: DomainEvent, rule: Rule, known: Known, arrival: Arrival, cipher: Cipher
) -> RequestReceived:
    """Of an event and the rule that maps it (NS-SND-OP-03).

    Its id is its own: a header `request_id` of an event names the action behind it, which may cause many.
    """
    data, addresses = _mapped(event.data, rule.data)
    return RequestReceived(
        request_id=derived("request", arrival.origin),
        source=arrival.source,
        idempotency_key=arrival.text("event_id") or arrival.text("ce_id") or arrival.origin,
        user_id=event.user_id,
        notification_type=rule.notification_type,
        lane=lane_of(rule.priority, known.kind),
        data=conceal(data, None if known.secret is None else known.secret | addresses, cipher),
        received_at=arrival.now,
        occurred_at=arrival.occurred_at,
        origin=arrival.origin,
        rule=f"{rule.topic}/{rule.event_type}",
    )


def lane_of(asked: str | None, kind: NotificationType | None) -> Lane:
    """The asked lane if there is such, else the type's; advertising always takes the last (NS-SND-OP-02)."""
    if kind is not None and kind.category == Category.MARKETING:
        return Lane.LOW
    for word in (asked, kind.default_priority if kind else None):
        if word in LANES:
            return LANES[word]
    return Lane.NORMAL


LANES: Mapping[str | None, Lane] = {lane.value: lane for lane in Lane}


def schedule(text: str | None, now: int) -> tuple[int | None, Reason | None]:
    """When to send (ms), or what is wrong with the wish."""
    if text is None:
        return None, None
    try:
        at = parse_rfc3339(text)
    except ValueError:
        return None, Reason.INVALID_TIME
    return (at, None) if at <= now + FARTHEST_MS else (None, Reason.INVALID_TIME)


def _mapped(data: Mapping[str, Any], paths: Mapping[str, str]) -> tuple[Mapping[str, Any], frozenset[str]]:
    """The variables of the request, and which of them are addresses."""
    if not paths:
        return {name: value for name, value in data.items() if name not in ADDRESS_FIELDS}, frozenset()
    found = {name: _at(data, path.split(".")) for name, path in paths.items()}
    addresses = (name for name, path in paths.items() if path.split(".", 1)[0] in ADDRESS_FIELDS)
    return {name: value for name, value in found.items() if value is not None}, frozenset(addresses)


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
