"""SendGrid's `POST /v3/mail/send`: JSON in, 202 with `X-Message-Id` out, refusals in `errors`."""

from __future__ import annotations

import hmac
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from aiohttp import web

from connectors.fake.judge import Call, Word
from connectors.fake.vendors.wire import is_taken, json_answer, object_in

if TYPE_CHECKING:
    from connectors.fake.http_server import ApiDesk
    from connectors.fake.judge import Reaction
    from connectors.fake.ledger import Line

PATH = "/sendgrid/v3/mail/send"

# The status, the field and the sentence of a refusal.
REFUSALS: dict[Word, tuple[int, str | None, str]] = {
    Word.INVALID_RECIPIENT: (400, "personalizations.0.to.0.email", "Does not contain a valid address."),
    Word.UNREGISTERED: (400, "personalizations.0.to.0.email", "Does not contain a valid address."),
    Word.REJECTED: (400, "content.0.value", "The content value must be a string."),
    Word.BAD_REQUEST: (400, None, "Bad Request"),
    Word.UNAUTHORIZED: (401, None, "The provided authorization grant is invalid, expired, or revoked"),
    Word.RATE_LIMITED: (429, None, "too many requests"),
    Word.UNAVAILABLE: (503, None, "service unavailable"),
    Word.SILENT: (503, None, "service unavailable"),
}


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's path."""

    async def send(request: web.Request) -> web.Response:
        return await _send(api, request)

    app.router.add_post(PATH, send)


async def _send(api: ApiDesk, request: web.Request) -> web.Response:
    given = request.headers.get("Authorization", "").encode()
    if api.api_key is not None and not hmac.compare_digest(given, f"Bearer {api.api_key}".encode()):
        return _refused(Word.UNAUTHORIZED)
    body = object_in(await request.read())
    try:
        call, mail = _call(body or {}), _mail(body or {})
    except (KeyError, IndexError, TypeError, AttributeError):
        return _refused(Word.BAD_REQUEST)
    reaction, line = await api.take(call, request, mail)
    return _answer(reaction, line)


def _answer(reaction: Reaction, line: Line) -> web.Response:
    """A limit ends at a second since 1970, never before the script's."""
    if is_taken(reaction):
        return web.Response(status=202, headers={"X-Message-Id": line.provider_message_id})
    response = _refused(reaction.word)
    if reaction.retry_after_s is not None:
        response.headers["X-RateLimit-Reset"] = str(-(-line.at // 1000) + reaction.retry_after_s)
    return response


def _refused(word: Word) -> web.Response:
    status, field, message = REFUSALS[word]
    return json_answer(status, {"errors": [{"message": message, "field": field, "help": None}]})


def _call(body: dict[str, Any]) -> Call:
    """Our ids come as custom arguments; a mail of others has none."""
    arguments = body.get("custom_args", {})
    key, message_id = arguments.get("carillon_key", ""), arguments.get("carillon_message_id", "")
    return Call("email", "sendgrid", body["personalizations"][0]["to"][0]["email"], key, message_id)


def _mail(body: dict[str, Any]) -> bytes:
    """The mail that the vendor would make of it."""
    mail = EmailMessage()
    mail["From"] = body["from"]["email"]
    mail["To"] = body["personalizations"][0]["to"][0]["email"]
    mail["Subject"] = body["subject"]
    for name, value in body.get("headers", {}).items():
        mail[name] = value
    for number, part in enumerate(body["content"]):
        add = mail.add_alternative if number else mail.set_content
        add(part["value"], subtype=part["type"].removeprefix("text/"))
    return mail.as_bytes()
