"""A fake of MegaFon Hub: `messaging/v1/send`, JSON both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.fake.judge import Word
from connectors.fake.vendors.judging import is_secret, json, password_of, text_call

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.vendors.judging import Judging

# Word of the desk → HTTP status.
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


class MegafonDesk:
    """Handlers. `api_key`: the password of Basic authentication."""

    def __init__(self, judging: Judging, api_key: str | None) -> None:
        self._judging = judging
        self._api_key = api_key

    def add_to(self, app: web.Application) -> None:
        """Serve beside the other vendors."""
        app.router.add_post("/messaging/v1/send", self.send)

    async def send(self, request: web.Request) -> web.Response:
        """`POST /messaging/v1/send`: a scenario of one step, a text."""
        if not is_secret(password_of(request), self._api_key):
            return _error(Word.UNAUTHORIZED)
        try:
            phone = _phone(orjson.loads(await request.read()))
        except (ValueError, KeyError, TypeError):
            return _error(Word.BAD_REQUEST)
        line, retry_after_s = await self._judging.judged(text_call(request, "megafon", phone), request)
        word = Word(line.verdict)
        if word in STATUSES:
            return _error(word, retry_after_s)
        return json(200, {"txId": line.provider_message_id, "state": "ACCEPTED"})


def _phone(body: Any) -> str:
    (step,) = body["scenario"]
    recipient = step["recipient"]
    if (step["channel"], recipient["type"]) != ("sms", "MSISDN") or not (step["sender"] and step["text"]):
        raise ValueError
    return str(recipient["value"])


def _error(word: Word, retry_after_s: int | None = None) -> web.Response:
    answer = json(STATUSES[word], {"message": word.value})
    if retry_after_s is not None or word is Word.UNAVAILABLE:
        answer.headers["Retry-After"] = str(retry_after_s or 1)
    return answer
