"""The seen stage: what it reads, keeps and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.forward import Queues
from agents.mark_seen import Memory, mark_seen
from connectors.reference.seen_forms import MOST_IN_FLIGHT
from schemas import records as r
from schemas import topics as t
from schemas.codec import encode, encode_json
from schemas.ids import bucket_key
from schemas.seen_figures import SeenDecided, SeenPaused, SeenTried
from schemas.words import Verdict
from streams.engine.api import Input, Route, Stage, ToCount, ToEffect
from streams.routes import timer
from streams.wiring import to
from tables.consumers import Consumer
from tables.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streams.settings import Settings
    from streams.topology import Outside
    from streams.wiring import Reading

MOST_SEEN_CALLS = 200 * MOST_IN_FLIGHT
"""Open calls of consumers' APIs in one process: two hundred that hang, each with all it may have."""


def seen_stage(settings: Settings, outside: Outside) -> Stage:
    """Facts to topics and to the APIs of consumers (agents/mark_seen.py, agents/forward.py)."""
    return Stage(
        name="seen",
        inputs=(Input(t.SEEN, outside.reading.records(r.SeenPosted, r.SeenParcel, r.FallbackAsked)),),
        agent=lambda stream, tables: mark_seen(
            stream,
            Memory(tables["seen"], Queues(tables["consumers"], tables["parcels"], outside.reference)),
        ),
        routes={
            r.SeenRouted: (to(lambda routed: routed.destination, key=seen_key, encoder=fact),),
            r.SeenCall: (seen_call(settings, outside.reading, outside.consumers.perform),),
            r.SeenDue: (timer(outside.reading, r.SeenDue, seen_due_id),),
            r.SeenFailed: (to(t.SEEN_FAILED, key=seen_key, encoder=encode_json),),
            r.MessageSeen: (to(t.OUTCOMES),),
            r.FallbackAsked: (to(t.OUTCOMES),),
            r.CommunicationSeen: seen_of_labels(settings),
            SeenDecided: (ToCount(outside.figures.decided),),
            SeenTried: (ToCount(outside.figures.tried),),
            SeenPaused: (ToCount(outside.figures.paused),),
        },
        tables=(
            outside.reading.table("seen", 1, Seen),
            outside.reading.table("consumers", 2, Consumer),
            outside.reading.table("parcels", 3, r.SeenParcel),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def seen_of_labels(settings: Settings) -> tuple[Route, ...]:
    """To the members; nowhere while workers run that do not know the record."""
    told = to(t.LABELLED, key=lambda seen: bucket_key(seen.bucket))
    return (told,) if settings.audience.remember_seen else ()


def seen_call(
    settings: Settings, reading: Reading, perform: Callable[[r.SeenCall], Awaitable[r.SeenCallEnded]]
) -> ToEffect:
    """A call of a consumer's API. How many of one consumer are open, and which, `tables.consumers` decides.

    So the engine's own limits, at which all inputs of a task would pause, lie far above.
    """
    return ToEffect(
        id=lambda call: f"{_seen_id(call.parcel)}/{call.parcel.calls}".encode(),
        key=lambda call: f"{_seen_id(call.parcel)}/{call.parcel.calls}".encode(),
        encode=encode,
        decode=reading.records(r.SeenCall),
        perform=perform,
        hidden=lambda call: r.SeenCallEnded(call=call, verdict=Verdict.HIDDEN),
        lapsed=lambda call: r.SeenCallEnded(call=call, verdict=Verdict.LAPSED),
        limit=MOST_SEEN_CALLS,
        at_once=MOST_SEEN_CALLS,
        intent_ttl_s=settings.engine.intent_ttl_ms / 1000,
    )


def seen_due_id(due: r.SeenDue) -> str:
    """One timer of each parcel, and one of each queue, per time."""
    return f"{due.tag}/{due.destination}" if due.parcel is None else _seen_id(due.parcel)


def _seen_id(parcel: r.SeenParcel) -> str:
    return f"{parcel.origin}/{parcel.destination}"


def seen_key(routed: r.SeenRouted | r.SeenFailed) -> bytes | None:
    """The user who saw it, if he is known."""
    return None if routed.user_key is None else routed.user_key.encode()


def fact(routed: r.SeenRouted) -> bytes:
    """The JSON of a seen fact."""
    return encode_json(routed.fact)
