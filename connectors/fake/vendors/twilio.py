"""A fake of Twilio's Messages resource: forms in, a message or an error in JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import is_secret, password_of, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from connectors.fake.http_server import ApiDesk

PATH = "/twilio/2010-04-01/Accounts/{account}/Messages.json"

# Word of the desk → HTTP status, Twilio's code, its sentence.
ERRORS: dict[Word, tuple[int, int, str]] = {
    Word.INVALID_RECIPIENT: (400, 21612, "The 'To' phone number: {to}, is not currently reachable via SMS"),
    Word.UNREGISTERED: (400, 21614, "'To' number is not a valid mobile number"),
    Word.REJECTED: (400, 21610, "Attempt to send to unsubscribed recipient"),
    Word.RATE_LIMITED: (429, 20429, "Too Many Requests"),
    Word.UNAVAILABLE: (503, 20503, "Service unavailable"),
    Word.UNAUTHORIZED: (401, 20003, "Authenticate"),
    Word.BAD_REQUEST: (400, 21604, "A 'To' phone number is required."),
    Word.SILENT: (500, 20500, "Internal Server Error"),
}


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's paths."""
    desk = TwilioDesk(api)
    app.router.add_post(PATH, desk.messages)


class TwilioDesk:
    """Handlers. `api_key`: the password of Basic authentication."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api

    async def messages(self, request: web.Request) -> web.Response:
        """`POST …/Messages.json`: `To`, `Body`, and `From` or `MessagingServiceSid`."""
        sent = await request.post()
        to, account = str(sent.get("To", "")), request.match_info["account"]
        if not is_secret(password_of(request), self._api.api_key):
            return _error(Word.UNAUTHORIZED, to)
        if not to:
            return _error(Word.BAD_REQUEST, to)
        reaction, line = await self._api.take(text_call(request, account, to), request)
        word = reaction.word
        if word in ERRORS:
            refused = _error(word, to)
            if reaction.retry_after_s is not None:
                refused.headers["Retry-After"] = str(reaction.retry_after_s)
            return refused
        message = {
            "sid": line.provider_message_id,
            "account_sid": account,
            "to": to,
            "from": sent.get("From"),
            "messaging_service_sid": sent.get("MessagingServiceSid"),
            "status": "queued",
            "error_code": None,
            "error_message": None,
        }
        return json_answer(201, message)


def _error(word: Word, to: str) -> web.Response:
    status, code, sentence = ERRORS[word]
    return json_answer(status, {"code": code, "message": sentence.format(to=to), "status": status})
