"""Ids derived from what they name: a replay writes the same ones, and nobody has to remember them."""

from __future__ import annotations

from hashlib import blake2b


def event_id(*parts: object) -> str:
    """Uuid text of the parts in order; the separator does not occur in ids, words and numbers."""
    h = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
