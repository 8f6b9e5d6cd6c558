"""Reports of Mailgun: webhooks of a domain, signed (NS-CH-023, NS-CH-027). Never run against the real vendor.

Sources: the pages "Securing Webhooks" (HMAC-SHA256 of timestamp and token), "Webhook Payloads", "Event
Structure" and "Open and Click Bot Detection" of documentation.mailgun.com; words of `reason` as
django-anymail knows them. `webhook_key` is the account's "HTTP webhook signing key".

The signature does not cover what is told, only a time and a token: whoever had one could word events of his
own with it. So it is good for a day; the vendor repeats a post for hours. `event-data.id` is promised to
be unique within a day only, which is enough beside message, kind and time.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.providers.mailgun import MESSAGE_VARIABLE
from connectors.providers.receipts.port import SECOND_MS, Told, at_of, json_in, member, text
from schemas.errors import DecodeError, Fault
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

GOOD_MS = 86_400_000

# `event`, with `severity` and `reason` where they stand so → ours. `failed:temporary` is tried again.
EVENTS: dict[str, ReceiptKind] = {
    "delivered": ReceiptKind.DELIVERED,
    "rejected": ReceiptKind.FAILED,
    "failed:permanent": ReceiptKind.FAILED,
    "failed:permanent:bounce": ReceiptKind.BOUNCED,
    "failed:permanent:suppress-bounce": ReceiptKind.BOUNCED,
    "opened": ReceiptKind.OPENED,
    "clicked": ReceiptKind.CLICKED,
    "complained": ReceiptKind.COMPLAINED,
    "unsubscribed": ReceiptKind.UNSUBSCRIBED,
}
BY_MACHINE = {
    ReceiptKind.OPENED: ReceiptKind.OPENED_BY_MACHINE,
    ReceiptKind.CLICKED: ReceiptKind.CLICKED_BY_MACHINE,
}


class Proof(msgspec.Struct):
    """What is signed, and the signature."""

    timestamp: str
    token: str
    signature: str


class Proven(msgspec.Struct):
    """A post, as far as it is read before it is believed."""

    signature: Proof


class MailgunWebhook:
    """The vendor's way: one event in each post."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:
        """The signature stands in the body."""
        try:
            proof: Proof = json_in(post.body, Proven).signature
        except DecodeError:
            return False
        stamp = proof.timestamp
        if not key or not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= len("9999999999")):
            return False
        wanted = hmac.digest(key.encode(), (stamp + proof.token).encode("utf-8", "replace"), sha256).hex()
        is_right = hmac.compare_digest(wanted.encode(), proof.signature.encode("utf-8", "replace"))
        return is_right and abs(now - int(stamp) * SECOND_MS) <= GOOD_MS

    def events(self, post: Post) -> Iterator[Told]:
        """The one under `event-data`."""
        event = member(json_in(post.body), "event-data")
        if not isinstance(event, dict):
            raise DecodeError(Fault.WRONG_FIELD, "event-data is no object")
        status = member(event, "delivery-status")
        yield Told(
            _kind(event),
            text(member(event, "user-variables", MESSAGE_VARIABLE)),
            at_of(event.get("timestamp")),
            text(event.get("id")),
            text(member(status, "message")) or text(member(status, "description")),
        )


def _kind(event: dict[str, Any]) -> ReceiptKind | None:
    word = ":".join(filter(None, (text(event.get(name)) for name in ("event", "severity"))))
    found = EVENTS.get(f"{word}:{text(event.get('reason'))}") or EVENTS.get(word)
    if found is None or not text(member(event, "client-info", "bot")):
        return found
    return BY_MACHINE.get(found, found)
