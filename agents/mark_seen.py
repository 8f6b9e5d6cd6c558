"""The seen stage: pass each display fact to every destination of its tag, once while it is remembered.

consumes  facts.seen (SeenPosted; SeenParcel when redriven; FallbackAsked), key = user key; results of calls,
          timers
keeps     seen: what was passed on, for the tag's `remember_for` (SEEN-OP-04, SEEN-OP-14)
          consumers, parcels: what each API has open and what waits for it (agents/forward.py)
emits     SeenRouted (a topic; seen.unknown for a tag nobody configured, SEEN-OP-08), SeenCall (effect),
          SeenDue (timer), SeenFailed, and figures; MessageSeen for a user's fact under a reserved tag
          (GEN-OP-06), and FallbackAsked behind all of those that came before it; CommunicationSeen
          (facts.labels, agents/name_viewers.py)

A disabled tag, and a user outside its percentage, yields and remembers nothing (SEEN-OP-21). A fact without
a user key is never a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, assert_never

from msgspec.structs import replace

from agents.forward import Forwarding, Outcome
from agents.name_viewers import viewers
from schemas.ids import derived
from schemas.records import (
    CommunicationSeen,
    FallbackAsked,
    MessageSeen,
    SeenCallEnded,
    SeenDue,
    SeenFact,
    SeenParcel,
    SeenPosted,
    SeenRouted,
    SeenTag,
)
from schemas.seen_figures import UNKNOWN, Decision, Result, SeenDecided, SeenTried
from schemas.seen_words import DestinationKind, SeenKind
from schemas.times import rfc3339
from schemas.topics import DAY_MS, SEEN_UNKNOWN, SHOWN, TAPPED
from tables.seen import Seen, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agents.forward import Queues
    from agents.ports import Event, Stream, Table

    Outcomes = Iterator["Given"]

Given = Outcome | SeenRouted | SeenDecided | MessageSeen | FallbackAsked | CommunicationSeen
Input = SeenPosted | SeenParcel | SeenDue | SeenCallEnded | FallbackAsked
LONGEST_PATIENCE_MS = 7 * DAY_MS
FIELDS: dict[str, dict[str, Any]] = {
    "client": {"user_id": None, "uid": None, "bound_uids": [], "phone_id": None},
    "driver": {"db_id": None, "uuid": None},
}


@dataclass(frozen=True, slots=True)
class Memory:
    """The tables of one task; `queues` has the reference data, too."""

    seen: Table[bytes, Seen]
    queues: Queues


async def mark_seen(stream: Stream, memory: Memory) -> AsyncIterator[Given]:
    """One batch of one seen task."""
    async for event in stream:
        named = _destination_of(event.value)
        if named is not None and memory.queues.target(*named) is None:
            await memory.queues.reference.find_tag(named[0])  # a worker that lags behind gives up no queue
        for outcome in _outcomes(event, stream.now, memory):
            yield outcome


def _outcomes(event: Event, now: int, memory: Memory) -> Outcomes:
    queues = memory.queues
    value: Input = event.value
    match value:
        case SeenPosted():
            yield from _posted(value, event, now, memory)
        case SeenParcel():
            forwarding = Forwarding(queues, value.fact.tag, value.destination, now)
            yield from forwarding.accept(_again(value, event, queues.reference.tag(value.fact.tag), now))
        case SeenDue():
            forwarding = Forwarding(queues, value.tag, value.destination, now)
            yield from forwarding.go_on() if value.parcel is None else forwarding.come_back(value.parcel)
        case SeenCallEnded():
            parcel = value.call.parcel
            yield from Forwarding(queues, parcel.fact.tag, parcel.destination, now).settle(value)
        case FallbackAsked():
            yield value
        case _:
            assert_never(value)


def _destination_of(value: Input) -> tuple[str, str] | None:
    """Tag and destination of what was passed on already."""
    match value:
        case SeenDue():
            return value.tag, value.destination
        case SeenParcel():
            return value.fact.tag, value.destination
        case SeenCallEnded():
            return value.call.parcel.fact.tag, value.call.parcel.destination
        case SeenPosted() | FallbackAsked():
            return None
        case _:
            assert_never(value)


def _posted(posted: SeenPosted, event: Event, now: int, memory: Memory) -> Outcomes:
    seen, queues = memory.seen, memory.queues
    tag, key = queues.reference.tag(posted.tag), key_of(posted)
    receipt = receipt_of(posted)
    if receipt is not None:
        yield receipt
        if tag is None:
            yield SeenDecided(posted.tag, Decision.RECEIPT)
            return
    decision = decide(posted, tag, seen.get(key) if key else None, event.origin)
    yield SeenDecided(posted.tag if tag else UNKNOWN, decision)
    yield from viewers(posted, tag)
    if tag is None:
        yield SeenRouted(destination=SEEN_UNKNOWN, fact=fact_of(posted), user_key=posted.user_key)
    elif decision is Decision.PASSED:
        if key:
            mark = Seen(seen_at=posted.seen_at, received_at=posted.received_at)
            seen.put(key, mark, expires_at=posted.received_at + tag.remember_for_s * 1000)
        yield from _to_topics(posted, tag, now)
        for parcel in parcels(posted, tag, event, now):
            yield from Forwarding(queues, tag.tag, parcel.destination, now).accept(parcel)


def receipt_of(posted: SeenPosted) -> MessageSeen | None:
    """What a user saw of a message of his; nobody else can say so (GEN-OP-06)."""
    user_id = posted.user.get("user_id")
    if posted.tag not in {SHOWN, TAPPED} or posted.kind != SeenKind.CLIENT or not isinstance(user_id, str):
        return None
    return MessageSeen(message_id=posted.id, user_id=user_id, tag=posted.tag, seen_at=posted.seen_at)


def decide(posted: SeenPosted, tag: SeenTag | None, before: Seen | None, origin: str) -> Decision:
    """Whether the fact is passed on. `before`: the same one, if it is remembered."""
    if tag is None:
        return Decision.UNKNOWN
    if not tag.is_enabled:
        return Decision.DISABLED
    if not is_within(tag.percentage, posted.user_key or origin):
        return Decision.LEFT_OUT
    return Decision.PASSED if before is None else Decision.REPEATED


def is_within(percentage: int, user_key: str) -> bool:
    """Whether this user is one of so many per cent; who is, stays so when there are more (SEEN-OP-21)."""
    return int.from_bytes(blake2b(user_key.encode(), digest_size=8).digest(), "big") % 100 < percentage


def _to_topics(posted: SeenPosted, tag: SeenTag, now: int) -> Outcomes:
    named = [(name, name) for name in tag.destinations]
    named += [
        (each.name, each.topic or "") for each in tag.targets if _wants(each, posted, DestinationKind.TOPIC)
    ]
    for name, topic in named:
        yield SeenRouted(destination=topic, fact=fact_of(posted), user_key=posted.user_key)
        yield SeenTried(tag.tag, name, Result.OK, max(now - posted.received_at, 0))


def parcels(posted: SeenPosted, tag: SeenTag, event: Event, now: int) -> list[SeenParcel]:
    """One for each API of the tag that takes this type of event."""
    traceparent = event.headers.get("traceparent")
    same_fact = str(posted.received_at) if posted.user_key else event.origin
    return [
        SeenParcel(
            fact=fact_of(posted),
            fact_id=derived("seen", posted.kind, posted.user_key or "", posted.tag, posted.id, same_fact),
            destination=target.name,
            origin=event.origin,
            received_at=posted.received_at,
            give_up_at=now + _patience_ms(tag),
            user_key=posted.user_key,
            traceparent=None if traceparent is None else traceparent.decode("ascii", "replace"),
        )
        for target in tag.targets
        if _wants(target, posted, DestinationKind.API)
    ]


def _wants(target: Any, posted: SeenPosted, kind: DestinationKind) -> bool:
    return target.kind == kind and (not target.event_types or posted.kind in target.event_types)


def _again(parcel: SeenParcel, event: Event, tag: SeenTag | None, now: int) -> SeenParcel:
    """A fact that was given up, sent again by a person: it begins anew."""
    give_up_at = now + (LONGEST_PATIENCE_MS if tag is None else _patience_ms(tag))
    return replace(parcel, origin=event.origin, attempts=0, calls=0, give_up_at=give_up_at, is_redriven=True)


def _patience_ms(tag: SeenTag) -> int:
    return min(tag.remember_for_s * 1000, LONGEST_PATIENCE_MS)


def fact_of(posted: SeenPosted) -> SeenFact:
    """The one envelope of APIs and topics (SEEN-OP-10)."""
    known = FIELDS.get(posted.kind)
    return SeenFact(
        event_type=posted.kind,
        tag=posted.tag,
        id=posted.id,
        seen_at=rfc3339(posted.seen_at),
        user=None if known is None else {name: posted.user.get(name, blank) for name, blank in known.items()},
    )
