"""The picture of the pipeline: which stage reads, keeps and writes what. Read it from top to bottom.

    others ─ intake ─► request.*, facts.* ─ recipient ─► channel.*.* ─ delivery-* ─► outcomes
    outcomes ─ status ─► notification.events, stats.partials, rows
    stats.partials ─ stats ─► notification.stats
    rows ─ sink ─► Postgres
    POST /seen ─► facts.seen ─ seen ─► seen.<destination>

`build` takes the outside as a value, so it can run twice in one process. Table numbers are part of stored
keys: never change or reuse one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents.deliver import deliver
from agents.intake import intake
from agents.mark_seen import mark_seen
from agents.recipient import recipient
from agents.settle import settle
from agents.sum_up import sum_up
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder, encode, encode_json
from schemas.inputs import decoder_of
from schemas.words import Channel, Lane, Verdict
from streams.engine.api import Input, Route, Stage, ToEffect, ToTimer
from streams.wiring import Reading, table, to
from tables.contacts import Contacts
from tables.preferences import Preferences
from tables.progress import Progress
from tables.requests import Taken
from tables.seen import Seen
from tables.totals import Totals, key_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from agents.ports import Addresses, Cipher, Reference, Renderer
    from schemas.codec import SchemaBook
    from streams.engine.api import SinkWriter
    from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything the stages need that is not a value: made in `streams/outside.py`, faked in tests."""

    reading: Reading
    book: SchemaBook
    reference: Reference
    cipher: Cipher
    renderer: Renderer
    addresses: Addresses
    perform: Callable[[r.ProviderCall], Awaitable[r.CallEnded]]
    sink: SinkWriter


CALLS_PER_TASK, KEPT_FOR_HIGH = 64, 16
"""Open provider calls of one task, and how many of them bulk leaves to high priority."""
CALLS_AT_ONCE = 24
"""Calls of one channel that one process makes at the same time: as many as SMTP keeps connections."""
DELIVERY = {channel: f"delivery-{channel}" for channel in t.DELIVERED_CHANNELS}


def build(settings: Settings, outside: Outside, events: Iterable[str] = t.EVENT_TOPICS) -> tuple[Stage, ...]:
    """All stages, in the order in which a request meets them."""
    return (
        _intake(settings, outside, events),
        _recipient(settings, outside),
        *(_delivery(settings, outside, channel) for channel in t.DELIVERED_CHANNELS),
        _status(settings, outside),
        _stats(settings, outside),
        _seen(settings, outside),
        _sink(settings, outside),
    )


def stage_names() -> tuple[str, ...]:
    """Names of all stages."""
    return ("intake", "recipient", *DELIVERY.values(), "status", "stats", "seen", "sink")


def stateful_stages() -> tuple[str, ...]:
    """Names of the stages that have a changelog."""
    return ("recipient", *DELIVERY.values(), "status", "stats", "seen")


def input_topics(stage: str) -> tuple[str, ...]:
    """Names of a stage's inputs."""
    lanes = list(Lane)
    inputs: dict[str, tuple[str, ...]] = {
        "intake": (t.SEND_REQUEST, *t.EVENT_TOPICS),
        "recipient": (t.CONTACTS, t.PREFERENCES, *(t.request_topic(lane) for lane in lanes)),
        "status": (t.OUTCOMES,),
        "stats": (t.PARTIALS,),
        "seen": (t.SEEN,),
        "sink": (t.ROWS,),
    }
    inputs.update({DELIVERY[c]: tuple(t.channel_topic(c, lane) for lane in lanes) for c in DELIVERY})
    return inputs[stage]


def _intake(settings: Settings, outside: Outside, events: Iterable[str]) -> Stage:
    read = outside.reading.of
    topics = (t.SEND_REQUEST, *events)
    return Stage(
        name="intake",
        inputs=tuple(Input(topic, read(decoder_of(topic, outside.book)), urgent=True) for topic in topics),
        agent=lambda stream, _tables: intake(stream, outside.reference, outside.cipher),
        routes={
            r.RequestReceived: (to(lambda request: t.request_topic(request.lane)),),
            r.ContactChanged: (to(t.CONTACTS),),
            r.PreferenceChanged: (to(t.PREFERENCES),),
            r.RequestDecided: (to(t.OUTCOMES),),
        },
        co_partitioned=False,
        min_interval_ms=settings.engine.interval_high_ms,
        max_batch=settings.engine.max_batch,
    )


def _recipient(settings: Settings, outside: Outside) -> Stage:
    read, engine = outside.reading.records, settings.engine
    lanes = _lanes(settings, t.request_topic, read(r.RequestReceived))
    return Stage(
        name="recipient",
        inputs=(
            Input(t.CONTACTS, read(r.ContactChanged), urgent=True),
            Input(t.PREFERENCES, read(r.PreferenceChanged), urgent=True),
            *lanes,
        ),
        agent=lambda stream, tables: recipient(
            stream, tables["requests"], tables["contacts"], tables["preferences"], outside
        ),
        routes={
            r.RequestDue: (_timer(r.RequestDue, lambda due: f"{due.request.origin}/{due.waited_for}"),),
            r.RequestDecided: (to(t.OUTCOMES, same_partition=True),),
            r.MessageQueued: (to(t.OUTCOMES, same_partition=True),),
            r.SendTask: (to(lambda task: t.channel_topic(task.channel, task.lane), same_partition=True),),
        },
        tables=(
            table("requests", 1, Taken),
            table("contacts", 2, Contacts),
            table("preferences", 3, Preferences),
        ),
        min_interval_ms=engine.interval_normal_ms,
        max_batch=engine.max_batch,
    )


