"""The recipient stage: everything that is known of one user meets the requests to him.

consumes  facts.contacts, facts.preferences, request.<lane> (RequestReceived, FallbackGranted),
          timers (RequestDue)
keeps     requests, contacts, preferences
emits     MessageQueued, SendTask, RequestDecided, FallbackPlanned, RequestDue (timer, beside a decision
          to wait)

A request is admitted, its channels are chosen, its user is reached, its messages are rendered. While no
address is known it waits once, because a registration and the first request travel on different topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from agents.admit import Admitted, Ended, Later, admit, admit_again
from agents.answer import Answered, Case, answer, answer_unseen, decided, unused, wait
from agents.remember import remember
from schemas.ids import subject_key
from schemas.records import (
    ContactChanged,
    FallbackGranted,
    FallbackPlanned,
    PreferenceChanged,
    RequestDue,
    RequestReceived,
)
from schemas.words import Outcome, WaitedFor
from tables.contacts import Contacts
from tables.preferences import Preferences
from tables.requests import Taken, key_of, remembered_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.answer import Outside
    from agents.ports import Stream, Table
    from schemas.records import NotificationType

Input = RequestReceived | RequestDue | FallbackGranted | ContactChanged | PreferenceChanged


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    requests: Table[bytes, Taken]
    contacts: Table[bytes, Contacts]
    preferences: Table[bytes, Preferences]


async def recipient(
    stream: Stream,
    requests: Table[bytes, Taken],
    contacts: Table[bytes, Contacts],
    preferences: Table[bytes, Preferences],
    outside: Outside,
) -> AsyncIterator[Answered]:
    """One batch of one recipient task."""
    memory = Memory(requests, contacts, preferences)
    async for event in stream:
        for answered in await decide(event.value, stream.now, memory, outside):
            yield answered


async def decide(value: Input, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """What follows from one input at `now` (ms); facts only change the memory."""
    match value:
        case RequestReceived():
            return await take(value, now, memory, outside)
        case RequestDue():
            return await release(value, now, memory, outside)
        case FallbackGranted():
            return await fall_back(value.plan, now, memory, outside)
        case ContactChanged():
            key = subject_key(value.user_id)
            known = remember(memory.contacts.get(key), value, outside.cipher, outside.addresses)
            memory.contacts.put(key, known)
            return []
        case PreferenceChanged():
            key = subject_key(value.user_id)
            memory.preferences.put(key, (memory.preferences.get(key) or Preferences()).merge(value))
            return []
        case _:
            assert_never(value)


async def take(request: RequestReceived, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """A request for the first time: once taken, its key is remembered, whatever becomes of it."""
    kind = await _kind(request, outside)
    key = key_of(request)
    first = memory.requests.get(key)
    verdict = admit(request, kind, first, now)
    if isinstance(verdict, Ended):
        if verdict.outcome is Outcome.REPEATED and first is not None:
            request = replace(request, request_id=first.repeat_id(request))
        return [decided(request, kind, now, verdict)]
    assert kind is not None
    taken = Taken(request_id=request.request_id, taken_at=now)
    memory.requests.put(key, taken, expires_at=remembered_until(request, kind, now))
    match verdict:
        case Later():
            return wait(request, kind, verdict, now)
        case Admitted():
            return await answer(_case(request, verdict, now, memory), outside)
        case _:
            assert_never(verdict)


async def release(due: RequestDue, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """A request that waited; its own key is no repeat of itself."""
    kind = await _kind(due.request, outside)
    verdict = admit_again(due.request, kind, now)
    if isinstance(verdict, Ended):
        return [decided(due.request, kind, now, verdict)]
    case = _case(due.request, verdict, now, memory)
    return await answer(replace(case, has_waited=due.waited_for == WaitedFor.CONTACT), outside)


async def fall_back(plan: FallbackPlanned, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """Nobody saw the request's messages in time: the next channel, if all that holds now allows it."""
    kind = await _kind(plan.request, outside)
    verdict = admit_again(plan.request, kind, now)
    if isinstance(verdict, Ended):
        return [unused(plan, kind, now, verdict)]
    case = _case(plan.request, verdict, now, memory)
    return await answer_unseen(replace(case, is_fallback=True), plan, outside)


async def _kind(request: RequestReceived, outside: Outside) -> NotificationType | None:
    code = request.notification_type
    return outside.reference.type(code) or await outside.reference.find_type(code)


def _case(request: RequestReceived, admitted: Admitted, now: int, memory: Memory) -> Case:
    key = subject_key(request.user_id)
    return Case(
        request=request,
        admitted=admitted,
        preferences=memory.preferences.get(key),
        contacts=memory.contacts.get(key),
        has_waited=False,
        now=now,
    )
