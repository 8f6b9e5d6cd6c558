"""The recipient stage: everything that is known of one user meets the requests to him.

consumes  facts.contacts, facts.preferences, facts.devices (DeviceChanged, TokenClaimed), request.<lane>
          (RequestReceived, FallbackGranted, RequestFreed), request.cancels (CancelAsked), timers (RequestDue,
          DevicesDue) and what Account Service said (ContactsAnswered)
keeps     requests, contacts, preferences, pending, caps, devices, owners, asking
emits     MessageQueued, SendTask, RequestDecided, FallbackPlanned, RequestDue (timer) or RequestQuarantined
          beside a decision to wait, ContactsAsked (effect); of facts what agents/absorb.py says

A request is admitted, its channels are chosen, its user is reached, its messages are rendered. While no
address is known it waits once, because a registration and the first request travel on different topics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from agents.absorb import Fact, absorb
from agents.admit import Admitted, Ended, Later, admit, admit_again
from agents.answer import Answered, Case, answer, answer_unseen, decided, unused, wait
from agents.ask_account import learned, line_up
from agents.cancel import called_off, is_told
from agents.cap import count
from agents.conceal import unveiled
from agents.divert import divert, is_diverted, readmit, renew
from agents.erase import kept_until
from agents.fall_back import put_off
from agents.forbid import cancel as forbid
from agents.forbid import fold
from agents.hold import hold, quiet_of
from agents.suspend import keep, place_of, suspend, take_back
from schemas.account_words import Told
from schemas.errors import UnopenedError
from schemas.ids import subject_key
from schemas.records import (
    CancelAsked,
    ContactChanged,
    ContactsAnswered,
    DeviceChanged,
    DevicesDue,
    FallbackGranted,
    FallbackPlanned,
    PreferenceChanged,
    RequestDue,
    RequestFreed,
    RequestReceived,
    TokenClaimed,
    Vetoed,
)
from schemas.words import Outcome, Reason
from tables.asking import key_of as asking_key
from tables.devices import reachable
from tables.requests import Taken, content_of, key_of, remembered_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.divert import Outside
    from agents.ports import Stream, Table
    from schemas.records import NotificationType
    from tables.asking import Asking
    from tables.caps import Caps
    from tables.contacts import Contacts
    from tables.devices import Devices, Owner
    from tables.pending import Pending
    from tables.preferences import Preferences

KEYS = "crypto.keys"
Input = RequestReceived | RequestDue | RequestFreed | ContactsAnswered | FallbackGranted | CancelAsked | Fact


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    requests: Table[bytes, Taken]
    contacts: Table[bytes, Contacts]
    preferences: Table[bytes, Preferences]
    pending: Table[bytes, Pending]
    caps: Table[bytes, Caps]
    devices: Table[bytes, Devices]
    owners: Table[bytes, Owner]
    asking: Table[bytes, Asking]


async def recipient(stream: Stream, memory: Memory, outside: Outside) -> AsyncIterator[Answered]:
    """One batch of one recipient task. Vetoes come last: of one user's changes the last says all."""
    vetoes: dict[str, Vetoed] = {}
    async for event in stream:
        for answered in await decide(event.value, stream.now, memory, outside):
            for told in fold(answered, vetoes) if isinstance(answered, Vetoed) else (answered,):
                yield told
    for veto in vetoes.values():
        yield veto


