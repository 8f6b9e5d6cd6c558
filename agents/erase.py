"""A user was deleted: what is known of him goes, and nothing that waits for him is sent (NS-SEC-OP-02).

consumes  ContactChanged of a deletion, and what the recipient stage keeps of its user
keeps     preferences: only what was chosen since; pending: his requests as cancelled; caps: nothing
emits     RequestDecided, for each request that waited, and RequestOff, the end of its timer; Vetoed, for
          every delivery stage; PersonErased, for the status stage and Postgres; ViewerForgotten

What stays tells what is older from what is new: times of the deletion, the version of his choices, digests
of his requests. Those rows end by themselves. A deletion that is older than a registration ends what came
before it, and leaves what came since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.forbid import erase as forbid
from agents.forbid import outlive
from agents.receive import WRONG_CLOCK_MS
from schemas.ids import bucket_of, person_named, subject_key
from schemas.records import PersonErased, RequestDecided, RequestOff, Vetoed, ViewerForgotten
from schemas.times import parse_rfc3339
from schemas.words import Outcome, Reason, WaitedFor
from tables.erased import CLOCKS_MS, KEEP_MS
from tables.pending import NOTED_MS, Pending

if TYPE_CHECKING:
    from agents.ports import Cipher
    from agents.recipient import Memory
    from schemas.records import ContactChanged
    from tables.contacts import Contacts

RULE = "contacts.deleted"
WAITS_BY = {
    WaitedFor.SCHEDULED: "request.scheduled_at",
    WaitedFor.CONTACT: "contacts",
    WaitedFor.ACCOUNT: "account",
}
"""The rule that makes a request wait, where its row tells no reason."""
_WAITED_FOR = {rule: waited_for for waited_for, rule in WAITS_BY.items()}
Told = RequestDecided | RequestOff | Vetoed | PersonErased | ViewerForgotten


def erase(deletion: ContactChanged, known: Contacts, memory: Memory, cipher: Cipher, now: int) -> list[Told]:
    """All that follows from a deletion that was not known; `known`: the contacts with it taken in."""
    told: list[Told] = []
    if known.is_deleted:
        told += [*_cancel(deletion.user_id, memory, now), *forbid(deletion, memory.preferences, now)]
        memory.caps.delete(subject_key(deletion.user_id))
    else:
        told += outlive(deletion, memory.preferences, now)
    digest = cipher.digest(deletion.user_id.encode())
    return [
        *told,
        PersonErased(
            user_id=deletion.user_id,
            person=person_named(digest),
            deleted_at=deletion.changed_at,
            erased_at=now + CLOCKS_MS if known.is_deleted else deletion.changed_at,
        ),
    ]


def in_force(deletion: ContactChanged, memory: Memory) -> ContactChanged:
    """The deletion, newer than all that is known if an operator demands it: clocks of services differ.

    By as much as a clock may be wrong and no more: what is newer than that came after it. Told again it is
    as it was, so it never means a life that began after it.
    """
    key = subject_key(deletion.user_id)
    known = memory.contacts.get(key)
    if not deletion.is_demanded or (known is not None and deletion.changed_at <= known.deleted_at):
        return deletion
    chosen = memory.preferences.get(key)
    times = [*(known.times() if known else ()), *(chosen.times() if chosen else ())]
    latest = deletion.changed_at + WRONG_CLOCK_MS
    return replace(deletion, changed_at=max([deletion.changed_at, *(at + 1 for at in times if at < latest)]))


def forgotten(deletion: ContactChanged) -> list[ViewerForgotten]:
    """His names in audiences. Each deletion says some, also one that is known already."""
    return [ViewerForgotten(bucket=bucket_of(user), user=user) for user in deletion.known_as]


def kept_until(known: Contacts, now: int) -> int | None:
    """When the row of a deleted user ends; by then nothing older than the deletion is under way."""
    return now + KEEP_MS if known.is_deleted else None


def _cancel(user_id: str, memory: Memory, now: int) -> list[Told]:
    """Every request that waits ends; a timer of this very batch finds that it is told."""
    told: list[Told] = []
    after, prefix = b"", subject_key(user_id) + b"/"
    while found := memory.pending.scan(prefix, after):
        after = found[-1][0]
        for key, pending in found:
            told += [_ended(row, now) for row in pending.waiting if pending.waits]
            told += [off for row in pending.waiting if (off := timer_of(row)) is not None]
            blank = [replace(_ended(row, now), idempotency_key="") for row in pending.waiting]
            cancelled = Pending(waiting=blank, cancelled_at=pending.cancelled_at or now)
            memory.pending.put(key, cancelled, expires_at=now + NOTED_MS)
    return told


def _ended(waiting: RequestDecided, now: int) -> RequestDecided:
    ended = {"outcome": Outcome.CANCELLED, "reason": Reason.USER_ERASED, "rule": RULE, "value": None}
    return replace(waiting, decided_at=now, **ended)


def timer_of(waiting: RequestDecided) -> RequestOff | None:
    """The timer behind the row of a request that waits, if the row says for what, and until when."""
    is_quiet = waiting.reason == Reason.QUIET_HOURS
    waited_for = WaitedFor.QUIET_HOURS if is_quiet else _WAITED_FOR.get(waiting.rule or "")
    if waited_for is None:
        return None
    try:
        due_at = parse_rfc3339(waiting.value or "")
    except ValueError:
        return None
    return RequestOff(origin=waiting.origin, waited_for=waited_for, due_at=due_at)
