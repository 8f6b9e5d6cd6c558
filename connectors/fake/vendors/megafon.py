"""A fake of MegaFon Hub: `messaging/v1/send`, JSON both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import is_secret, password_of, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

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


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's paths."""
    desk = MegafonDesk(api)
    app.router.add_post("/megafon/messaging/v1/send", desk.send)


class MegafonDesk:
    """Handlers. `api_key`: the password of Basic authentication."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api

    async def send(self, request: web.Request) -> web.Response:
        """`POST /messaging/v1/send`: a scenario of one step, a text."""
        if not is_secret(password_of(request), self._api.api_key):
            return _error(Word.UNAUTHORIZED)
        try:
            phone = _phone(orjson.loads(await request.read()))
        except (ValueError, KeyError, TypeError):
            return _error(Word.BAD_REQUEST)
        reaction, line = await self._api.take(text_call(request, "megafon", phone), request)
        word = reaction.word
        if word in STATUSES:
            return _error(word, reaction.retry_after_s)
        return json_answer(200, {"txId": line.provider_message_id, "state": "ACCEPTED"})


def _phone(body: Any) -> str:
    (step,) = body["scenario"]
    recipient = step["recipient"]
    if (step["channel"], recipient["type"]) != ("sms", "MSISDN") or not (step["sender"] and step["text"]):
        raise ValueError
    return str(recipient["value"])


def _error(word: Word, retry_after_s: int | None = None) -> web.Response:
    answer = json_answer(STATUSES[word], {"message": word.value})
    if retry_after_s is not None or word is Word.UNAVAILABLE:
        answer.headers["Retry-After"] = str(retry_after_s or 1)
    return answer
