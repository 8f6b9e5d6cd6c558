"""A fake of SMSC.ru: `sys/send.php` and `sys/status.php` with answers in JSON, HTTP 200 to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.fake.judge import Word
from connectors.fake.vendors.texts import is_secret, text_call
from connectors.fake.vendors.wire import json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

# Word of the desk → `error_code` and `error`.
ERRORS: dict[Word, tuple[int, str]] = {
    Word.INVALID_RECIPIENT: (8, "can't to deliver"),
    Word.UNREGISTERED: (7, "invalid number"),
    Word.REJECTED: (6, "message is denied"),
    Word.RATE_LIMITED: (9, "too many concurrent requests"),
    Word.UNAVAILABLE: (4, "ip is blocked"),
    Word.UNAUTHORIZED: (2, "authorise error"),
    Word.BAD_REQUEST: (1, "parameters error"),
    Word.SILENT: (1, "parameters error"),
}
DUPLICATE = (9, "duplicate request, wait a minute")
WITH_ID = (3, 6, 7, 8)
WAITS, NOT_FOUND = -1, -3


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's paths."""
    desk = SmscDesk(api)
    app.router.add_post("/smsc/sys/send.php", desk.send)
    app.router.add_post("/smsc/sys/status.php", desk.status)


class SmscDesk:
    """Handlers. `api_key`: the password, or the key. A message taken once is a duplicate for good here."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api
        self._known: set[tuple[str, str]] = set()

    async def send(self, request: web.Request) -> web.Response:
        """`POST /sys/send.php`: `phones`, `mes`, `id`, and who asks."""
        sent = {name: str(value) for name, value in (await request.post()).items()}
        if not is_secret(sent.get("psw") or sent.get("apikey", ""), self._api.api_key):
            return _error(ERRORS[Word.UNAUTHORIZED], "")
        if not sent.get("phones") or sent.get("fmt") != "3" or sent.get("charset") != "utf-8":
            return _error(ERRORS[Word.BAD_REQUEST], "")
        message_id = sent.get("id", "")
        call = text_call(request, sent.get("login", "smsc"), sent["phones"], message_id)
        reaction, line = await self._api.take(call, request, honours_keys=True)
        word = reaction.word
        if line.repeat:
            return _error(DUPLICATE, "")
        if word in ERRORS:
            return _error(ERRORS[word], line.provider_message_id)
        self._known.add((sent["phones"], message_id))
        return json_answer(200, {"id": line.provider_message_id, "cnt": 1})

    async def status(self, request: web.Request) -> web.Response:
        """`POST /sys/status.php`: `phone` and `id`."""
        sent = await request.post()
        is_known = (sent.get("phone"), sent.get("id")) in self._known
        return json_answer(200, {"status": WAITS if is_known else NOT_FOUND})


def _error(said: tuple[int, str], message_id: str) -> web.Response:
    code, text = said
    body = {"error": text, "error_code": code}
    return json_answer(200, {**body, "id": message_id} if code in WITH_ID else body)
