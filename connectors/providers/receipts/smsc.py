"""Reports of SMSC.ru: its call of a handler after each status (NS-CH-043). Never run against the real vendor.

Sources: the pages "Transmitting statuses and messages to the Client handler" (GET or POST, `md5` and `sha1`
in the handler's address), "Status codes" and "Error codes in the status" of smsc.ru and smscentre.com; what
is signed, `id:phone:status:secret`, as public handlers of it have it (finenumbers/sms). `webhook_key` is
that secret. Unconfirmed: where an account sets it, and whether SMSC asks for a word in the answer.

Signed are message, phone and status, not the time nor `err`: whoever had a call of SMSC could repeat it
with others, and say of a phone that was not reached that there is none. `crc32`, which SMSC knows too,
proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from connectors.providers.receipts.forms import form_in, query_in
from connectors.providers.receipts.port import Told, at_in_digits
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

ALGORITHMS = ("sha1", "md5")
"""Which of them, the handler's address says; its digest comes under that name."""
SIGNED = ("id", "phone", "status")

# `status`, with `err` where it says that there is no such phone → ours. 0, -1 and -2 are on the way.
EVENTS: dict[str, ReceiptKind] = {
    "1": ReceiptKind.DELIVERED,
    "2": ReceiptKind.OPENED,
    "3": ReceiptKind.FAILED,  # its time is over
    "4": ReceiptKind.CLICKED,
    "20": ReceiptKind.FAILED,
    "20:1": ReceiptKind.BOUNCED,
    "22": ReceiptKind.BOUNCED,  # no phone number
    "23": ReceiptKind.FAILED,  # forbidden
    "24": ReceiptKind.FAILED,  # no money
    "25": ReceiptKind.FAILED,
}


class SmscWebhook:
    """The vendor's way: one status in each call, in a form or behind the path."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - the time is not signed
        """A digest over message, phone, status and the secret."""
        if not key or not any(name in post.query or name.encode() in post.body for name in ALGORITHMS):
            return False
        try:
            told = _told(post)
        except DecodeError:
            return False
        signed = ":".join([*(told.get(name, "") for name in SIGNED), key]).encode("utf-8", "replace")
        return any(_is_digest(told.get(name, ""), name, signed) for name in ALGORITHMS)

    def events(self, post: Post) -> Iterator[Told]:
        """The one. Our id of the message is the one that the adapter handed over."""
        told = _told(post)
        status, error = told.get("status", ""), told.get("err", "")
        kind = EVENTS.get(f"{status}:{error}") or EVENTS.get(status)
        detail = f"status {status}, error {error or '0'}"
        yield Told(kind, told.get("id", ""), at_in_digits(told.get("ts", "")), "", detail)


def _told(post: Post) -> dict[str, str]:
    return query_in(post.query) | dict(form_in(post.body))


def _is_digest(told: str, algorithm: str, signed: bytes) -> bool:
    wanted = hashlib.new(algorithm, signed, usedforsecurity=False).hexdigest()
    return hmac.compare_digest(wanted.encode(), told.lower().encode("utf-8", "replace"))
