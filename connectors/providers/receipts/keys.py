"""What a `webhook_key` must look like, by kind: with another one every post is turned away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.receipts.in_address import FEWEST_CHARACTERS, SECRET, bears, is_plain
from connectors.providers.receipts.registry import WEBHOOKS
from connectors.providers.receipts.sendgrid import public_key
from connectors.providers.receipts.sns import host_of
from connectors.signatures import FEWEST_BYTES, MOST_BYTES, PREFIX, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

Form = tuple["Callable[[str], object]", str]


def _is_ours(key: str) -> bool:
    try:
        key_of(key)
    except ValueError:
        return False
    return True


OURS: Form = (_is_ours, f"{PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64")
IN_ADDRESS: Form = (is_plain, f"{FEWEST_CHARACTERS} or more of A-Z, a-z, 0-9, `_`, `~`, `.` and `-`")
ANY: Form = (bool, "a text")
# Kinds with a way of their own that are not here take what the vendor calls its key.
FORMS: dict[str, Form] = {
    "megafon": IN_ADDRESS,
    "mts": IN_ADDRESS,
    "postbox": OURS,
    "sendgrid": (public_key, "the verification key in base64, as the vendor shows it"),
    "ses": (host_of, "the ARN of an SNS topic"),
}


def key_wanted(kind: str, key: Any) -> str | None:
    """What the `webhook_key` of a provider of this kind should be; None when this one may be it."""
    is_right, wanted = FORMS.get(kind, ANY if kind in WEBHOOKS else OURS)
    return None if isinstance(key, str) and is_right(key) else wanted


def address_wanted(kind: str, key: str, address: Any) -> str | None:
    """What the `status_url` of a provider of this kind should be; None when this one may be it."""
    is_right = FORMS.get(kind) is not IN_ADDRESS or not isinstance(address, str) or bears(address, key)
    return None if is_right else f"an address with `?{SECRET}=` and the `webhook_key` behind it"
