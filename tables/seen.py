"""Table `seen`: which facts were passed on already (SEEN-OP-03, SEEN-OP-14).

key     `key_of(posted)`: digest of event type, user key, tag and id
value   `Seen`
writer  agents/mark_seen.py

A row ends `remember_for` after the first fact arrived; after that the same fact counts as new.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from schemas.records import SeenPosted


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The first fact under a key. Times in ms."""

    seen_at: int
    received_at: int


def key_of(posted: SeenPosted) -> bytes | None:
    """None where nobody is known whose repeats could be told from another's first."""
    if posted.user_key is None:
        return None
    parts = msgspec.json.encode((posted.kind, posted.user_key, posted.tag, posted.id))
    return blake2b(parts, digest_size=16).digest()
