"""A fake of MTS OmniChannel: `http-api/v1/messages` and `…/messages/info`, JSON both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import STATUSES, is_secret, password_of, refused, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

PATH = "/mts/http-api/v1/messages"
EPOCHS = 8
SENT = 200


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's paths."""
    desk = MtsDesk(api)
    app.router.add_post(PATH, desk.messages)
    app.router.add_post(PATH + "/info", desk.info)


class MtsDesk:
    """Handlers. `api_key`: the password of Basic authentication."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api

    async def messages(self, request: web.Request) -> web.Response:
        """`POST …/messages`: one message to one phone."""
        if not is_secret(password_of(request), self._api.api_key):
            return refused(Word.UNAUTHORIZED)
        try:
            phone = _phone(orjson.loads(await request.read()))
        except (ValueError, KeyError, IndexError, TypeError):
            return refused(Word.BAD_REQUEST)
        reaction, line = await self._api.take(text_call(request, "mts", phone), request)
        word = reaction.word
        if word in STATUSES:
            return refused(word, reaction.retry_after_s)
        return json_answer(200, {"messages": [{"internal_id": line.provider_message_id, "msisdn": phone}]})

    async def info(self, request: web.Request) -> web.Response:
        """`POST …/messages/info`: the events of messages, by the ids that their sender chose."""
        if not is_secret(password_of(request), self._api.api_key):
            return refused(Word.UNAUTHORIZED)
        asked = orjson.loads(await request.read())
        return json_answer(200, {"events_info": [self._events(key) for key in asked["msg_ids"]]})

    def _events(self, key: str) -> dict[str, Any]:
        lines = (self._api.taken(f"{key}:{epoch}") for epoch in range(EPOCHS))
        line = next((line for line in lines if line is not None), None)
        if line is None:
            unseen = {"error": True, "error_description": "key not exists"}
            return {**unseen, "events_info": [], "key": key}
        event = {"status": SENT, "internal_id": line.provider_message_id, "message_id": key}
        return {"events_info": [event], "key": key}


def _phone(body: Any) -> str:
    message = body["messages"][0]
    recipient = message["to"][0]
    if not (message["content"]["short_text"] and message["from"]["sms_address"] and recipient["message_id"]):
        raise ValueError
    return str(recipient["msisdn"])
