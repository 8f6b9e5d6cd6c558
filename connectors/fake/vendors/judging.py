"""What the fake of a vendor needs of the desk, and what the fakes of text vendors share."""

from __future__ import annotations

import hmac
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from aiohttp import web

from connectors.fake.judge import Call

if TYPE_CHECKING:
    from connectors.fake.ledger import Line


class Judging(Protocol):
    """`judged`: judge a call and write its line; returns when it is to be answered, with Retry-After in s."""

    async def judged(
        self, call: Call, request: web.Request, *, honours_keys: bool = False
    ) -> tuple[Line, int | None]: ...
    def taken(self, idempotency_key: str) -> Line | None: ...


def text_call(request: web.Request, account: str, phone: str, chosen_id: str = "") -> Call:
    """One text as the desk judges it; phones of magic have a plus."""
    key = request.headers.get("Idempotency-Key", "")
    return Call("sms", account, "+" + phone.removeprefix("+"), key, chosen_id=chosen_id)


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


def json(status: int, body: Any) -> web.Response:
    """Answer with JSON."""
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
