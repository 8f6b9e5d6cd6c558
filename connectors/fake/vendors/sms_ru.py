"""A fake of SMS.ru: `sms/send` with answers in JSON, HTTP 200 to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import is_secret, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

OK = 100

# Word of the desk → `status_code` and `status_text`.
ERRORS: dict[Word, tuple[int, str]] = {
    Word.INVALID_RECIPIENT: (207, "Nothing can be sent to this phone"),
    Word.UNREGISTERED: (202, "The recipient is wrong"),
    Word.REJECTED: (216, "A forbidden word"),
    Word.RATE_LIMITED: (231, "Too many equal messages to this phone in a minute"),
    Word.UNAVAILABLE: (220, "Not available for the moment, try a little later"),
    Word.UNAUTHORIZED: (200, "Wrong api_id"),
    Word.BAD_REQUEST: (203, "No text"),
    Word.SILENT: (500, "An error of the server"),
}
WHOLE = (Word.UNAUTHORIZED, Word.UNAVAILABLE, Word.SILENT)


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's paths."""
    desk = SmsRuDesk(api)
    app.router.add_post("/sms_ru/sms/send", desk.send)


class SmsRuDesk:
    """Handlers. `api_key`: the `api_id`."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api

    async def send(self, request: web.Request) -> web.Response:
        """`POST /sms/send`: `api_id`, `to`, `msg`, `json`."""
        sent = {name: str(value) for name, value in (await request.post()).items()}
        phone = sent.get("to", "")
        if not is_secret(sent.get("api_id", ""), self._api.api_key):
            return _error(Word.UNAUTHORIZED, phone)
        if not sent.get("msg") or sent.get("json") != "1":
            return _error(Word.BAD_REQUEST, phone)
        reaction, line = await self._api.take(text_call(request, "sms_ru", phone), request)
        word = reaction.word
        if word in ERRORS:
            return _error(word, phone)
        taken = {"status": "OK", "status_code": OK, "sms_id": line.provider_message_id}
        return _answer({phone: taken})


def _error(word: Word, phone: str) -> web.Response:
    code, text = ERRORS[word]
    error = {"status": "ERROR", "status_code": code, "status_text": text}
    return json_answer(200, error) if word in WHOLE else _answer({phone: error})


def _answer(phones: dict[str, dict[str, object]]) -> web.Response:
    return json_answer(200, {"status": "OK", "status_code": OK, "sms": phones, "balance": 4122.56})
