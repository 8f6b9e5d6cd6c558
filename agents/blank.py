"""A user was erased: the status stage keeps and tells nothing of him any more (NS-SEC-OP-02).

consumes  PersonErased; facts about messages and requests of the erased life; ErasureDue (timer)
keeps     erased: who, and until when; progress: his messages without what is personal; waits: none of his
emits     PersonErased (rows), ErasureDue (timer) until all messages were looked at; rows of nobody

A provider speaks of a message weeks after, so facts of the erased life are blanked as they come. Messages
that nothing more is heard of are found by a walk through the tables, a step at a time. A walk is for all who
were erased before it began, and a task has one at a time: the others wait, and mostly need none of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.ids import NOBODY, subject_key
from schemas.records import ErasureDue, MessageQueued, PersonErased
from tables.erased import CLOCKS_MS, KEEP_MS, OWED_MS, WALKS, Erased, asked_at, walk_key
from tables.progress import KEEP_MS as HEARD_MS

if TYPE_CHECKING:
    from agents.ports import Table
    from agents.settle import Memory
    from schemas.records import AttemptEnded, RequestDecided

STEP = 500
"""Rows looked at in one go: some 10 ms."""
TURN_MS = 60_000
"""How often one who waits looks whether it is his turn, or done."""
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
    memory.erased.put(walk_key(told.user_id, now), Erased(at=at), expires_at=now + OWED_MS)
    due = ErasureDue(user_id=told.user_id, asked_at=now, due_at=now, begun_at=0, table=PROGRESS, after=b"")
    return [told, due]


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
    """Look at the next rows of a table; the timer for the rest, behind all that is due by now."""
    own = walk_key(due.user_id, due.asked_at)
    owed = memory.erased.get(own)
    if owed is None:
        return []  # the walk of another was for him, too
    memory.erased.put(own, owed, expires_at=now + OWED_MS)
    if memory.erased.scan(WALKS, limit=1)[0][0] != own:
        return [replace(due, due_at=now + TURN_MS)]
    due = replace(due, begun_at=due.begun_at or now, due_at=now)
    look = _blank_messages if due.table == PROGRESS else _drop_waits
    after = look(due.after, memory, now)
    if after is not None:
        return [replace(due, after=after)]
    if due.table == PROGRESS:
        return [replace(due, table=WAITS, after=b"")]
    memory.erased.delete(own)
    _end_walks(due.begun_at, memory)
    return []


def _end_walks(begun_at: int, memory: Memory) -> None:
    """Of all who were erased before this one began, by whatever worker's clock."""
    while found := memory.erased.scan(WALKS):
        for key, _ in found:
            if asked_at(key) >= begun_at - CLOCKS_MS:
                return
            memory.erased.delete(key)


def _blank_messages(after: bytes, memory: Memory, now: int) -> bytes | None:
    found = memory.progress.scan(b"", after, STEP)
    for key, known in found:
        queued = known.queued
        if not known.is_erased and is_erased(queued.user_id, queued.created_at, memory.erased):
            memory.progress.put(key, known.erase(), expires_at=now + HEARD_MS)
    return found[-1][0] if len(found) == STEP else None


def _drop_waits(after: bytes, memory: Memory, _now: int) -> bytes | None:
    """No reserve channel follows; a timer that finds no wait does nothing."""
    found = memory.waits.scan(b"", after, STEP)
    for key, wait in found:
        asked = wait.plan.request
        if is_erased(asked.user_id, asked.received_at, memory.erased):
            memory.waits.delete(key)
    return found[-1][0] if len(found) == STEP else None
