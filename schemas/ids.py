"""Ids that follow from their inputs: a replay makes the same ones, and a stranger can compute them again.

`derived(kind, *parts)` = BLAKE2b with a digest of 16 bytes over the UTF-8 texts joined by U+0000, written as
a UUID of version 8 (RFC 9562: the bits of version and variant are set, the rest is the hash).
"""

from __future__ import annotations

from hashlib import blake2b

SUBJECT = "user"
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def derived(kind: str, *parts: str) -> str:
    """A UUID text of the inputs; `kind` keeps ids of different things apart."""
    text = blake2b("\0".join((kind, *parts)).encode(), digest_size=16).hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def subject_key(user_id: str) -> bytes:
    """Kafka key of everything about one user, after the intake (GEN-OP-03)."""
    return f"{SUBJECT}:{user_id}".encode()
