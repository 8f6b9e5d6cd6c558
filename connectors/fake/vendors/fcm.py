"""Firebase Cloud Messaging, HTTP v1, and the token endpoint that goes with it, under `/fcm/`.

With a public key in `FakeSettings.keys["fcm"]` assertions are verified and access tokens demanded, else
anybody gets in. The account of scripts and of the ledger is the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from connectors.fake.judge import Call, Word
from connectors.fake.vendors.wire import is_taken, json_answer, object_in

if TYPE_CHECKING:
    from connectors.fake.http_server import ApiDesk
    from connectors.fake.judge import Reaction
    from connectors.fake.ledger import Line

NAME = "fcm"
TOKEN_PATH = "/fcm/token"  # noqa: S105 - an address
SEND_PATH = "/fcm/v1/projects/{project}/messages:send"
TOKEN_LASTS_S = 3_599
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

# HTTP status, canonical status, `errorCode` of the details and the sentence of a refusal.
REFUSALS: dict[Word, tuple[int, str, str | None, str]] = {
    Word.INVALID_RECIPIENT: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "The token is none."),
    Word.UNREGISTERED: (404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found."),
    Word.REJECTED: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Message is too big."),
    Word.BAD_REQUEST: (400, "INVALID_ARGUMENT", None, "Recipient of the message is not set."),
    Word.UNAUTHORIZED: (401, "UNAUTHENTICATED", None, "Request had invalid credentials."),
    Word.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded."),
    Word.UNAVAILABLE: (503, "UNAVAILABLE", "UNAVAILABLE", "The service is unavailable."),
    Word.SILENT: (503, "UNAVAILABLE", "UNAVAILABLE", "The service is unavailable."),
}


class FcmDesk:
    """Its access tokens, in the order in which they were given out."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api
        self._key = RSAKey.import_key(api.keys[NAME]) if NAME in api.keys else None
        self._tokens: list[str] = []

    async def token(self, request: web.Request) -> web.Response:
        """`POST`: a signed assertion for an access token (RFC 7523)."""
        form = await request.post()
        if self._key is not None:
            try:
                claims = jwt.decode(str(form.get("assertion", "")), self._key, algorithms=["RS256"]).claims
            except (JoseError, ValueError):
                return json_answer(400, {"error": "invalid_grant", "error_description": "Invalid signature."})
            if claims["exp"] * 1000 <= self._api.now_ms() or not claims["scope"].endswith(".messaging"):
                return json_answer(400, {"error": "invalid_grant", "error_description": "Invalid claims."})
        self._tokens.append(f"ya29.fake-{len(self._tokens) + 1}")
        given = {"access_token": self._tokens[-1], "expires_in": TOKEN_LASTS_S, "token_type": "Bearer"}
        return json_answer(200, given)

    async def send(self, request: web.Request) -> web.Response:
        """`POST`: one message for one token."""
        if self._key is not None and request.headers.get("Authorization", "") not in self._welcome():
            return _refused(Word.UNAUTHORIZED)
        message = (object_in(await request.read()) or {}).get("message")
        if not isinstance(message, dict) or not isinstance(message.get("token"), str):
            return _refused(Word.BAD_REQUEST)
        reaction, line = await self._api.take(_call(request.match_info["project"], message), request)
        return _answer(request.match_info["project"], reaction, line)

    def _welcome(self) -> list[str]:
        return [f"Bearer {token}" for token in self._tokens]


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the vendor's two paths."""
    desk = FcmDesk(api)
    app.router.add_post(TOKEN_PATH, desk.token)
    app.router.add_post(SEND_PATH, desk.send)


def _call(project: str, message: dict[str, Any]) -> Call:
    data = message.get("data") or {}
    return Call(
        "push",
        project,
        message["token"],
        str(data.get("carillon_key", "")),
        str(data.get("carillon_message_id", "")),
    )


def _answer(project: str, reaction: Reaction, line: Line) -> web.Response:
    if is_taken(reaction):
        return json_answer(200, {"name": f"projects/{project}/messages/{line.provider_message_id}"})
    response = _refused(reaction.word)
    if reaction.retry_after_s is not None:
        response.headers["Retry-After"] = str(reaction.retry_after_s)
    return response


def _refused(word: Word) -> web.Response:
    http_status, status, code, message = REFUSALS[word]
    details: list[dict[str, Any]] = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    if word is Word.INVALID_RECIPIENT:
        details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.token"}]})
    error = {"code": http_status, "message": message, "status": status, "details": details}
    return json_answer(http_status, {"error": error})
