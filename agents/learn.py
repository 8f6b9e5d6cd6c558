"""How a record about a message becomes a fact of its progress, and a line of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from agents.report import RETRYING
from schemas.ids import derived
from schemas.money import text_of
from schemas.receipts import LOGGED as LOGGED_RECEIPTS
from schemas.records import AttemptEnded, MessageQueued, StatusLogged
from schemas.topics import SHOWN
from schemas.words import Channel, Status
from tables.progress import LATE_MS, Progress
from tables.standing import Fact

if TYPE_CHECKING:
    from typing import Any

    from schemas.records import MessageSeen


LOGGED = frozenset({RETRYING, *LOGGED_RECEIPTS})
"""Words of the log that move no status."""


def fact_of(value: MessageQueued | AttemptEnded, received_at: int) -> Fact:
    """The fact in one form. A time in the future or before the message counts as the receive time."""
    if isinstance(value, MessageQueued):
        at = min(value.created_at, received_at)
        return Fact(
            event_id=derived("queued", value.message_id),
            status=Status(value.status),
            at=at,
            late_at=_late(at, received_at),
            heard_at=received_at,
            reason=value.reason,
            detail=value.detail,
        )
    at = value.at if value.created_at <= value.at <= received_at else received_at
    return Fact(
        event_id=value.event_id,
        status=Status.PENDING if value.status in LOGGED else Status(value.status),
        at=at,
        late_at=_late(at, received_at),
        heard_at=received_at,
        attempt=value.attempt,
        reason=value.reason,
        detail=value.detail,
        provider=value.provider,
        provider_message_id=value.provider_message_id,
        cost=value.cost,
    )


def receipt_of(seen: MessageSeen, known: Progress | None) -> AttemptEnded | None:
    """What a seen fact says about a message (GEN-OP-06); None when its user has no such message.

    Shown is delivered, in the app opened; tapped is opened. The provider is the one that sent it.
    """
    if known is None or not known.is_complete or known.queued.user_id != seen.user_id:
        return None
    sent, is_shown = (
        known.facts.get(Status.SENT),
        seen.tag == SHOWN and known.queued.channel != Channel.IN_APP,
    )
    return replace(
        unattempted(known.queued),
        event_id=derived("seen", seen.message_id, seen.tag),
        status=Status.DELIVERED if is_shown else Status.OPENED,
        at=seen.seen_at,
        detail=f"seen as {seen.tag}",
        provider=sent.provider if sent else None,
    )


def unattempted(queued: MessageQueued) -> AttemptEnded:
    """A fact about a message that is not of an attempt."""
    return AttemptEnded(
        event_id="",
        message_id=queued.message_id,
        request_id=queued.request_id,
        user_id=queued.user_id,
        channel=queued.channel,
        lane=queued.lane,
        notification_type=queued.notification_type,
        category=queued.category,
        source=queued.source,
        idempotency_key=queued.idempotency_key,
        created_at=queued.created_at,
        status=Status.PENDING,
        at=queued.created_at,
        attempt=0,
        epoch=0,
    )


def learn(before: Progress | None, value: MessageQueued | AttemptEnded) -> Progress:
    """The state with its row part: the message itself, or a stub until it is known."""
    if isinstance(value, AttemptEnded):
        return before or Progress(queued=_stub(value), is_complete=False)
    if before is None:
        return Progress(queued=value, is_complete=True)
    return before if before.is_complete else before.complete(value)


def logged(value: MessageQueued | AttemptEnded, fact: Fact) -> StatusLogged:
    """The line of the log; it keeps every fact, those too that move no status."""
    return StatusLogged(
        event_id=fact.event_id,
        message_id=value.message_id,
        message_created_at=value.created_at,
        status=value.status,
        at=fact.at,
        details=msgspec.json.encode(_details(value, fact)),
    )


def _details(value: MessageQueued | AttemptEnded, fact: Fact) -> dict[str, Any]:
    told = {
        "attempt": fact.attempt or None,
        "epoch": value.epoch if isinstance(value, AttemptEnded) else None,
        "reason": fact.reason,
        "detail": fact.detail,
        "provider": fact.provider,
        "provider_message_id": fact.provider_message_id,
        "cost": None if fact.cost is None else text_of(fact.cost),
    }
    return {name: text for name, text in told.items() if text is not None}


def _stub(ended: AttemptEnded) -> MessageQueued:
    return MessageQueued(
        message_id=ended.message_id,
        request_id=ended.request_id,
        user_id=ended.user_id,
        channel=ended.channel,
        lane=ended.lane,
        notification_type=ended.notification_type,
        category=ended.category,
        source=ended.source,
        idempotency_key=ended.idempotency_key,
        recipient=b"",
        payload=b"{}",
        created_at=ended.created_at,
        expires_at=ended.created_at,
        is_awaited=True,  # unknown: whoever looks finds out
    )


def _late(at: int, received_at: int) -> int | None:
    return received_at if received_at - at > LATE_MS else None
