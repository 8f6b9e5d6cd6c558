"""What the fakes of text vendors share: the call as the desk judges it, and who may call.

The key of a call is known by its header `Idempotency-Key`, which none of these vendors honours.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import TYPE_CHECKING

from connectors.fake.judge import Call

if TYPE_CHECKING:
    from aiohttp import web


def text_call(request: web.Request, account: str, phone: str, given_id: str = "") -> Call:
    """One text; phones of magic have a plus."""
    key = request.headers.get("Idempotency-Key", "")
    return Call("sms", account, "+" + phone.removeprefix("+"), key, given_id=given_id)


def password_of(request: web.Request) -> str:
    """The password of Basic authentication; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        return b64decode(token).decode().partition(":")[2] if scheme == "Basic" else ""
    except ValueError:
        return ""


def is_secret(given: str, expected: str | None) -> bool:
    """Whether the caller knows the secret; None lets anyone in."""
    return expected is None or hmac.compare_digest(given.encode(), expected.encode())
