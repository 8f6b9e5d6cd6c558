"""Apple's push service: `POST /3/device/<token>` over HTTP/2, on a port of its own.

With a public key in `FakeSettings.keys["apns"]` provider tokens are verified, else anybody gets in. The
account of scripts and of the ledger is the topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from connectors.fake.http2_server import Http2Answer, Http2Server
from connectors.fake.judge import Call, Word
from connectors.fake.vendors.wire import is_taken, object_in

if TYPE_CHECKING:
    from connectors.fake.http2_server import Http2Request
    from connectors.fake.http_server import ApiDesk

NAME = "apns"
PATH = "/3/device/"
LASTS_MS = 3_600_000

# HTTP status and reason of a refusal.
REFUSALS: dict[Word, tuple[int, str]] = {
    Word.INVALID_RECIPIENT: (400, "BadDeviceToken"),
    Word.UNREGISTERED: (410, "Unregistered"),
    Word.REJECTED: (413, "PayloadTooLarge"),
    Word.BAD_REQUEST: (400, "PayloadEmpty"),
    Word.UNAUTHORIZED: (403, "InvalidProviderToken"),
    Word.RATE_LIMITED: (429, "TooManyRequests"),
    Word.UNAVAILABLE: (503, "ServiceUnavailable"),
    Word.SILENT: (503, "Shutdown"),
}


class ApnsDesk:
    """Answers requests; `server` is to be listened on."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api
        self._key = ECKey.import_key(api.keys[NAME]) if NAME in api.keys else None
        self.server = Http2Server(self.answer)

    async def answer(self, request: Http2Request) -> Http2Answer:
        """One push."""
        headers, payload = request.headers, object_in(request.body)
        apns_id = headers.get("apns-id", "")
        if not headers[":path"].startswith(PATH):
            return _refused(404, "BadPath", apns_id)
        if (fault := self._fault(headers.get("authorization", ""))) is not None:
            return _refused(403, fault, apns_id)._replace(is_welcome=False)
        if payload is None or not payload.get("aps"):
            return _refused(*REFUSALS[Word.BAD_REQUEST], apns_id)
        if not headers.get("apns-topic"):
            return _refused(400, "MissingTopic", apns_id)
        call = Call(
            "push",
            headers["apns-topic"],
            unquote(headers[":path"].removeprefix(PATH)),
            str(payload.get("carillon_key", "")),
            str(payload.get("carillon_message_id", "")),
            apns_id,
        )
        reaction, _ = await self._api.take(call, request)
        if is_taken(reaction):
            return Http2Answer(200, {"apns-id": apns_id})
        answer = _refused(*REFUSALS[reaction.word], apns_id)
        if reaction.retry_after_s is not None:
            answer.headers["retry-after"] = str(reaction.retry_after_s)
        return answer

    def _fault(self, authorization: str) -> str | None:
        """What is wrong with a provider token."""
        if self._key is None:
            return None
        kind, _, text = authorization.partition(" ")
        if kind.lower() != "bearer":
            return "MissingProviderToken"
        try:
            token = jwt.decode(text, self._key, algorithms=["ES256"])
        except (JoseError, ValueError):
            return "InvalidProviderToken"
        if not token.header.get("kid") or not token.claims.get("iss"):
            return "InvalidProviderToken"
        is_old = token.claims["iat"] * 1000 <= self._api.now_ms() - LASTS_MS
        return "ExpiredProviderToken" if is_old else None


def _refused(status: int, reason: str, apns_id: str) -> Http2Answer:
    return Http2Answer(status, {"apns-id": apns_id}, orjson.dumps({"reason": reason}))
