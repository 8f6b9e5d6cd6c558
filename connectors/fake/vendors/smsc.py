"""A fake of SMSC.ru: `sys/send.php` and `sys/status.php` with answers in JSON, HTTP 200 to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.fake.judge import Word
from connectors.fake.vendors.judging import is_secret, json, text_call

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.vendors.judging import Judging

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


class SmscDesk:
    """Handlers. `api_key`: the password, or the key. A message taken once is a duplicate for good here."""

    def __init__(self, judging: Judging, api_key: str | None) -> None:
        self._judging = judging
        self._api_key = api_key
        self._known: set[tuple[str, str]] = set()

    def add_to(self, app: web.Application) -> None:
        """Serve beside the other vendors."""
        app.router.add_post("/sys/send.php", self.send)
        app.router.add_post("/sys/status.php", self.status)

    async def send(self, request: web.Request) -> web.Response:
        """`POST /sys/send.php`: `phones`, `mes`, `id`, and who asks."""
        sent = {name: str(value) for name, value in (await request.post()).items()}
        if not is_secret(sent.get("psw") or sent.get("apikey", ""), self._api_key):
            return _error(ERRORS[Word.UNAUTHORIZED], "")
        if not sent.get("phones") or sent.get("fmt") != "3" or sent.get("charset") != "utf-8":
            return _error(ERRORS[Word.BAD_REQUEST], "")
        message_id = sent.get("id", "")
        call = text_call(request, sent.get("login", "smsc"), sent["phones"], message_id)
        line, _ = await self._judging.judged(call, request, honours_keys=True)
        word = Word(line.verdict)
        if line.repeat:
            return _error(DUPLICATE, "")
        if word in ERRORS:
            return _error(ERRORS[word], line.provider_message_id)
        self._known.add((sent["phones"], message_id))
        return json(200, {"id": line.provider_message_id, "cnt": 1})

    async def status(self, request: web.Request) -> web.Response:
        """`POST /sys/status.php`: `phone` and `id`."""
        sent = await request.post()
        is_known = (sent.get("phone"), sent.get("id")) in self._known
        return json(200, {"status": WAITS if is_known else NOT_FOUND})


def _error(said: tuple[int, str], message_id: str) -> web.Response:
    code, text = said
    body = {"error": text, "error_code": code}
    return json(200, {**body, "id": message_id} if code in WITH_ID else body)
