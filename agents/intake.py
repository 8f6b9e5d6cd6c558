"""The intake stage: everything foreign is validated, mapped, re-keyed by user and split into lanes.

consumes  notification.send.request (SendRequest), notification.cancel.request (CancelRequest), event topics
          (DomainEvent), provider.receipts (ReceiptsRead, ReceiptsAsked)
keeps     nothing
emits     RequestReceived, CancelAsked, ContactChanged, PreferenceChanged, DeviceChanged, RequestDecided (of
          an event that nobody maps), ReceiptHeard, ReceiptsLeft (counted only), and ReceiptsAsked behind the
          receipts of all posts that came before it

Rules: NS-EVT-OP-02, NS-EVT-OP-03, NS-SND-OP-02, NS-SND-OP-03, NS-SND-OP-11, NS-CH-OP-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents.note import Noted, note
from agents.receive import Arrival, Known, receive, receive_cancel, receive_event
from schemas.ids import derived
from schemas.receipts import ReceiptsLeft, ReceiptsRead
from schemas.records import (
    CancelAsked,
    CancelRequest,
    DomainEvent,
    ReceiptHeard,
    ReceiptsAsked,
    RequestDecided,
    RequestReceived,
    SendRequest,
)
from schemas.topics import FACT_TOPICS
from schemas.words import Lane, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Cipher, Reference, Stream

Input = SendRequest | CancelRequest | DomainEvent | ReceiptsRead | ReceiptsAsked
Taken = RequestReceived | CancelAsked | Noted | RequestDecided | ReceiptHeard | ReceiptsLeft | ReceiptsAsked


async def intake(stream: Stream, reference: Reference, cipher: Cipher) -> AsyncIterator[Taken]:
    """One batch of one intake task."""
    async for event in stream:
        arrival = Arrival(event.origin, event.at, stream.now, event.headers)
        for taken in await take(event.value, arrival, reference, cipher):
            yield taken


async def take(value: Input, arrival: Arrival, reference: Reference, cipher: Cipher) -> list[Taken]:
    """What one record becomes."""
    match value:
        case SendRequest():
            known = await know(value.notification_type, reference)
            return [receive(value, known, arrival, cipher)]
        case CancelRequest():
            return [receive_cancel(value, arrival)]
        case DomainEvent():
            return await hear(value, arrival, reference, cipher)
        case ReceiptsRead() | ReceiptsAsked():
            return reported(value)
        case _:
            assert_never(value)


def reported(value: ReceiptsRead | ReceiptsAsked) -> list[Taken]:
    """What providers said; a question goes on behind it."""
    if isinstance(value, ReceiptsAsked):
        return [value]
    return [*value.heard, ReceiptsLeft(value.provider, value.ignored, value.strangers)]


async def hear(event: DomainEvent, arrival: Arrival, reference: Reference, cipher: Cipher) -> list[Taken]:
    """The facts in an event, then the request it is mapped to; an event that is neither is skipped."""
    facts = note(event, arrival.occurred_at, reference, cipher) if arrival.topic in FACT_TOPICS else []
    rule = reference.rule(arrival.topic, event.event_type)
    if rule is not None:
        known = await know(rule.notification_type, reference)
        return [*facts, receive_event(event, rule, known, arrival, cipher)]
    return [*facts] if facts else [unmapped(event, arrival)]


async def know(code: str, reference: Reference) -> Known:
    """What is known of a type. While nothing is known of its templates, every variable may be a secret."""
    kind = reference.type(code) or await reference.find_type(code)
    if kind is None:
        return Known(None, None)
    return Known(kind, reference.secret_variables(code))


def unmapped(event: DomainEvent, arrival: Arrival) -> RequestDecided:
    """An event that no rule maps: counted and findable, nothing more (NS-SND-OP-03)."""
    return RequestDecided(
        request_id=derived("request", arrival.origin),
        source=arrival.source,
        idempotency_key=arrival.text("event_id") or arrival.text("ce_id") or arrival.origin,
        user_id=event.user_id,
        notification_type=event.event_type,
        category=None,
        lane=Lane.NORMAL,
        received_at=arrival.now,
        decided_at=arrival.now,
        outcome=Outcome.SKIPPED,
        reason=Reason.UNMAPPED_EVENT,
        rule="rules",
        value=f"{arrival.topic}/{event.event_type}",
        origin=arrival.origin,
    )
