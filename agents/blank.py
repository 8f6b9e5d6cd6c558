"""A user was erased: the status stage keeps and tells nothing of him any more (NS-SEC-OP-02).

consumes  PersonErased; facts about messages and requests of the erased life; ErasureDue (timer)
keeps     erased: who, and until when; progress: his messages without what is personal; waits: none of his
emits     PersonErased (rows), ErasureDue (timer) until all messages were looked at; rows of nobody

A provider speaks of a message weeks after, so facts of the erased life are blanked as they come. Messages
that nothing more is heard of are found by a walk through the tables, a step at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.ids import NOBODY, subject_key
from schemas.records import ErasureDue, MessageQueued, PersonErased
from tables.erased import KEEP_MS, Erased
from tables.progress import KEEP_MS as HEARD_MS

if TYPE_CHECKING:
    from agents.ports import Table
    from agents.settle import Memory
    from schemas.records import AttemptEnded, RequestDecided

STEP = 500
"""Rows looked at in one go: some 10 ms."""
PROGRESS, WAITS = "progress", "waits"


def erase(value: PersonErased | ErasureDue, memory: Memory, now: int) -> list[PersonErased | ErasureDue]:
    """From now on he is nobody, and step by step so are his messages."""
    return [*_begin(value, memory, now)] if isinstance(value, PersonErased) else [*_sweep(value, memory, now)]


def _begin(told: PersonErased, memory: Memory, now: int) -> list[PersonErased | ErasureDue]:
    """The row goes behind all rows that came before."""
    key = subject_key(told.user_id)
    before = memory.erased.get(key)
    at = max(told.erased_at, before.at if before else 0)
    memory.erased.put(key, Erased(at=at), expires_at=now + KEEP_MS)
    due = ErasureDue(user_id=told.user_id, erased_at=at, due_at=now, table=PROGRESS, after=b"")
    return [told, due, replace(due, table=WAITS)]


def is_erased(user_id: str, made_at: int, erased: Table[bytes, Erased]) -> bool:
    """Whether something of that user and time (ms) is nobody's."""
    found = erased.get(subject_key(user_id))
    return found is not None and found.means(made_at)


def blank(value: MessageQueued | AttemptEnded) -> MessageQueued | AttemptEnded:
    """A fact without anything personal; its user says only where its row lives."""
    if isinstance(value, MessageQueued):
        return replace(value, recipient=b"", payload=b"{}", idempotency_key="", detail=None)
    return replace(value, idempotency_key="", detail=None, provider_message_id=None)


def row_of(decided: RequestDecided, erased: Table[bytes, Erased]) -> RequestDecided:
    """The row of a request: nobody's, if it is of the erased life."""
    if not is_erased(decided.user_id, decided.received_at, erased):
        return decided
    return replace(decided, user_id=NOBODY, idempotency_key="", value=None)


def _sweep(due: ErasureDue, memory: Memory, now: int) -> list[ErasureDue]:
    """Look at the next rows of a table; the timer for the rest, as soon as this is committed."""
    after = _blank_messages(due, memory, now) if due.table == PROGRESS else _drop_waits(due, memory)
    return [] if after is None else [replace(due, after=after)]


def _blank_messages(due: ErasureDue, memory: Memory, now: int) -> bytes | None:
    found = memory.progress.scan(b"", due.after, STEP)
    for key, known in found:
        is_his = known.queued.user_id == due.user_id and known.queued.created_at <= due.erased_at
        if is_his and not known.is_erased:
            memory.progress.put(key, known.erase(), expires_at=now + HEARD_MS)
    return found[-1][0] if len(found) == STEP else None


def _drop_waits(due: ErasureDue, memory: Memory) -> bytes | None:
    """No reserve channel follows; a timer that finds no wait does nothing."""
    found = memory.waits.scan(b"", due.after, STEP)
    for key, wait in found:
        asked = wait.plan.request
        if asked.user_id == due.user_id and asked.received_at <= due.erased_at:
            memory.waits.delete(key)
    return found[-1][0] if len(found) == STEP else None
