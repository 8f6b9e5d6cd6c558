"""Reports of SendGrid: Event Webhook, signed (NS-CH-023, NS-CH-027). Never run against the real vendor.

Sources: Twilio's pages "Event Webhook Reference" (events and their fields, `sg_machine_open`, the types
`bounce` and `blocked`) and "Getting Started with the Event Webhook Security Features" (ECDSA over timestamp
and body, names of the headers); reasons of drops as django-anymail knows them. `webhook_key` is the
verification key as the vendor shows it: SubjectPublicKeyInfo in base64, without the lines of PEM.

A repeat bears the same `sg_event_id`; how old a signature may be is not documented, so none is too old:
it covers the body, and a body that comes twice says nothing new. Of a bounce that comes late and by mail the
vendor may lose our argument; then it is of no message.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors.providers.receipts.port import Told, at_of, json_in, objects, text
from connectors.providers.sendgrid import MESSAGE_ARGUMENT
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

# `event`, with `type` of a bounce or `reason` of a drop where one of these stands → ours. `processed`
# and `deferred` change nothing; a return to a group is the user's own choice on the vendor's page.
EVENTS: dict[str, ReceiptKind] = {
    "delivered": ReceiptKind.DELIVERED,
    "bounce": ReceiptKind.BOUNCED,
    "bounce:blocked": ReceiptKind.FAILED,
    "dropped": ReceiptKind.FAILED,
    "dropped:Bounced Address": ReceiptKind.BOUNCED,
    "dropped:Invalid": ReceiptKind.BOUNCED,
    "open": ReceiptKind.OPENED,
    "click": ReceiptKind.CLICKED,
    "spamreport": ReceiptKind.COMPLAINED,
    "unsubscribe": ReceiptKind.UNSUBSCRIBED,
    "group_unsubscribe": ReceiptKind.UNSUBSCRIBED,
}


class SendGridWebhook:
    """The vendor's way."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - nothing is too old
        """ECDSA over timestamp and body."""
        public = public_key(key)
        if public is None:
            return False
        try:
            signature = b64decode(post.headers.get(SIGNATURE, ""), validate=True)
            signed = post.headers.get(TIMESTAMP, "").encode() + post.body
            public.verify(signature, signed, ECDSA(SHA256()))
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    def events(self, post: Post) -> Iterator[Told]:
        """A list of up to some thousand."""
        for event in objects(json_in(post.body), "the body"):
            yield Told(
                _kind(event),
                text(event.get(MESSAGE_ARGUMENT)),
                at_of(event.get("timestamp")),
                text(event.get("sg_event_id")),
                text(event.get("reason")) or text(event.get("response")),
            )


def _kind(event: dict[str, Any]) -> ReceiptKind | None:
    word = text(event.get("event"))
    if word == "open" and event.get("sg_machine_open") is True:
        return ReceiptKind.OPENED_BY_MACHINE
    finer = (f"{word}:{text(event.get(name))}" for name in ("type", "reason"))
    return next((EVENTS[each] for each in (*finer, word) if each in EVENTS), None)


@lru_cache(maxsize=64)
def public_key(key: str) -> EllipticCurvePublicKey | None:
    """The verification key; None for what is none."""
    try:
        found = load_der_public_key(b64decode("".join(key.split()), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, EllipticCurvePublicKey) else None
