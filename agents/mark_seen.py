"""The seen stage: pass each display fact to every destination of its tag, once while it is remembered.

consumes  facts.seen (SeenPosted), key = user key
keeps     seen: what was passed on, for the tag's `remember_for` (SEEN-OP-04, SEEN-OP-14)
emits     SeenRouted (the destination's topic; seen.unknown for a tag nobody configured, SEEN-OP-08)

A disabled tag yields and remembers nothing (SEEN-OP-21). A fact without a user key is never a repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.records import SeenFact, SeenPosted, SeenRouted, SeenTag
from schemas.times import rfc3339
from schemas.topics import SEEN_UNKNOWN
from tables.seen import Seen, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Reference, Stream, Table

FIELDS: dict[str, dict[str, Any]] = {
    "client": {"user_id": None, "uid": None, "bound_uids": [], "phone_id": None},
    "driver": {"db_id": None, "uuid": None},
}


async def mark_seen(
    stream: Stream, reference: Reference, seen: Table[bytes, Seen]
) -> AsyncIterator[SeenRouted]:
    """One batch of one seen task."""
    async for event in stream:
        posted: SeenPosted = event.value
        tag, key = reference.tag(posted.tag), key_of(posted)
        copies = decide(posted, tag, seen.get(key) if key else None)
        if key and tag and copies:
            mark = Seen(seen_at=posted.seen_at, received_at=posted.received_at)
            seen.put(key, mark, expires_at=posted.received_at + tag.remember_for_s * 1000)
        for copy in copies:
            yield copy


def decide(posted: SeenPosted, tag: SeenTag | None, before: Seen | None) -> list[SeenRouted]:
    """The copies of the fact to send, none for a repeat or a disabled tag."""
    if tag is None:
        return [_to(SEEN_UNKNOWN, posted)]
    if before is not None or not tag.is_enabled:
        return []
    return [_to(destination, posted) for destination in tag.destinations]


def _to(destination: str, posted: SeenPosted) -> SeenRouted:
    known = FIELDS.get(posted.kind)
    fact = SeenFact(
        event_type=posted.kind,
        tag=posted.tag,
        id=posted.id,
        seen_at=rfc3339(posted.seen_at),
        user=None if known is None else {name: posted.user.get(name, blank) for name, blank in known.items()},
    )
    return SeenRouted(destination=destination, fact=fact, user_key=posted.user_key)
