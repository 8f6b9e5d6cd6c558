"""The status stage: one state per message out of all that is said about it; rows, events, statistics of it.

consumes  outcomes (RequestDecided, MessageQueued, AttemptEnded, MessageSeen, ReceiptHeard, Unsubscribed;
          FallbackPlanned, FallbackAsked, ReceiptsAsked, PersonErased), timers (FallbackDue, ErasureDue)
keeps     progress: how far each message has come; waits: who has seen nothing yet (agents/watch.py); erased:
          who was erased (agents/blank.py)
emits     MessageRow, StatusLogged, RequestDecided (rows); NotificationEvent (notification.events);
          StatsPartial (stats.partials), folded at the end of the batch; ReceiptHeard of an unknown message
          (receipts.unknown); what agents/watch.py, agents/blank.py, agents/hear.py and agents/measure.py say

Rules: NS-SND-021, NS-SND-OP-06…08, NS-STAT-001…005, NS-STAT-OP-01, NS-STAT-OP-02, GEN-OP-06.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never

import msgspec

from agents import blank
from agents.announce import announce, announce_request, announce_unsubscribe
from agents.hear import Followed, fact_in, follow, is_of
from agents.learn import fact_of, learn, logged, receipt_of
from agents.measure import measure, unjudged
from agents.tally import tally, tally_request, tally_unsubscribe
from agents.watch import Watched, fire, grant, look, plan
from schemas.punctuality import SendTimed
from schemas.receipts import LOOKS
from schemas.records import (
    AttemptEnded,
    ErasureDue,
    FallbackAsked,
    FallbackDue,
    FallbackPlanned,
    MessageQueued,
    MessageRow,
    MessageSeen,
    NotificationEvent,
    PersonErased,
    ReceiptHeard,
    ReceiptsAsked,
    RequestDecided,
    StatsPartial,
    StatusLogged,
    Unsubscribed,
)
from tables.erased import Erased
from tables.progress import KEEP_MS, Progress
from tables.waits import Wait
from tables.windows import Windows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agents.measure import Within
    from agents.ports import Event, Stream, Table
    from agents.watch import Reporting

Told = MessageRow | StatusLogged | RequestDecided | NotificationEvent
Outcome = Told | StatsPartial | Watched | PersonErased | ErasureDue | Followed | ReceiptHeard | SendTimed
Input = (
    RequestDecided
    | MessageQueued
    | AttemptEnded
    | MessageSeen
    | ReceiptHeard
    | Unsubscribed
    | FallbackPlanned
    | FallbackAsked
    | ReceiptsAsked
    | FallbackDue
    | PersonErased
    | ErasureDue
)


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    progress: Table[bytes, Progress]
    waits: Table[bytes, Wait]
    erased: Table[bytes, Erased]


def nobody(_channel: str) -> tuple[str, ...]:
    """Where no provider reports."""
    return ()


class Batch(NamedTuple):
    """What the facts of one batch are taken in with. `now`: the batch's clock, ms."""

    now: int
    memory: Memory
    windows: Windows[StatsPartial]
    reporting: Reporting
    within: Within


async def settle(
    stream: Stream, memory: Memory, reporting: Reporting = nobody, within: Within = unjudged
) -> AsyncIterator[Outcome]:
    """One batch of one status task.

    `reporting`: channel → names of providers that have a webhook; `within`: as `agents.measure.measure`.
    """
    batch = Batch(stream.now, memory, Windows(StatsPartial), reporting, within)
    async for event in stream:
        for outcome in _outcomes(event, batch):
            yield outcome
    for partial in batch.windows.partials():
        yield partial


def _outcomes(event: Event, batch: Batch) -> Iterator[Outcome]:
    value: Input = event.value
    match value:
        case RequestDecided():
            batch.windows.add(tally_request(value))
            yield (row := blank.row_of(value, batch.memory.erased))
            yield from announce_request(row)
        case MessageQueued() | AttemptEnded():
            yield from _settled(value, event.at, event.at, batch)
        case MessageSeen() | ReceiptHeard():
            yield from _reported(value, event.at, batch)
        case Unsubscribed():
            batch.windows.add(tally_unsubscribe(value, event.at))
            yield announce_unsubscribe(value)
        case FallbackPlanned() | FallbackDue() | FallbackAsked() | ReceiptsAsked():
            yield from _watched(value, batch)
        case PersonErased() | ErasureDue():
            yield from blank.erase(value, batch.memory, batch.now)
        case _:
            assert_never(value)


def _reported(value: MessageSeen | ReceiptHeard, received_at: int, batch: Batch) -> Iterator[Outcome]:
    """By a client or a provider. Neither overtakes its message, which is told before a provider has it."""
    progress, key = batch.memory.progress, value.message_id.encode()
    known = progress.get(key)
    if isinstance(value, MessageSeen):
        receipt = receipt_of(value, known)
        yield from _settled(receipt, received_at, received_at, batch) if receipt else ()
        return
    if known is None or not is_of(value, known):
        yield value
        return
    fact = fact_in(value, known)
    posted_at = value.posted_at or received_at
    told = list(_settled(fact, received_at, posted_at, batch)) if fact else []
    yield from told
    after = progress.get(key)
    if fact and told and after:
        yield from follow(value, fact_of(fact, received_at).at, after)


def _watched(
    value: FallbackPlanned | FallbackDue | FallbackAsked | ReceiptsAsked, batch: Batch
) -> list[Watched]:
    waits = batch.memory.waits
    match value:
        case FallbackPlanned():
            return list(plan(value, waits))
        case FallbackDue():
            return list(fire(value, batch.now, waits))
        case FallbackAsked() | ReceiptsAsked():
            return list(grant(value, waits, batch.reporting))
        case _:
            assert_never(value)


def _settled(
    value: MessageQueued | AttemptEnded, received_at: int, told_at: int, batch: Batch
) -> Iterator[Outcome]:
    """A fact of a message. `told_at`: when it reached us, which a stage that is behind makes no later."""
    now, memory = batch.now, batch.memory
    key = value.message_id.encode()
    before = memory.progress.get(key)
    is_erased = blank.is_erased(value.user_id, value.created_at, memory.erased)
    after, outcomes = decide(before, value, received_at, is_erased=is_erased)
    if after is before:
        return
    batch.windows.add(tally(before, after))
    last = after.told_at if value.status in LOOKS else now
    memory.progress.put(key, after, expires_at=last + KEEP_MS)
    yield from outcomes
    yield from look(after, now, memory.waits)
    if timed := measure(before, after, told_at, batch.within):
        yield timed


def decide(
    before: Progress | None,
    value: MessageQueued | AttemptEnded,
    received_at: int,
    *,
    is_erased: bool = False,
) -> tuple[Progress, list[Told]]:
    """The message's next state and what is told about it; the same object and nothing for a repeat."""
    value = blank.blank(value) if is_erased else value
    fact = fact_of(value, received_at)
    if before is not None and before.knows(fact.event_id):
        return before, []
    after = learn(before, value).merge(fact)
    after = after.erase() if is_erased else after
    return after, [after.row(), logged(value, fact), *announce(before, after)]
