"""The members stage: give users their labels, and take away those that ended.

consumes  facts.labels (UsersLabelled, LabelsEnded, CommunicationSeen, ViewerForgotten), key = bucket; timers
          (EntriesDue)
keeps     memberships: labels by user; enlisted: users by bucket, end and label; shown: what users saw;
          offers: what labels offer whose names do not tell it
emits     UsersCounted (audience.progress), once per upload and batch; EntriesDue (timer); LabelPartial
          (stats.partials, agents/tally_labels.py), once per window, label and batch

Entries leave in steps of `STEP`: at the end of their label, and at once when it is withdrawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from agents.tally_labels import Tally
from schemas.records import (
    CommunicationSeen,
    EntriesDue,
    LabelCount,
    LabelPartial,
    LabelsEnded,
    UsersCounted,
    UsersLabelled,
    ViewerForgotten,
)
from tables.memberships import KEEP_MS, Enlisted, Memberships, enlisted_prefix, of_entry
from tables.shown import END_OF_USER, Shown, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agents.ports import Stream, Table
    from schemas.records import LabelGiven
    from tables.offers import Offer

STEP = 500
NOBODY = Memberships()

Outcome = UsersCounted | EntriesDue | LabelPartial
Counts = dict[str, dict[str, LabelCount]]
"""Users dealt with in a batch, by upload and label."""


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    memberships: Table[bytes, Memberships]
    enlisted: Table[bytes, Enlisted]
    shown: Table[bytes, Shown]
    offers: Table[bytes, Offer]


async def enlist(stream: Stream, memory: Memory) -> AsyncIterator[Outcome]:
    """One batch of one members task."""
    counts: Counts = {}
    tally = Tally(memory.offers, stream.now)
    async for event in stream:
        for due in decide(event.value, memory, counts, tally):
            yield due
    for upload_id, by_label in counts.items():
        yield UsersCounted(upload_id=upload_id, counts=list(by_label.values()))
    for partial in tally.partials():
        yield partial


def decide(
    value: UsersLabelled | LabelsEnded | CommunicationSeen | ViewerForgotten | EntriesDue,
    memory: Memory,
    counts: Counts,
    tally: Tally,
) -> list[EntriesDue]:
    """What follows from one input, beside what is counted."""
    match value:
        case UsersLabelled():
            return give(value, memory, counts.setdefault(value.upload_id, {}), tally)
        case LabelsEnded():
            return list(end(value, memory, tally))
        case CommunicationSeen():
            return remember(value, memory, tally)
        case ViewerForgotten():
            return forget(value, memory)
        case EntriesDue():
            return list(take_away(value, memory, tally, STEP)[1])
        case _:
            assert_never(value)


def give(
    given: UsersLabelled, memory: Memory, counts: dict[str, LabelCount], tally: Tally
) -> list[EntriesDue]:
    """Enter the labels for each user, and remember to take them away; not those that have ended already."""
    ends = set()
    for one in given.labels:
        name = one.audience_label
        before = counts.get(name) or LabelCount(audience_label=name)
        if one.ends_at <= tally.now:
            counts[name] = replace(before, processed=before.processed + len(one.users))
            continue
        entered, failed = _enter(given.bucket, one, memory, tally)
        counts[name] = replace(before, processed=before.processed + entered, failed=before.failed + failed)
        ends.add(one.ends_at)
    return [EntriesDue(bucket=given.bucket, ends_at=at, due_at=at) for at in sorted(ends)]


def _enter(bucket: int, given: LabelGiven, memory: Memory, tally: Tally) -> tuple[int, int]:
    """How many users got the label, and how many have too many. Who had it of this request does not count."""
    prefix = enlisted_prefix(bucket, given.ends_at, given.audience_label)
    mark = Enlisted(ends_at=given.ends_at)
    entered = failed = new = 0
    for user in given.users:
        key = user.encode()
        before = memory.memberships.get(key) or NOBODY
        after = before.add(given.audience_label, given.number, given.ends_at)
        if after is None:
            failed += 1
        elif after is not before:
            entered += 1
            memory.memberships.put(key, after, expires_at=after.kept_until)
            if len(after.entries) > len(before.entries):
                memory.enlisted.put(prefix + key, mark, expires_at=given.ends_at + KEEP_MS)
                new += 1
    tally.labelled(bucket, given, new)
    return entered, failed


def remember(seen: CommunicationSeen, memory: Memory, tally: Tally) -> list[EntriesDue]:
    """From the first fact on, for as long as that one is remembered (SEEN-OP-04); it counts."""
    key = key_of(seen.user, seen.communication_id)
    if seen.kept_until > tally.now and memory.shown.get(key) is None:
        memory.shown.put(key, Shown(seen_at=seen.seen_at), expires_at=seen.kept_until)
        tally.seen(seen, memory.memberships.get(seen.user.encode()) or NOBODY)
    return []


def forget(forgotten: ViewerForgotten, memory: Memory) -> list[EntriesDue]:
    """Nothing is known under that name: no label, nothing seen (NS-SEC-OP-02). Statistics keep his counts."""
    user = forgotten.user.encode()
    for entry in (memory.memberships.get(user) or NOBODY).entries:
        prefix = enlisted_prefix(forgotten.bucket, entry.ends_at, entry.audience_label)
        memory.enlisted.delete(prefix + user)
    memory.memberships.delete(user)
    while found := memory.shown.scan(user + END_OF_USER):
        for key, _ in found:
            memory.shown.delete(key)
    return []


def end(ended: LabelsEnded, memory: Memory, tally: Tally) -> Iterator[EntriesDue]:
    """Take away the entries of labels that were withdrawn; what is more than a step follows by timers."""
    room = STEP
    for one in ended.labels:
        due = EntriesDue(
            bucket=ended.bucket, ends_at=one.ends_at, due_at=tally.now, audience_label=one.audience_label
        )
        if room:
            removed, rest = take_away(due, memory, tally, room)
            room -= removed
            yield from rest
        else:
            yield due


def take_away(due: EntriesDue, memory: Memory, tally: Tally, most: int) -> tuple[int, list[EntriesDue]]:
    """Remove the next entries; how many, and the timer for the rest, as soon as this is committed."""
    prefix = enlisted_prefix(due.bucket, due.ends_at, due.audience_label)
    found = memory.enlisted.scan(prefix, prefix + due.after.encode() if due.after else b"", most)
    last = b""
    for key, _ in found:
        last = key[len(prefix) :]
        label, user = of_entry(key)
        kept = (memory.memberships.get(user) or NOBODY).remove(label)
        if kept.entries:
            memory.memberships.put(user, kept, expires_at=kept.kept_until)
        else:
            memory.memberships.delete(user)
        memory.enlisted.delete(key)
    tally.taken_away(due, len(found))
    rest = [replace(due, after=last.decode())] if len(found) == most else []
    return len(found), rest
