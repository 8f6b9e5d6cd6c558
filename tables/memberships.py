"""Tables `memberships` and `enlisted`: which labels a user has, and which users a label has.

memberships  key user, `<id_type>:<id>` (utf-8)                              value `Memberships`
enlisted     key bucket (2 bytes), end (8 bytes), label, U+0000, user        value `Enlisted`
writer       agents/enlist.py

The second finds the entries that end at a time, and those of a label, without a look at all users. Both rows
of an entry end by themselves some days after the label, should nobody have removed them.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

KEEP_MS = 7 * 86_400_000
MOST_LABELS = 1_000
"""Of one user: a row must fit into a record. More is a fault of the campaigns (CRM-064)."""
MOST_NUMBERS = 32
"""Requests kept of one entry: one of the first that brought it is done long before so many follow."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A label of a user. `numbers`: the requests of the label that brought it."""

    audience_label: str
    numbers: list[int]
    ends_at: int


class Memberships(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All labels of one user."""

    entries: list[Entry] = []

    def add(self, audience_label: str, number: int, ends_at: int) -> Memberships | None:
        """With the label, brought by a request of it; the same for a repeat, None if there are too many."""
        for place, entry in enumerate(self.entries):
            if entry.audience_label == audience_label:
                if number in entry.numbers:
                    return self
                found = replace(entry, numbers=[*entry.numbers, number][:MOST_NUMBERS])
                return Memberships(entries=[*self.entries[:place], found, *self.entries[place + 1 :]])
        if len(self.entries) >= MOST_LABELS:
            return None
        entry = Entry(audience_label=audience_label, numbers=[number], ends_at=ends_at)
        return Memberships(entries=[*self.entries, entry])

    def remove(self, audience_label: str) -> Memberships:
        """Without the label."""
        return Memberships(entries=[e for e in self.entries if e.audience_label != audience_label])

    @property
    def kept_until(self) -> int:
        """When (ms) nothing of it matters any longer."""
        return max((entry.ends_at for entry in self.entries), default=0) + KEEP_MS


class Enlisted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry exists."""

    ends_at: int


def enlisted_prefix(bucket: int, ends_at: int, audience_label: str = "") -> bytes:
    """How keys of entries begin: of all that end at a time (ms), or of a label. No label holds U+0000."""
    prefix = bucket.to_bytes(2, "big") + ends_at.to_bytes(8, "big")
    return prefix + audience_label.encode() + b"\0" if audience_label else prefix


def of_entry(key: bytes) -> tuple[str, bytes]:
    """The label and the user of an entry's key."""
    label, _, user = key[10:].partition(b"\0")
    return label.decode(), user
