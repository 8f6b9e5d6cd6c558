"""Tables `mailboxes` and `letters`: what a user has in the app, and what he did with it (NS-CH-OP-09).

mailboxes  key: user key; value: `Mailbox`; writer: agents/keep.py
letters    key: `letter_key`; value: `SendTask`, its content sealed; writer: agents/keep.py

A message's number is the clock's, or one more than the number before if that is not less. So numbers rise
although a mailbox that was empty for long has no row any more, and a client's cursor never comes to lie
before it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.mailbox_words import Act

DAY_MS = 86_400_000
MARKS: dict[Act, tuple[str, ...]] = {
    Act.ACK: ("delivered_at",),
    Act.SEEN: ("delivered_at", "seen_at"),
    Act.READ: ("delivered_at", "seen_at", "read_at"),
    Act.ARCHIVE: ("delivered_at", "seen_at", "archived_at"),
}
"""What an act says has happened."""


class Terms(NamedTuple):
    """How long and how many messages of one user are kept."""

    keep_ms: int = 7 * DAY_MS
    most: int = 200


class Kept(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message. Times in ms, 0: never; `ends_at`: then it leaves by itself."""

    message_id: str
    number: int
    ends_at: int
    delivered_at: int = 0
    seen_at: int = 0
    read_at: int = 0
    archived_at: int = 0

    def mark(self, act: Act, at: int) -> Kept:
        """With an act taken in. The earliest of its kind counts, so neither order nor repeats matter."""
        times = {name: min(getattr(self, name) or at, at) for name in MARKS[act]}
        return replace(self, **times)


class Mailbox(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All messages of one user, by number."""

    kept: list[Kept] = []

    def put(self, message_id: str, now: int, terms: Terms) -> Mailbox:
        """With one more message, without what has ended, and without the oldest beyond the limit."""
        if self.find(message_id) is not None:
            return self
        number = max(now, self.kept[-1].number + 1) if self.kept else now
        live = [one for one in self.kept if one.ends_at > now]
        new = Kept(message_id=message_id, number=number, ends_at=now + terms.keep_ms)
        return Mailbox(kept=[*live, new][-terms.most :])

    def mark(self, message_id: str, act: Act, at: int) -> Mailbox:
        """With an act on one message; the same object when it is not here, or nothing changes."""
        before = self.find(message_id)
        after = before.mark(act, at) if before else None
        if after == before:
            return self
        return Mailbox(kept=[after if one is before and after else one for one in self.kept])

    def find(self, message_id: str) -> Kept | None:
        """The message, if it is here."""
        return next((one for one in self.kept if one.message_id == message_id), None)

    @property
    def ends_at(self) -> int:
        """When its last message leaves."""
        return max((one.ends_at for one in self.kept), default=0)


def letter_key(user_id: str, message_id: str) -> bytes:
    """Key of `letters`."""
    return subject_key(user_id) + b"/" + message_id.encode()


def owner_in(key: bytes) -> bytes:
    """The user's key in a key of `letters`."""
    return key.rpartition(b"/")[0]
