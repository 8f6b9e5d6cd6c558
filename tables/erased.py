"""Table `erased`: users of whom nothing is told any more, but what came later (NS-SEC-OP-02).

key     user key; `walk_key` of one whose messages are to be looked for
value   `Erased`
writer  agents/blank.py

A row outlives whatever may still be heard of messages made before.
"""

from __future__ import annotations

import msgspec

from schemas.ids import subject_key
from tables.progress import KEEP_MS as HEARD_MS

KEEP_MS = 90 * 86_400_000 + HEARD_MS
"""As long as a request may wait (90 days), and then what a provider says of its message."""
CLOCKS_MS = 60_000
"""So far may clocks of workers be apart."""
OWED_MS = 7 * 86_400_000
"""How long a walk of which nothing is heard holds back those behind it; each step is a sign of life."""
WALKS = b"walk:"
_TIME = 8


def walk_key(user_id: str, asked_at: int) -> bytes:
    """Of an erasure asked for at that time (ms); the oldest is the first."""
    return WALKS + asked_at.to_bytes(_TIME, "big") + subject_key(user_id)


def asked_at(key: bytes) -> int:
    """The time in such a key."""
    return int.from_bytes(key[len(WALKS) : len(WALKS) + _TIME], "big")


def user_in(key: bytes) -> bytes:
    """The user key in any key of the table."""
    return key[len(WALKS) + _TIME :] if key.startswith(WALKS) else key


class Erased(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Messages and requests of this time (ms) and before are nobody's."""

    at: int

    def means(self, made_at: int) -> bool:
        """Whether something of that time is of the erased life."""
        return made_at <= self.at
