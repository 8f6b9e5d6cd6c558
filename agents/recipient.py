"""The recipient stage: everything that is known of one user meets the requests to him.

consumes  facts.contacts, facts.preferences, request.<lane> (RequestReceived, FallbackGranted),
          request.cancels (CancelAsked), timers (RequestDue)
keeps     requests, contacts, preferences, pending, caps
emits     MessageQueued, SendTask, RequestDecided, FallbackPlanned, RequestDue (timer, beside a decision
          to wait), Vetoed, PreferenceRow; of a user who was deleted what agents/erase.py says

A request is admitted, its channels are chosen, its user is reached, its messages are rendered. While no
address is known it waits once, because a registration and the first request travel on different topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from agents.admit import Admitted, Ended, Later, admit, admit_again
from agents.answer import Answered, Case, answer, answer_unseen, decided, unused, wait
from agents.cancel import cancel, is_told, taken_back
from agents.cap import count
from agents.conceal import unveiled
from agents.erase import erase, kept_until
from agents.forbid import cancel as forbid
from agents.forbid import change
from agents.remember import NOBODY, remember
from schemas.errors import UnopenedError
from schemas.ids import subject_key
from schemas.records import (
    CancelAsked,
    ContactChanged,
    FallbackGranted,
    FallbackPlanned,
    PreferenceChanged,
    RequestDecided,
    RequestDue,
    RequestReceived,
)
from schemas.words import Outcome, Reason
from tables.contacts import Contacts
from tables.pending import NOTED_MS, Pending
from tables.pending import key_of as pending_key
from tables.requests import Taken, content_of, key_of, remembered_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.answer import Outside
    from agents.ports import Stream, Table
    from schemas.records import NotificationType
    from tables.caps import Caps
    from tables.preferences import Preferences

KEYS = "crypto.keys"
Input = RequestReceived | RequestDue | FallbackGranted | CancelAsked | ContactChanged | PreferenceChanged


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    requests: Table[bytes, Taken]
    contacts: Table[bytes, Contacts]
    preferences: Table[bytes, Preferences]
    pending: Table[bytes, Pending]
    caps: Table[bytes, Caps]


async def recipient(stream: Stream, memory: Memory, outside: Outside) -> AsyncIterator[Answered]:
    """One batch of one recipient task."""
    async for event in stream:
        for answered in await decide(event.value, stream.now, memory, outside):
            yield answered


async def decide(value: Input, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """What follows from one input at `now` (ms); facts change the memory, and may forbid what waits."""
    match value:
        case RequestReceived():
            return await take(value, now, memory, outside)
        case RequestDue():
            return await release(value, now, memory, outside)
        case FallbackGranted():
            return await fall_back(value.plan, now, memory, outside)
        case CancelAsked():
            return [*take_back(value, now, memory), forbid(value, now)]
        case ContactChanged():
            key = subject_key(value.user_id)
            before = memory.contacts.get(key) or NOBODY
            known = remember(before, value, outside.cipher, outside.addresses)
            memory.contacts.put(key, known, expires_at=kept_until(known, now))
            is_news = known.deleted_at > before.deleted_at
            return [*erase(value, known, memory, outside.cipher, now)] if is_news else []
        case PreferenceChanged():
            gone = memory.contacts.get(subject_key(value.user_id))
            is_late = gone is not None and value.changed_at <= gone.deleted_at
            return [] if is_late else [*change(value, memory.preferences, now)]
        case _:
            assert_never(value)


async def take(request: RequestReceived, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """A request for the first time: once taken, its key is remembered, whatever becomes of it."""
    kind = await _kind(request, outside)
    key = key_of(request)
    first = memory.requests.get(key)
    try:
        clear = replace(request, data=unveiled(request.data, outside.cipher))
    except UnopenedError as error:
        return [decided(request, kind, now, Ended(Outcome.REJECTED, Reason.UNOPENED, KEYS, str(error)))]
    verdict = admit(clear, kind, first, now)
    if isinstance(verdict, Ended):
        if verdict.outcome is Outcome.REPEATED and first is not None:
            request = replace(request, request_id=first.repeat_id(request))
        return [decided(request, kind, now, verdict)]
    assert kind is not None
    taken = Taken(request_id=request.request_id, taken_at=now, content=content_of(clear))
    memory.requests.put(key, taken, expires_at=remembered_until(request, kind, now))
    known = memory.pending.get(_pending(request))
    if known is not None and known.cancelled_at is not None and known.forbids(request.occurred_at):
        return [decided(request, kind, now, taken_back(known.cancelled_at))]
    match verdict:
        case Later():
            return _pend(request, wait(request, kind, verdict, now), memory)
        case Admitted():
            return _pend(
                request, await _answer(_case(request, verdict, now, memory), memory, outside), memory
            )
        case _:
            assert_never(verdict)


async def release(due: RequestDue, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """A request that waited; its own key is no repeat of itself. What was cancelled stays where it is."""
    kind = await _kind(due.request, outside)
    key = _pending(due.request)
    known = memory.pending.get(key)
    if known is not None:
        _keep(key, known.without(due.request.origin), now, memory)
    if known is not None and known.cancelled_at is not None and known.forbids(due.request.occurred_at):
        told = is_told(known, due.request)
        return [] if told else [decided(due.request, kind, now, taken_back(known.cancelled_at))]
    verdict = admit_again(due.request, kind, now)
    if isinstance(verdict, Ended):
        return [decided(due.request, kind, now, verdict)]
    case = replace(_case(due.request, verdict, now, memory), waited_for=due.waited_for)
    return _pend(due.request, await _answer(case, memory, outside), memory)


def take_back(asked: CancelAsked, now: int, memory: Memory) -> list[RequestDecided]:
    """A cancel. A request that waits may do so for months, and its cancel is kept as long; else for days."""
    key = pending_key(asked.user_id, asked.source, asked.request_id)
    known = memory.pending.get(key)
    after, rows = cancel(asked, known, now)
    if known is None or known.waits:
        _keep(key, after, now, memory)
    return rows


def _keep(key: bytes, after: Pending, now: int, memory: Memory) -> None:
    """What waits stands until it is released; a cancel of which nothing waits is remembered for days."""
    if after.waiting:
        memory.pending.put(key, after)
    elif after.cancelled_at is not None:
        memory.pending.put(key, after, expires_at=now + NOTED_MS)
    else:
        memory.pending.delete(key)


def _pend(request: RequestReceived, answered: list[Answered], memory: Memory) -> list[Answered]:
    """From now on a cancel finds the request, if it waits."""
    match answered:
        case [RequestDue(), RequestDecided() as row]:
            key = _pending(request)
            known = memory.pending.get(key)
            others = known if known and known.waiting else Pending()  # a note alone is of an earlier use
            memory.pending.put(key, others.with_waiting(row))
        case _:
            pass
    return answered


def _pending(request: RequestReceived) -> bytes:
    return pending_key(request.user_id, request.source, request.request_id)


async def fall_back(plan: FallbackPlanned, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """Nobody saw the request's messages in time: the next channel, if all that holds now allows it."""
    kind = await _kind(plan.request, outside)
    pending = memory.pending.get(_pending(plan.request))
    if pending and pending.cancelled_at is not None and pending.forbids(plan.request.occurred_at):
        return [unused(plan, kind, now, taken_back(pending.cancelled_at))]
    verdict = admit_again(plan.request, kind, now)
    if isinstance(verdict, Ended):
        return [unused(plan, kind, now, verdict)]
    case = _case(plan.request, verdict, now, memory)
    case = replace(case, is_fallback=True)
    try:
        return _counted(case, await answer_unseen(case, plan, outside), memory, outside)
    except UnopenedError as error:
        return [unused(plan, kind, now, Ended(Outcome.SKIPPED, Reason.UNOPENED, KEYS, str(error)))]


