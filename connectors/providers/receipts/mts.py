"""Reports of MTS (OmniChannel, MTS Marketolog): callbacks of the account (NS-CH-043). Never run against MTS.

Sources: "Documentation of the REST API" of support.mts.ru (MTS Marketolog), which says that statuses are
posted to an address of the account, and public clients of `http-api/v1` for the words and for what an event
looks like. Unconfirmed: the envelope of a callback. So an event is read wherever it stands in the JSON, by
the fields that it has in the answer to `messages/info`. MTS is not known to sign anything: `webhook_key`
stands in the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.receipts.in_address import knows_the_address
from connectors.providers.receipts.port import Told, at_in, json_in, text
from connectors.providers.texting import word
from schemas.errors import DecodeError, Fault
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

MOST_ENVELOPES = 6

# `status` → ours; 200 is on its way.
EVENTS: dict[str, ReceiptKind] = {
    "201": ReceiptKind.FAILED,  # not sent
    "300": ReceiptKind.DELIVERED,
    "301": ReceiptKind.FAILED,  # sent, and not delivered
}


class MtsWebhook:
    """The vendor's way, as far as it is known."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - nothing is too old
        """The secret of the address."""
        return knows_the_address(post, key)

    def events(self, post: Post) -> Iterator[Told]:
        """All that name a message, by the id that the adapter handed over, and a status."""
        found = list(_events(json_in(post.body), MOST_ENVELOPES))
        if not found:
            raise DecodeError(Fault.WRONG_FIELD, "no event in it")
        for event in found:
            status = word(event["status"])
            yield Told(
                EVENTS.get(status),
                text(event["message_id"]),
                at_in(text(event.get("event_at"))),
                word(event.get("internal_id")),
                f"status {status}",
            )


def _events(found: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict) and {"status", "message_id"} <= found.keys():
        yield found
    elif depth and isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from _events(inner, depth - 1)