def _delivery(settings: Settings, outside: Outside, channel: Channel) -> Stage:
    read = outside.reading.records(r.SendTask)
    return Stage(
        name=DELIVERY[channel],
        inputs=_lanes(settings, lambda lane: t.channel_topic(channel, lane), read),
        agent=lambda stream, _tables: deliver(stream, outside.reference),
        routes={
            r.ProviderCall: (_call(settings, outside),),
            r.RetryDue: (_timer(r.RetryDue, lambda due: due.task.message_id),),
            r.AttemptEnded: (to(t.OUTCOMES, same_partition=True),),
        },
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def _status(settings: Settings, outside: Outside) -> Stage:
    read = outside.reading.records
    return Stage(
        name="status",
        inputs=(Input(t.OUTCOMES, read(r.RequestDecided, r.MessageQueued, r.AttemptEnded)),),
        agent=lambda stream, tables: settle(stream, tables["progress"]),
        routes={
            r.RequestDecided: (to(t.ROWS, same_partition=True),),
            r.MessageRow: (to(t.ROWS, same_partition=True),),
            r.StatusLogged: (to(t.ROWS, key=lambda line: line.message_id.encode(), same_partition=True),),
            r.NotificationEvent: (to(t.EVENTS, encoder=encode_json, same_partition=True),),
            r.StatsPartial: (to(t.PARTIALS, key=_window_key),),
        },
        tables=(table("progress", 1, Progress),),
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )


def _stats(settings: Settings, outside: Outside) -> Stage:
    return Stage(
        name="stats",
        inputs=(Input(t.PARTIALS, outside.reading.records(r.StatsPartial)),),
        agent=lambda stream, tables: sum_up(stream, tables["totals"]),
        routes={
            r.StatsRecord: (to(t.STATS, key=_window_key, encoder=encode_json, same_partition=True),),
            r.StatsForgotten: (to(t.STATS, key=_forgotten_key, encoder=_nothing, same_partition=True),),
            r.StatsDue: (_timer(r.StatsDue, lambda due: due.key),),
        },
        tables=(table("totals", 1, Totals),),
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )


def _seen(settings: Settings, outside: Outside) -> Stage:
    return Stage(
        name="seen",
        inputs=(Input(t.SEEN, outside.reading.records(r.SeenPosted)),),
        agent=lambda stream, tables: mark_seen(stream, outside.reference, tables["seen"]),
        routes={r.SeenRouted: (to(lambda routed: routed.destination, key=_seen_key, encoder=_fact),)},
        tables=(table("seen", 1, Seen),),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def _sink(settings: Settings, outside: Outside) -> Stage:
    read = outside.reading.records
    return Stage(
        name="sink",
        inputs=(Input(t.ROWS, read(r.RequestDecided, r.MessageRow, r.StatusLogged)),),
        sink=outside.sink,
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )


# ---- the parts that stages share ----


def _lanes(
    settings: Settings, topic: Callable[[Lane], str], decode: Callable[[bytes], object]
) -> tuple[Input, ...]:
    engine = settings.engine
    intervals = {
        Lane.HIGH: engine.interval_high_ms,
        Lane.NORMAL: engine.interval_normal_ms,
        Lane.LOW: engine.interval_slow_ms,
    }
    return tuple(
        Input(
            topic(lane),
            decode,
            lane=place,
            min_interval_ms=intervals[lane],
            urgent=lane is Lane.HIGH,
        )
        for place, lane in enumerate(Lane)
    )


def _timer(kind: type, timer_id: Callable[[Any], str]) -> Route:
    return ToTimer(lambda due: timer_id(due).encode(), lambda due: due.due_at, encode, Decoder(kind))


def _call(settings: Settings, outside: Outside) -> ToEffect:
    """A provider call; one in flight per user and lane, which keeps their order.

    `hidden` after a crash, `lapsed` when never begun.
    """
    return ToEffect(
        id=lambda call: _call_id(call).encode(),
        key=lambda call: f"{call.task.lane}/{call.task.user_id}".encode(),
        encode=encode,
        decode=Decoder(r.ProviderCall),
        perform=outside.perform,
        hidden=lambda call: r.CallEnded(call=call, verdict=Verdict.HIDDEN),
        lapsed=lambda call: r.CallEnded(call=call, verdict=Verdict.LAPSED),
        urgent=lambda call: call.task.lane == Lane.HIGH,
        limit=CALLS_PER_TASK,
        kept=KEPT_FOR_HIGH,
        at_once=CALLS_AT_ONCE,
        intent_ttl_s=settings.engine.intent_ttl_ms / 1000,
    )


def _call_id(call: r.ProviderCall) -> str:
    task = call.task
    return f"{task.message_id}/{task.attempt}/{task.epoch}/{task.waits}/{call.provider}/{int(call.ask)}"


def _window_key(found: r.StatsPartial | r.StatsRecord) -> bytes:
    return key_of(found).encode()


def _forgotten_key(forgotten: r.StatsForgotten) -> bytes:
    return forgotten.key.encode()


def _nothing(_record: object) -> None:
    return None


def _seen_key(routed: r.SeenRouted) -> bytes | None:
    return None if routed.user_key is None else routed.user_key.encode()


def _fact(routed: r.SeenRouted) -> bytes:
    return encode_json(routed.fact)
