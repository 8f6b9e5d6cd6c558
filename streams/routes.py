"""What stages of the pipeline have in common: lanes, timers, provider calls, keys."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from schemas import records as r
from schemas import topics as t
from schemas.account_words import Told
from schemas.codec import encode
from schemas.ids import is_message, message_hash, subject_key
from schemas.words import Lane, Verdict
from streams.engine.api import Input, Route, ToEffect, ToTimer
from tables.totals import key_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streams.settings import Settings
    from streams.wiring import Reading
    from tables.totals import Partial, Published

MOST_QUESTIONS = 4_000
HIGH_SHARE = 4
"""Of a task's open provider calls, bulk leaves one in so many to high priority."""


def lanes(
    settings: Settings, topic: Callable[[Lane], str], decode: Callable[[bytes], object], first: int = 0
) -> tuple[Input, ...]:
    """Inputs by priority; what ranks below `first` is read before them."""
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
            lane=first + place,
            min_interval_ms=intervals[lane],
            urgent=lane is Lane.HIGH,
        )
        for place, lane in enumerate(Lane)
    )


def vetoes(settings: Settings, topic: str, decode: Callable[[bytes], object]) -> Input:
    """Read before every lane, however many calls are open; a stage that never read it begins at its start."""
    interval = settings.engine.interval_high_ms
    return Input(topic, decode, min_interval_ms=interval, urgent=True, notices=True)


def timer(reading: Reading, kind: type, timer_id: Callable[[Any], str]) -> Route:
    """A record that comes back at its `due_at`."""
    return ToTimer(lambda due: timer_id(due).encode(), lambda due: due.due_at, encode, reading.records(kind))


def recipient_timer(reading: Reading) -> Route:
    """Requests that wait, devices that may be idle; and the end of either timer."""
    return ToTimer(
        lambda due: _due_id(due).encode(),
        lambda due: due.due_at,
        lambda due: None if isinstance(due, r.RequestOff | r.DevicesOff) else encode(due),
        reading.records(r.RequestDue, r.DevicesDue),
    )


def _due_id(due: r.RequestDue | r.RequestOff | r.DevicesDue | r.DevicesOff) -> str:
    if isinstance(due, r.DevicesDue | r.DevicesOff):
        return f"devices/{due.user_id}"
    origin = due.origin if isinstance(due, r.RequestOff) else due.request.origin
    return f"{origin}/{due.waited_for}"


def status_timer(reading: Reading) -> Route:
    """The timer of a wait for receipts, and its end; that of a walk for an erased user."""
    return ToTimer(
        _status_timer_id,
        lambda due: due.due_at,
        lambda due: None if isinstance(due, r.FallbackOff) else encode(due),
        reading.records(r.FallbackDue, r.ErasureDue),
    )


def _status_timer_id(due: r.FallbackDue | r.FallbackOff | r.ErasureDue) -> bytes:
    name = f"erasure/{due.user_id}/{due.asked_at}" if isinstance(due, r.ErasureDue) else due.wait_id
    return name.encode()


def planned_for(plan: r.FallbackPlanned) -> bytes:
    """The user whose messages are waited for."""
    return subject_key(plan.request.user_id)


def granted_to(granted: r.FallbackGranted) -> bytes:
    """The user who gets one more."""
    return planned_for(granted.plan)


def posted_by(asked: r.ReceiptsAsked) -> bytes:
    """The provider behind whose posts it goes: HTTP keys them by its name."""
    return asked.providers[0].encode()


def lane_of(granted: r.FallbackGranted) -> str:
    """The topic that its request came by."""
    return t.request_topic(granted.plan.request.lane)


