"""Table `requests`: which requests of a user were taken already (NS-SND-OP-11).

key     `key_of(request)`: user key, then a digest of source and idempotency key
value   `Taken`
writer  agents/recipient.py

A row ends by itself at `remembered_until`; after that the same key counts as new.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from schemas.ids import derived, subject_key

if TYPE_CHECKING:
    from schemas.records import NotificationType, RequestReceived

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
CONTACT_WAIT_MS = 30_000
"""How long a request waits for the first address of its user: both travel on different topics."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The first request under a key. Time in ms."""

    request_id: str
    taken_at: int
    content: str | None = None  # `content_of`; None, too, if an earlier version took it

    def asked_the_same(self, request: RequestReceived) -> bool:
        """Whether a repeat is one in all it asks for, as far as that was kept."""
        content = content_of(request) if self.content is not None else None
        return content is None or content == self.content

    def repeat_id(self, request: RequestReceived) -> str:
        """Id of the row of a repeat: its own, unless a producer sent one request id twice."""
        if request.request_id != self.request_id:
            return request.request_id
        return derived("repeat", request.request_id, request.origin)


def key_of(request: RequestReceived) -> bytes:
    """The identity of a request: source, recipient and idempotency key; never its content."""
    named = f"{request.source}\0{request.idempotency_key}".encode()
    return subject_key(request.user_id) + b"/" + blake2b(named, digest_size=16).digest()


def content_of(request: RequestReceived) -> str | None:
    """What was asked for, as a digest: a repeat has the same, a key used for something else has not.

    None for what a rule made of an event: one action may be told by an event and by a request, whose data are
    alike in meaning only. The lane is left out: it follows from the type as much as from the request.
    """
    if request.rule is not None:
        return None
    asked = (request.notification_type, request.language, request.scheduled_at, request.channels)
    digest = blake2b(_encode(_decode(request.data)), digest_size=8)
    digest.update(repr(asked).encode())
    return digest.hexdigest()


def remembered_until(request: RequestReceived, kind: NotificationType, now: int) -> int:
    """End (ms) of the window: from the release on, with room for the wait, never shorter than the ttl."""
    window_ms = max(kind.dedup_window_s, kind.ttl_s) * 1000
    return max(now, request.scheduled_at or 0) + CONTACT_WAIT_MS + window_ms