async def decide(value: Input, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """What follows from one input at `now` (ms); facts change the memory, and may forbid what waits."""
    match value:
        case RequestReceived():
            return await take(value, now, memory, outside)
        case RequestDue() | RequestFreed():
            return await release(value, now, memory, outside)
        case ContactsAnswered():
            return await resume(value, now, memory, outside)
        case FallbackGranted():
            return await fall_back(value.plan, now, memory, outside)
        case CancelAsked():
            return [*take_back(value, now, memory.pending), forbid(value, now)]
        case ContactChanged() | PreferenceChanged() | DeviceChanged() | TokenClaimed() | DevicesDue():
            return [*absorb(value, now, memory, outside)]
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
    ended = called_off(request, memory.pending.get(place_of(request)), outside.reference)
    if ended is not None:
        return [decided(request, kind, now, ended)]
    if is_diverted(request, kind, outside.flows):
        return suspend(request, [*divert(request, kind, now)], memory, now)
    match verdict:
        case Later():
            return suspend(request, wait(request, kind, verdict, now), memory, now)
        case Admitted():
            return await _answer(_case(request, verdict, memory, now, outside), memory, outside)
        case _:
            assert_never(verdict)


async def release(
    due: RequestDue | RequestFreed, now: int, memory: Memory, outside: Outside
) -> list[Answered]:
    """A request that waited; its own key is no repeat of itself. What was cancelled stays where it is."""
    request = due.request
    kind = await _kind(request, outside)
    key = place_of(request)
    known = memory.pending.get(key)
    if known is not None:
        keep(key, known.without(request.origin), now, memory.pending)
    if (ended := called_off(request, known, outside.reference)) is not None:
        told = known is not None and ended.reason == Reason.CANCELLED_BY_SENDER and is_told(known, request)
        return [] if told else [decided(request, kind, now, ended)]
    if isinstance(due, RequestFreed) and kind is not None:
        renew(memory.requests, request, kind, now)
    waited_for = due.waited_for if isinstance(due, RequestDue) else None
    verdict = admit_again(request, kind, now) if isinstance(due, RequestDue) else readmit(due, kind, now)
    if isinstance(verdict, Ended):
        return [decided(request, kind, now, verdict)]
    if isinstance(verdict, Later):
        assert kind is not None
        return suspend(request, wait(request, kind, verdict, now), memory, now)
    case = _case(request, verdict, memory, now, outside)
    return await _answer(replace(case, waited_for=waited_for), memory, outside)


async def resume(answered: ContactsAnswered, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """A request whose user Account Service was asked about. A question that nobody heard is put again."""
    call = answered.call
    request, told = call.request, Told(answered.verdict)
    if told in {Told.HIDDEN, Told.LAPSED}:
        return [call]
    line_up(request, now, memory.asking, by=-1)
    if told != Told.AWAY:
        key = subject_key(request.user_id)
        ports = (outside.cipher, outside.addresses)
        known = learned(answered, memory.contacts.get(key), ports, now)
        memory.contacts.put(key, known, expires_at=kept_until(known, now))
    kind = await _kind(request, outside)
    ended = called_off(request, memory.pending.get(place_of(request)), outside.reference)
    verdict = ended or admit_again(request, kind, now)
    if isinstance(verdict, Ended):
        return [decided(request, kind, now, verdict)]
    case = _case(request, verdict, memory, now, outside)
    return await _answer(replace(case, waited_for=call.waited_for, told=told), memory, outside)


async def fall_back(plan: FallbackPlanned, now: int, memory: Memory, outside: Outside) -> list[Answered]:
    """Nobody saw the request's messages in time: the next channel, if all that holds now allows it."""
    kind = await _kind(plan.request, outside)
    ended = called_off(plan.request, memory.pending.get(place_of(plan.request)), outside.reference)
    verdict = ended or admit_again(plan.request, kind, now)
    if isinstance(verdict, Ended):
        return [unused(plan, kind, now, verdict)]
    case = replace(_case(plan.request, verdict, memory, now, outside), is_fallback=True)
    held = None if case.is_gone else hold(case, outside.rules.timezone)
    if isinstance(held, Ended):
        return [unused(plan, kind, now, held)]
    if held is not None:
        spared = quiet_of(case, outside.rules.timezone)
        return [put_off(plan, held.due_at, spared.hours if spared else None, now)]
    try:
        answered = await answer_unseen(case, plan, outside)
    except UnopenedError as error:
        return [unused(plan, kind, now, Ended(Outcome.SKIPPED, Reason.UNOPENED, KEYS, str(error)))]
    count(case, answered, memory.caps, outside.rules.limits)
    return answered


async def _answer(case: Case, memory: Memory, outside: Outside) -> list[Answered]:
    try:
        answered = await answer(case, outside)
    except UnopenedError as error:
        ended = Ended(Outcome.REJECTED, Reason.UNOPENED, KEYS, str(error))
        return [decided(case.request, case.admitted.kind, case.now, ended)]
    count(case, answered, memory.caps, outside.rules.limits)
    return suspend(case.request, answered, memory, case.now)


async def _kind(request: RequestReceived, outside: Outside) -> NotificationType | None:
    code = request.notification_type
    return outside.reference.type(code) or await outside.reference.find_type(code)


def _case(request: RequestReceived, admitted: Admitted, memory: Memory, now: int, outside: Outside) -> Case:
    key = subject_key(request.user_id)
    contacts = reachable(memory.contacts.get(key), memory.devices.get(key), now, outside.device_terms)
    return Case(
        request=request,
        admitted=admitted,
        preferences=memory.preferences.get(key),
        contacts=contacts and contacts.when(request.occurred_at),
        caps=memory.caps.get(key),
        now=now,
        is_behind=outside.account_terms is not None
        and memory.asking.get(asking_key(request.user_id, request.lane)) is not None,
    )
