"""A fake of MegaFon Hub: `messaging/v1/send`, JSON both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import STATUSES, is_secret, password_of, refused, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk


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
            return refused(Word.UNAUTHORIZED)
        try:
            phone = _phone(orjson.loads(await request.read()))
        except (ValueError, KeyError, TypeError):
            return refused(Word.BAD_REQUEST)
        reaction, line = await self._api.take(text_call(request, "megafon", phone), request)
        word = reaction.word
        if word in STATUSES:
            return refused(word, reaction.retry_after_s)
        return json_answer(200, {"txId": line.provider_message_id, "state": "ACCEPTED"})


def _phone(body: Any) -> str:
    (step,) = body["scenario"]
    recipient = step["recipient"]
    if (step["channel"], recipient["type"]) != ("sms", "MSISDN") or not (step["sender"] and step["text"]):
        raise ValueError
    return str(recipient["value"])
