"""Our own form, for providers of yours, and of every kind that has no form of its own here.

Signed in the way of Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), which covers
the body; `webhook_key` is `whsec_<base64>`. A signature is good for five minutes: each try signs anew.

The body is `{"events": [{"type", "message_id", "at", "id", "detail"}]}`: `type` a word of `ReceiptKind`,
`at` RFC 3339, `id` what tells the event from others; `id` and `detail` may be left out.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from connectors.providers.receipts.port import (
    LONGEST_STAMP,
    SECOND_MS,
    Told,
    at_in,
    json_in,
    member,
    objects,
    text,
)
from connectors.signatures import key_of, signature
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

GOOD_MS = 300_000


class StandardWebhook:
    """Our own way."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:
        """One of the signatures in the header, which has two while a key is changed."""
        stamp, name = (post.headers.get(f"webhook-{each}", "") for each in ("timestamp", "id"))
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= LONGEST_STAMP and name.isascii()):
            return False
        try:
            wanted = signature(key_of(key), name, int(stamp), post.body)["webhook-signature"].encode()
        except ValueError:
            return False
        told = post.headers.get("webhook-signature", "").encode("utf-8", "replace").split()
        is_right = any(hmac.compare_digest(wanted, each) for each in told)
        return is_right and abs(now - int(stamp) * SECOND_MS) <= GOOD_MS

    def events(self, post: Post) -> Iterator[Told]:
        """A list under `events`."""
        for event in objects(member(json_in(post.body), "events"), "events"):
            yield Told(
                _kind(event),
                text(event.get("message_id")),
                at_in(text(event.get("at"))),
                text(event.get("id")),
                text(event.get("detail")),
            )


def _kind(event: dict[str, Any]) -> ReceiptKind | None:
    word = text(event.get("type"))
    return ReceiptKind(word) if word in set(ReceiptKind) else None
