"""Proof of vendors who sign nothing: a secret in the address, which nobody but the vendor was given.

Less than a signature: it says who may post, not what was told, and whoever reads the address on its way (a
gateway's log, above all) can post as the vendor.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from connectors.providers.receipts.forms import query_in

if TYPE_CHECKING:
    from connectors.providers.receipts.port import Post

SECRET = "secret"  # noqa: S105 - the name of what stands behind `?`
FEWEST_CHARACTERS = 24
"""Of a `webhook_key` that anybody may try to guess."""
_PLAIN = re.compile(rf"[A-Za-z0-9_~.-]{{{FEWEST_CHARACTERS},}}", re.ASCII)


def is_plain(key: str) -> bool:
    """Whether a key stands in an address as it is: `+`, `%`, `&` and `#` mean something else there."""
    return _PLAIN.fullmatch(key) is not None


def bears(address: str, key: str) -> bool:
    """Whether a vendor that reports to this address knows the key."""
    return query_in(address.partition("#")[0].partition("?")[2]).get(SECRET) == key


def knows_the_address(post: Post, key: str) -> bool:
    """Whether the address bears the key; a short one proves nothing."""
    told = query_in(post.query).get(SECRET, "").encode("utf-8", "replace")
    return len(key) >= FEWEST_CHARACTERS and hmac.compare_digest(key.encode("utf-8", "replace"), told)
