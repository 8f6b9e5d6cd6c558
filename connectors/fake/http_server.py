"""The fake provider over HTTP: SMS and push, consumers of seen facts, a resolver, the desk's controls."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
from aiohttp import web

from connectors.fake.accounts import AccountDesk
from connectors.fake.judge import Call, End, Word
from connectors.fake.resolver import RESOLVE_PATH, resolve
from connectors.fake.scripts import Script
from connectors.fake.vendors.registry import VENDORS

if TYPE_CHECKING:
    from connectors.fake.desk import Desk
    from connectors.fake.judge import Reaction
    from connectors.fake.ledger import Line

# The HTTP status for each word of the desk.
STATUSES: dict[Word, int] = {
    Word.ACCEPTED: 202,
    Word.DELIVERED: 200,
    Word.INVALID_RECIPIENT: 422,
    Word.UNREGISTERED: 410,
    Word.REJECTED: 422,
    Word.RATE_LIMITED: 429,
    Word.UNAVAILABLE: 503,
    Word.UNAUTHORIZED: 401,
    Word.BAD_REQUEST: 400,
    Word.SILENT: 503,
}
TAKEN = (Word.ACCEPTED, Word.DELIVERED)


class ApiDesk:
    """Handlers. `api_key`: what callers of the vendor's API must show, None lets anyone in."""

    def __init__(self, desk: Desk, hang_s: float, api_key: str | None) -> None:
        self._desk = desk
        self._hang_s = hang_s
        self.api_key = api_key
        self._expected = f"Bearer {api_key}".encode() if api_key else None
        self.stopping = asyncio.Event()

    def app(self) -> web.Application:
        """Build the application."""
        app = web.Application()
        app.router.add_post("/sms", self.sms)
        app.router.add_post("/push", self.push)
        app.router.add_post("/consumers/{name}", self.consumer)
        app.router.add_post(RESOLVE_PATH, resolve)
        app.router.add_get("/status/{key}", self.status)
        app.router.add_post("/script", self.script)
        app.router.add_get("/script", self.scripts)
        app.router.add_delete("/script", self.unscript)
        app.router.add_get("/mails/last", self.mail)
        app.router.add_get("/livez", self.live)
        AccountDesk().add_to(app, self.account_fault)
        for add_to in VENDORS:
            add_to(app, self)
        return app

    async def sms(self, request: web.Request) -> web.StreamResponse:
        """`POST /sms`: `{"to", "text"}` with `Idempotency-Key`."""
        return await self._send("sms", request)

    async def push(self, request: web.Request) -> web.StreamResponse:
        """`POST /push`: `{"to", "title", "body"}` with `Idempotency-Key`."""
        return await self._send("push", request)

    async def consumer(self, request: web.Request) -> web.StreamResponse:
        """`POST /consumers/<name>`: a service that takes seen facts; its name is the account of scripts.

        Each knows only its own keys, so the ledger has them as `<name>/<key>`.
        """
        body = _json_in(await request.read())
        if body is None or not all(isinstance(body.get(field), str) for field in ("tag", "id")):
            return _json(400, {"error": Word.BAD_REQUEST})
        recipient = f"{body['tag']}/{body['id']}"
        name = request.match_info["name"]
        key = f"{name}/{request.headers.get('Idempotency-Key', '')}"
        return await self._taken(Call("seen", name, recipient, key), request)

    async def account_fault(self, user_id: str, request: web.Request) -> web.StreamResponse | None:
        """What a script does to a question about this user; None: it is answered."""
        reaction, line = self._desk.take(Call("account", "account", user_id), honours_keys=False)
        if reaction.taken and reaction.end is End.ANSWER:
            await self._pause(reaction.wait_ms / 1000)
            return None
        return await self._ended(reaction, line, request)

    async def status(self, request: web.Request) -> web.Response:
        """`GET /status/<idempotency key>`: what became of it, 404 when it never came or was not taken."""
        if not self._is_welcome(request):
            return _json(401, {"error": Word.UNAUTHORIZED})
        line = self._desk.ledger.taken(request.match_info["key"])
        if line is None:
            return _json(404, {"error": "unknown_key"})
        return _json(200, {"status": line.verdict, "id": line.provider_message_id})

    async def script(self, request: web.Request) -> web.Response:
        """`POST /script`: put one rule (`scripts.Script`) behind the others."""
        try:
            rule = msgspec.json.decode(await request.read(), type=Script)
        except msgspec.DecodeError as error:
            return _json(400, {"error": Word.BAD_REQUEST, "detail": str(error)})
        self._desk.scripts.add(rule)
        return _json(201, msgspec.to_builtins(rule))

    async def scripts(self, _request: web.Request) -> web.Response:
        """`GET /script`: rules that still act."""
        return _json(200, msgspec.to_builtins(self._desk.scripts.rules()))

    async def unscript(self, _request: web.Request) -> web.Response:
        """`DELETE /script`: forget every rule."""
        self._desk.scripts.clear()
        return web.Response(status=204)

    async def mail(self, request: web.Request) -> web.Response:
        """`GET /mails/last`: raw bytes of the last mail taken, of `recipient` or `message_id` if given."""
        mail = self._desk.mail(request.query.get("recipient"), request.query.get("message_id"))
        if mail is None:
            return _json(404, {"error": "no_mail"})
        return web.Response(body=mail.raw, content_type="message/rfc822")

    async def live(self, _request: web.Request) -> web.Response:
        """`GET /livez`: how many calls the ledger holds."""
        return _json(200, {"status": "ok", "calls": self._desk.ledger.calls})

    async def _send(self, channel: str, request: web.Request) -> web.StreamResponse:
        body = _body(await request.read())
        if body is None:
            return _json(400, {"error": Word.BAD_REQUEST})
        if not self._is_welcome(request):
            return _json(401, {"error": Word.UNAUTHORIZED})
        call = Call(
            channel,
            request.headers.get("Fake-Account", channel),
            str(body["to"]),
            request.headers.get("Idempotency-Key", ""),
            str(body.get("message_id", "")),
        )
        return await self._taken(call, request)

    async def _taken(self, call: Call, request: web.Request) -> web.StreamResponse:
        reaction, line = self._desk.take(call, honours_keys=True)
        return await self._ended(reaction, line, request)

    async def take(self, call: Call, request: web.Request, raw: bytes | None = None) -> tuple[Reaction, Line]:
        """Judge what came on a vendor's wire, keep the mail; when this returns it is to be answered."""
        reaction, line = self._desk.take(call, honours_keys=False)
        if raw is not None and reaction.taken:
            self._desk.keep(line, raw)
        await self._waited(reaction, request)
        return reaction, line

    async def _ended(self, reaction: Reaction, line: Line, request: web.Request) -> web.StreamResponse:
        await self._waited(reaction, request)
        return _answer(line, reaction.retry_after_s)

    async def _waited(self, reaction: Reaction, request: web.Request) -> None:
        """Wait and cut as the reaction says."""
        if reaction.wait_ms:
            await self._pause(reaction.wait_ms / 1000)
        if reaction.end is End.HANG:
            await self._pause(self._hang_s)
        if reaction.end is not End.ANSWER and request.transport is not None:
            request.transport.abort()

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the server stops first."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return

    def _is_welcome(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode()
        return self._expected is None or hmac.compare_digest(given, self._expected)


def _answer(line: Line, retry_after_s: int | None) -> web.Response:
    word = Word(line.verdict)
    field = "status" if word in TAKEN else "error"
    response = _json(STATUSES[word], {field: word, "id": line.provider_message_id})
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    if line.repeat:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _body(raw: bytes) -> dict[str, Any] | None:
    body = _json_in(raw)
    return body if body is not None and isinstance(body.get("to"), str) else None


def _json_in(raw: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
