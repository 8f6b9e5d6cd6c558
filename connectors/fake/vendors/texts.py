"""What the fakes of text vendors share: the call as the desk judges it, and who may call.

The key of a call is known by its header `Idempotency-Key`, which none of these vendors honours.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import TYPE_CHECKING

from connectors.fake.judge import Call, Word
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

# Word of the desk → HTTP status, of vendors whose own codes of errors are not published.
STATUSES: dict[Word, int] = {
    Word.INVALID_RECIPIENT: 400,
    Word.UNREGISTERED: 400,
    Word.REJECTED: 400,
    Word.RATE_LIMITED: 429,
    Word.UNAVAILABLE: 503,
    Word.UNAUTHORIZED: 401,
    Word.BAD_REQUEST: 400,
    Word.SILENT: 500,
}


def text_call(request: web.Request, account: str, phone: str, given_id: str = "") -> Call:
    """One text; phones of magic have a plus."""
    key = request.headers.get("Idempotency-Key", "")
    return Call("sms", account, "+" + phone.removeprefix("+"), key, given_id=given_id)


def refused(word: Word, retry_after_s: int | None = None) -> web.Response:
    """A refusal by status. A 503 says when to come back: else it would not say that nothing was taken."""
    answer = json_answer(STATUSES[word], {"code": STATUSES[word], "message": word.value})
    if retry_after_s is not None or word is Word.UNAVAILABLE:
        answer.headers["Retry-After"] = str(retry_after_s or 1)
    return answer


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
