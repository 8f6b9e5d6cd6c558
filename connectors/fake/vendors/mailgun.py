"""Mailgun's `POST /v3/<domain>/messages.mime`: a form with a mail as its file; sentences, no words."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

from aiohttp.web import FileField

from connectors.fake.judge import Word
from connectors.fake.mail_call import mail_call
from connectors.fake.vendors.wire import is_taken, json_answer

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.fake.http_server import ApiDesk

PATH = "/mailgun/v3/{domain}/messages.mime"

# The status and the sentence of a refusal.
REFUSALS: dict[Word, tuple[int, str]] = {
    Word.INVALID_RECIPIENT: (400, "'to' parameter is not a valid address. please check documentation"),
    Word.UNREGISTERED: (400, "'to' parameter is not a valid address. please check documentation"),
    Word.REJECTED: (400, "message is not a valid MIME string"),
    Word.BAD_REQUEST: (400, "to parameter is missing"),
    Word.UNAUTHORIZED: (401, "Invalid private key"),
    Word.RATE_LIMITED: (429, "Too many requests"),
    Word.UNAVAILABLE: (503, "Service unavailable"),
    Word.SILENT: (503, "Service unavailable"),
}


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's path."""

    async def send(request: web.Request) -> web.Response:
        return await _send(api, request)

    app.router.add_post(PATH, send)


async def _send(api: ApiDesk, request: web.Request) -> web.Response:
    if api.api_key is not None and not _is_welcome(request, api.api_key):
        return _refused(Word.UNAUTHORIZED)
    form = await request.post()
    address, file = form.get("to"), form.get("message")
    if not isinstance(address, str) or not isinstance(file, FileField):
        return _refused(Word.BAD_REQUEST)
    raw = file.file.read()
    reaction, line = await api.take(mail_call(address, raw, "mailgun"), request, raw)
    if is_taken(reaction):
        taken = {"id": f"<{line.provider_message_id}>", "message": "Queued. Thank you."}
        return json_answer(200, taken)
    refused = _refused(reaction.word)
    if reaction.word is Word.UNAVAILABLE:  # without it a 503 would not say that nothing was taken
        refused.headers["Retry-After"] = str(reaction.retry_after_s or 1)
    return refused


def _is_welcome(request: web.Request, api_key: str) -> bool:
    expected = b"Basic " + b64encode(f"api:{api_key}".encode())
    return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected)


def _refused(word: Word) -> web.Response:
    status, message = REFUSALS[word]
    return json_answer(status, {"message": message})
