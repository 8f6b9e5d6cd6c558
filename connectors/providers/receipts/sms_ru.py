"""Reports of SMS.ru: its callback, signed (NS-CH-043). Never run against the real vendor.

Sources: the page "API callback" of sms.ru as public handlers of it have it (a form in parts, entries
under `data`, the answer 100, repeats for five days), and "Statuses" of `sms/status`. `hash` is SHA-256 over
the account's `api_id` and all entries; `webhook_key` is that `api_id`.

An entry names the vendor's own id of a text, for the vendor takes none of ours: so it is of no message
here, and counted as a stranger's.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from connectors.providers.receipts.forms import form_in
from connectors.providers.receipts.port import Told, at_in_digits
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

ANSWER = "100"
"""The vendor repeats a post until it is told so."""
STATUS = "sms_status"
DIGEST = "hash"
LINES = 4
_ENTRY = re.compile(r"data(?:\[\d*\])?")

# The third line of an entry → ours. Others are of a text on its way, or of another service of the vendor.
EVENTS: dict[str, ReceiptKind] = {
    "103": ReceiptKind.DELIVERED,
    "104": ReceiptKind.FAILED,  # its time is over
    "105": ReceiptKind.FAILED,
    "106": ReceiptKind.FAILED,
    "107": ReceiptKind.FAILED,
    "108": ReceiptKind.FAILED,
    "110": ReceiptKind.OPENED,
    "150": ReceiptKind.FAILED,
}


class SmsRuWebhook:
    """The vendor's way: entries of four lines each."""

    def is_genuine(self, post: Post, key: str, now: int) -> bool:  # noqa: ARG002 - nothing is too old
        """A digest over the secret and the entries."""
        if not key or DIGEST.encode() not in post.body:
            return False
        try:
            form = form_in(post.body)
        except DecodeError:
            return False
        told = dict(form).get(DIGEST, "").lower().encode("utf-8", "replace")
        signed = "".join([key, *_entries(form)]).encode("utf-8", "replace")
        return hmac.compare_digest(sha256(signed).hexdigest().encode(), told)

    def events(self, post: Post) -> Iterator[Told]:
        """What is said of texts; calls and trials of the address mean nothing here."""
        for entry in _entries(form_in(post.body)):
            lines = [line.strip() for line in entry.split("\n")]
            if lines[0] != STATUS or len(lines) < LINES:
                yield Told(None, "", 0, "")
            else:
                yield Told(EVENTS.get(lines[2]), "", at_in_digits(lines[3]), lines[1], f"status {lines[2]}")


def _entries(form: list[tuple[str, str]]) -> list[str]:
    return [value for name, value in form if _ENTRY.fullmatch(name)]
