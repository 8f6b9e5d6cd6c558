"""Reports of MegaFon (Hub): callbacks of each text (NS-CH-043). Never run against the real vendor.

Sources: "Integration by API" of docs.hub.megafon.ru (`callback` of a request, "Return of the status") and
public clients for `state` and `txId`. Unconfirmed: the fields of a callback beside `state`, whether more
than one comes in a post, and states other than these. MegaFon is not known to sign anything: `webhook_key`
stands in the entry's `status_url`, as `secret`, and our key of the text is put behind it. No time is known:
that of the post counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.providers.port import message_id_of
from connectors.providers.receipts.forms import query_in
from connectors.providers.receipts.in_address import knows_the_address
from connectors.providers.receipts.port import Told, json_in, objects, text
from connectors.providers.texting import KEY_IN_URL, word
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

# `state` → ours; `ACCEPTED` is on its way.
EVENTS: dict[str, ReceiptKind] = {
    "DELIVERED": ReceiptKind.DELIVERED,
    "SEEN": ReceiptKind.OPENED,
    "EXPIRED": ReceiptKind.FAILED,
}


class MegafonWebhook:
    """The vendor's way, as far as it is known: one object, or a list of them, about one text."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - nothing is too old
        """The secret of the address."""
        return knows_the_address(post, key)

    def events(self, post: Post) -> Iterator[Told]:
        """What is said of the text whose key stands in the address."""
        body = json_in(post.body)
        message_id = message_id_of(query_in(post.query).get(KEY_IN_URL, ""))
        for event in objects(body if isinstance(body, list) else [body], "the body"):
            state = text(event.get("state"))
            yield Told(EVENTS.get(state), message_id, 0, word(event.get("txId")), f"state {state}")
