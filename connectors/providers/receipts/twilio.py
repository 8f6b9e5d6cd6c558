"""Reports of Twilio: status callbacks, signed (NS-CH-043). Never run against the real vendor.

Sources: Twilio's pages "Outbound Message Status in Status Callbacks" (`MessageStatus`, `ErrorCode`), "Secure
webhooks" (HMAC-SHA1 over the address and the sorted fields of the form) and of the error dictionary.
`webhook_key` is the account's primary auth token, whatever the adapter logs in with.

The signature covers the address as Twilio was given it, so that is the entry's `status_url`, with our key
behind it, and must be the address of this webhook as Twilio reaches it. The form names no message of ours
and no time: the id stands in the address, the time is that of the post.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

from connectors.providers.port import message_id_of
from connectors.providers.receipts.forms import form_in, query_in
from connectors.providers.receipts.port import Told
from connectors.providers.texting import KEY_IN_URL
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

SIGNATURE = "X-Twilio-Signature"

# `MessageStatus`, with `ErrorCode` where it says that there is no such phone → ours. The words
# before `delivered` say nothing new.
EVENTS: dict[str, ReceiptKind] = {
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.OPENED,
    "canceled": ReceiptKind.FAILED,
    "failed": ReceiptKind.FAILED,
    "failed:30005": ReceiptKind.BOUNCED,
    "undelivered": ReceiptKind.FAILED,
    "undelivered:30005": ReceiptKind.BOUNCED,
}


class TwilioWebhook:
    """The vendor's way: one event in each post."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - it tells no time
        """HMAC-SHA1 over the address and what is told."""
        told = post.headers.get(SIGNATURE, "").encode("utf-8", "replace")
        if not (key and post.url and told):
            return False
        try:
            fields = form_in(post.body)
        except DecodeError:
            return False
        signed = post.url + "".join(name + value for name, value in sorted(fields))
        wanted = b64encode(hmac.digest(key.encode(), signed.encode("utf-8", "replace"), "sha1"))
        return hmac.compare_digest(wanted, told)

    def events(self, post: Post) -> Iterator[Told]:
        """The one in the form."""
        told = dict(form_in(post.body))
        word, error = told.get("MessageStatus", ""), told.get("ErrorCode", "")
        kind = EVENTS.get(f"{word}:{error}") or EVENTS.get(word)
        key = query_in(post.query).get(KEY_IN_URL, "")
        detail = f"error {error}" if error else ""
        yield Told(kind, message_id_of(key), 0, told.get("MessageSid", ""), detail)
