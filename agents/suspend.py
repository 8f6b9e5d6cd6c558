"""Requests that wait, for their time, an address or an admin: from then on a cancel finds them.

consumes / keeps / emits  a part of agents/recipient.py: table `pending`, and who asks in `asking`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.ask_account import line_up
from agents.cancel import cancel
from schemas.records import ContactsAsked, RequestDecided, RequestDue, RequestQuarantined
from tables.pending import NOTED_MS, Pending, key_of

if TYPE_CHECKING:
    from agents.answer import Answered
    from agents.ports import Table
    from agents.recipient import Memory
    from schemas.records import CancelAsked, RequestReceived


def place_of(request: RequestReceived) -> bytes:
    """Where what waits of a request is noted."""
    return key_of(request.user_id, request.source, request.request_id)


def suspend(request: RequestReceived, answered: list[Answered], memory: Memory, now: int) -> list[Answered]:
    """From now on a cancel finds the request, if it waits; others line up behind one that asks."""
    match answered:
        case [ContactsAsked()]:
            line_up(request, now, memory.asking, by=1)
        case [RequestDue() | RequestQuarantined(), RequestDecided() as row]:
            key = place_of(request)
            known = memory.pending.get(key)
            others = known if known and known.is_open else Pending()  # a note alone is of an earlier use
            memory.pending.put(key, others.with_waiting(row))
        case _:
            pass
    return answered


def take_back(asked: CancelAsked, now: int, pending: Table[bytes, Pending]) -> list[RequestDecided]:
    """A cancel. A request that waits may do so for months, and its cancel is kept as long; else for days."""
    key = key_of(asked.user_id, asked.source, asked.request_id)
    known = pending.get(key)
    after, rows = cancel(asked, known, now)
    if known is None or known.waits:
        keep(key, after, now, pending)
    return rows


def keep(key: bytes, after: Pending, now: int, pending: Table[bytes, Pending]) -> None:
    """What waits stands until it is released; a cancel of which nothing waits is remembered for days."""
    if after.waiting:
        pending.put(key, after)
    elif after.cancelled_at is not None:
        pending.put(key, after, expires_at=now + NOTED_MS)
    else:
        pending.delete(key)