async def _answer(case: Case, memory: Memory, outside: Outside) -> list[Answered]:
    try:
        return _counted(case, await answer(case, outside), memory, outside)
    except UnopenedError as error:
        ended = Ended(Outcome.REJECTED, Reason.UNOPENED, KEYS, str(error))
        return [decided(case.request, case.admitted.kind, case.now, ended)]


def _counted(case: Case, answered: list[Answered], memory: Memory, outside: Outside) -> list[Answered]:
    """Messages that were made count for the next request."""
    counted = count(case, answered, outside.rules.limits)
    if counted is not None:
        caps, expires_at = counted
        memory.caps.put(subject_key(case.request.user_id), caps, expires_at=expires_at)
    return answered


async def _kind(request: RequestReceived, outside: Outside) -> NotificationType | None:
    code = request.notification_type
    return outside.reference.type(code) or await outside.reference.find_type(code)


def _case(request: RequestReceived, admitted: Admitted, now: int, memory: Memory) -> Case:
    key = subject_key(request.user_id)
    contacts = memory.contacts.get(key)
    return Case(
        request=request,
        admitted=admitted,
        preferences=memory.preferences.get(key),
        contacts=contacts and contacts.when(request.occurred_at),
        caps=memory.caps.get(key),
        now=now,
    )
