"""Ids that follow from their inputs: a replay makes the same ones, and a stranger can compute them again.

`derived(kind, *parts)` = BLAKE2b with a digest of 16 bytes over the UTF-8 texts joined by U+0000, written as
a UUID of version 8 (RFC 9562: the bits of version and variant are set, the rest is the hash).
"""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

SUBJECT = "user"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""User of rows whose own was erased."""
BUCKETS = 1024
"""Shares of all users of audiences. Rows and records are of one bucket each: this number never changes."""
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def derived(kind: str, *parts: str) -> str:
    """A UUID text of the inputs; `kind` keeps ids of different things apart."""
    text = blake2b("\0".join((kind, *parts)).encode(), digest_size=16).hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def subject_key(user_id: str) -> bytes:
    """Kafka key of everything about one user, after the intake (GEN-OP-03)."""
    return f"{SUBJECT}:{user_id}".encode()


def person_named(digest: str) -> str:
    """Name of an erased user, under which evidence stays; `digest`: a keyed hash of his id (NS-SEC-OP-03)."""
    return derived("person", digest)


def keyed_request(source: str, user_id: str, key: str) -> str:
    """Id of a request that came over HTTP with a key: a repeat has the same."""
    return derived("send", source, user_id, key)


def device_named(user_id: str, platform: str, token_hash: str) -> str:
    """Id of a device: the same each time it registers (NS-DATA-058)."""
    return derived("device", user_id, platform, token_hash)


def audience_user(id_type: str, user_id: str) -> str:
    """Name of a user of audiences (AUD-OP-17)."""
    return f"{id_type}:{user_id}"


def bucket_of(user: str) -> int:
    """Which share of all users of audiences this one belongs to. CRC-32: 0.1 µs, where murmur2 takes 5."""
    return crc32(user.encode()) % BUCKETS


def bucket_key(bucket: int) -> bytes:
    """Kafka key of everything about the users of a bucket."""
    return f"bucket:{bucket}".encode()