def provider_call(
    settings: Settings,
    reading: Reading,
    perform: Callable[[r.ProviderCall], Awaitable[r.CallEnded]],
    gate: Callable[[r.ProviderCall], Awaitable[None] | None] | None = None,
) -> ToEffect:
    """A provider call; one in flight per user and lane, which keeps their order.

    A veto of its user makes one that has not begun lapse, so that `agents/heed.py` looks at it again.
    `hidden` after a crash, `lapsed` when never begun. `gate`: where it waits for its provider's rate.
    """
    return ToEffect(
        id=lambda call: _call_id(call).encode(),
        key=lambda call: f"{call.task.lane}/{call.task.user_id}".encode(),
        subject=lambda call: subject_key(call.task.user_id),
        encode=encode,
        decode=reading.records(r.ProviderCall),
        perform=perform,
        gate=gate,
        hidden=lambda call: r.CallEnded(call=call, verdict=Verdict.HIDDEN),
        lapsed=lambda call: r.CallEnded(call=call, verdict=Verdict.LAPSED),
        urgent=lambda call: call.task.lane == Lane.HIGH,
        limit=settings.engine.calls_per_task,
        kept=ceil(settings.engine.calls_per_task / HIGH_SHARE),
        at_once=settings.engine.calls_at_once,
        intent_ttl_s=settings.engine.intent_ttl_ms / 1000,
    )


def contacts_call(
    settings: Settings, reading: Reading, perform: Callable[[r.ContactsAsked], Awaitable[r.ContactsAnswered]]
) -> ToEffect:
    """A question to Account Service; one in flight per user and lane, which keeps their order.

    How many are really asked at once, and that none takes long, `connectors.accounts` sees to: the limits
    here lie so far above that a service which hangs makes no input pause.
    """
    return ToEffect(
        id=lambda call: _asked_id(call).encode(),
        key=lambda call: f"{call.request.lane}/{call.request.user_id}".encode(),
        encode=encode,
        decode=reading.records(r.ContactsAsked),
        perform=perform,
        hidden=lambda call: r.ContactsAnswered(call=call, verdict=Told.HIDDEN),
        lapsed=lambda call: r.ContactsAnswered(call=call, verdict=Told.LAPSED),
        urgent=lambda call: call.request.lane == Lane.HIGH,
        limit=MOST_QUESTIONS,
        kept=ceil(MOST_QUESTIONS / HIGH_SHARE),
        at_once=MOST_QUESTIONS,
        intent_ttl_s=settings.engine.intent_ttl_ms / 1000,
    )


def _asked_id(call: r.ContactsAsked) -> str:
    """In the order of the requests: after a crash questions come back in that of their ids."""
    request = call.request
    log, _, offset = request.origin.rpartition("/")
    return f"{request.received_at:013}/{log}/{offset:0>20}/{call.waited_for or ''}"


async def nobody_asks(call: r.ContactsAsked) -> r.ContactsAnswered:
    """Without an Account Service."""
    return r.ContactsAnswered(call=call, verdict=Told.AWAY)


def _call_id(call: r.ProviderCall) -> str:
    task = call.task
    return f"{task.message_id}/{task.attempt}/{task.epoch}/{task.waits}/{call.provider}/{int(call.ask)}"


def message_key(record: r.ReceiptHeard) -> bytes:
    """One message, of whomever."""
    return record.message_id.encode()


def message_place(record: r.ReceiptHeard) -> int:
    """The hash of its user's key, by which all that is told about it lies together."""
    return message_hash(record.message_id)


def place_again(topic: str, key: bytes | None) -> int | None:
    """The hash by which a record is written once more; None: that of its key."""
    name = "" if key is None or topic != t.OUTCOMES else key.decode("ascii", "replace")
    return message_hash(name) if is_message(name) else None


def window_key(found: Partial | Published) -> bytes:
    """One cell of the statistics."""
    return key_of(found).encode()


def bucket_key(row: r.StatsRow) -> bytes:
    """The same cell as a row."""
    return row.bucket_id.encode()


def forgotten_key(forgotten: r.StatsForgotten | r.LabelStatsForgotten) -> bytes:
    """The cell that ends."""
    return forgotten.key.encode()


def nothing(_record: object) -> None:
    """A tombstone."""
