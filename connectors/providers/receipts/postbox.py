"""Reports of Yandex Cloud Postbox, out of a stream (NS-CH-023). Never run against the real vendor.

Sources: "Email event notifications", "Integrating Postbox with external systems using webhooks" and
"Trigger for Data Streams" of github.com/yandex-cloud/docs. Postbox posts nothing itself: it writes to a
stream, whose trigger calls a function of yours with `{"messages": [...]}`. That function posts what it got,
signed as our own form is signed (docs/providers.md has one), so `webhook_key` is `whsec_<base64>`.

Notifications come at least once; a repeat has the same `eventId`. A bounce is called permanent whatever
stood in the way of the mail, so only an answer of the recipient's server about the address spares it. Of
openings by machines the vendor says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.receipts.port import json_in, member, objects, text
from connectors.providers.receipts.ses import recipient_in, told_in
from connectors.providers.receipts.standard import StandardWebhook
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post, Told

# Status codes of mail (RFC 3463, RFC 7505) that say that there is no such address.
NO_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})

# `eventType` → ours. `Send` and `DeliveryDelay` change nothing; the page names the way out by two words.
EVENTS: dict[str, ReceiptKind] = {
    "Delivery": ReceiptKind.DELIVERED,
    "Bounce": ReceiptKind.FAILED,
    "Open": ReceiptKind.OPENED,
    "Click": ReceiptKind.CLICKED,
    "Unsubscribe": ReceiptKind.UNSUBSCRIBED,
    "Subscription": ReceiptKind.UNSUBSCRIBED,
}


class PostboxWebhook(StandardWebhook):
    """Our own way of signing; the vendor's words, or ours from a reader of the stream that knows them."""

    def events(self, post: Post) -> Iterator[Told]:
        """What a trigger handed over in one go."""
        body = json_in(post.body)
        if member(body, "events") is not None:
            yield from super().events(post)
            return
        for event in objects(member(body, "messages"), "messages"):
            yield told_in(event, _kind(event), text(event.get("eventId")))


def _kind(event: dict[str, Any]) -> ReceiptKind | None:
    kind = EVENTS.get(text(event.get("eventType")))
    is_gone = text(recipient_in(event).get("status")) in NO_ADDRESS
    return ReceiptKind.BOUNCED if kind is ReceiptKind.FAILED and is_gone else kind
