"""The members stage: give users their labels, and take away those that ended.

consumes  facts.labels (UsersLabelled, LabelsEnded, CommunicationSeen), key = bucket; timers (LabelDue)
keeps     memberships: labels by user; enlisted: users by bucket and label; shown: what users saw
emits     UsersCounted (audience.progress), once per request and batch; LabelDue (timer)

A label's entries leave in steps of `STEP` users: at its end, and at once when it is withdrawn.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, assert_never

import msgspec

from schemas.records import CommunicationSeen, LabelDue, LabelsEnded, UsersCounted, UsersLabelled
from tables.memberships import KEEP_MS, Enlisted, Memberships, enlisted_prefix
from tables.shown import Shown, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Stream, Table

STEP = 500
NOBODY = Memberships()

Outcome = UsersCounted | LabelDue


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    memberships: Table[bytes, Memberships]
    enlisted: Table[bytes, Enlisted]
    shown: Table[bytes, Shown]


class Counts(msgspec.Struct):
    """Users dealt with in a batch, by label, number and id of the request."""

    processed: Counter[tuple[str, int, str]]
    failed: Counter[tuple[str, int, str]]


async def enlist(stream: Stream, memory: Memory) -> AsyncIterator[Outcome]:
    """One batch of one members task."""
    counts = Counts(Counter(), Counter())
    async for event in stream:
        for due in decide(event.value, stream.now, memory, counts):
            yield due
    for place in counts.processed | counts.failed:
        label, number, request_id = place
        yield UsersCounted(
            audience_label=label,
            number=number,
            request_id=request_id,
            processed=counts.processed[place],
            failed=counts.failed[place],
        )


def decide(
    value: UsersLabelled | LabelsEnded | CommunicationSeen | LabelDue,
    now: int,
    memory: Memory,
    counts: Counts,
) -> list[LabelDue]:
    """What follows from one input at `now` (ms), beside what is counted."""
    match value:
        case UsersLabelled():
            return give(value, now, memory, counts)
        case LabelsEnded():
            return [
                LabelDue(bucket=value.bucket, audience_label=label, due_at=value.at) for label in value.labels
            ]
        case CommunicationSeen():
            return remember(value, now, memory)
        case LabelDue():
            return take_away(value, memory)
        case _:
            assert_never(value)


def give(given: UsersLabelled, now: int, memory: Memory, counts: Counts) -> list[LabelDue]:
    """Enter the label for each user, and remember to take it away; not if it has ended already."""
    place = (given.audience_label, given.number, given.request_id)
    if given.ends_at <= now:
        counts.processed[place] += len(given.users)
        return []
    prefix = enlisted_prefix(given.bucket, given.audience_label)
    mark = Enlisted(ends_at=given.ends_at)
    failed = 0
    for user in given.users:
        key = user.encode()
        before = memory.memberships.get(key) or NOBODY
        after = before.add(given.audience_label, given.number, given.ends_at)
        if after is None:
            failed += 1
        elif after is not before:
            memory.memberships.put(key, after, expires_at=after.kept_until)
            if len(after.entries) > len(before.entries):
                memory.enlisted.put(prefix + key, mark, expires_at=given.ends_at + KEEP_MS)
    counts.processed[place] += len(given.users) - failed
    counts.failed[place] += failed
    return [LabelDue(bucket=given.bucket, audience_label=given.audience_label, due_at=given.ends_at)]


def remember(seen: CommunicationSeen, now: int, memory: Memory) -> list[LabelDue]:
    """From the first fact on, for as long as that one is remembered (SEEN-OP-04)."""
    key = key_of(seen.user, seen.communication_id)
    if seen.kept_until > now and memory.shown.get(key) is None:
        memory.shown.put(key, Shown(seen_at=seen.seen_at), expires_at=seen.kept_until)
    return []


def take_away(due: LabelDue, memory: Memory) -> list[LabelDue]:
    """Remove the next entries of the label; the rest follows as soon as this is committed."""
    prefix = enlisted_prefix(due.bucket, due.audience_label)
    found = memory.enlisted.scan(prefix, prefix + due.after.encode() if due.after else b"", STEP)
    last = b""
    for key, _ in found:
        last = key[len(prefix) :]
        kept = (memory.memberships.get(last) or NOBODY).remove(due.audience_label)
        if kept.entries:
            memory.memberships.put(last, kept, expires_at=kept.kept_until)
        else:
            memory.memberships.delete(last)
        memory.enlisted.delete(key)
    return [msgspec.structs.replace(due, after=last.decode())] if len(found) == STEP else []
