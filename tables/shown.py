"""Table `shown`: which communications a user has seen, under each of his ids (GEN-OP-08).

key     user, `<id_type>:<id>`, U+0000, communication id (utf-8)
value   `Shown`
writer  agents/enlist.py

A row for each, not one for all of a user: facts come one by one, and each ends by itself when the tag's
`remember_for` is over. Nothing is merged: who posts under two ids has two rows.
"""

from __future__ import annotations

import msgspec

END_OF_USER = b"\0"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A communication was shown."""

    seen_at: int


def key_of(user: str, communication_id: str) -> bytes:
    """No id of a communication holds U+0000."""
    return user.encode() + END_OF_USER + communication_id.encode()


def user_of(key: bytes) -> str:
    """Whose row it is."""
    return key.rpartition(END_OF_USER)[0].decode()
