"""A push service and the browser behind it: `POST /web-push/<token>` with VAPID and a body that is encrypted.

With a public key in `FakeSettings.keys["web_push"]` statements of VAPID are verified, else anybody gets in.
The account of scripts and of the ledger is `web_push`; `subscribed` gives a browser's subscription.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from connectors.fake.judge import Call, Word
from connectors.fake.vendors.wire import is_taken, object_in
from connectors.providers.web_push_body import CURVE, content_keys

if TYPE_CHECKING:
    from connectors.fake.http_server import ApiDesk

NAME = "web_push"
PATH = "/web-push/{token}"
AUTH = b"carillon-browser"
BROWSER = ec.derive_private_key(int.from_bytes(sha256(b"a browser of the fake").digest(), "big"), CURVE)
PUBLIC = BROWSER.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
HEAD_BYTES, SALT_BYTES = 86, 16
LONGEST_S = 86_400

# HTTP status of a refusal.
REFUSALS: dict[Word, int] = {
    Word.INVALID_RECIPIENT: 404,
    Word.UNREGISTERED: 410,
    Word.REJECTED: 413,
    Word.BAD_REQUEST: 400,
    Word.UNAUTHORIZED: 403,
    Word.RATE_LIMITED: 429,
    Word.UNAVAILABLE: 503,
    Word.SILENT: 503,
}


def subscribed(url: str, token: str) -> str:
    """The subscription of a browser whose push service is the fake at `url`."""
    keys = {"p256dh": _text(PUBLIC), "auth": _text(AUTH)}
    return orjson.dumps({"endpoint": f"{url}/web-push/{token}", "keys": keys}).decode()


class WebPushDesk:
    """The service."""

    def __init__(self, api: ApiDesk) -> None:
        self._api = api
        self._key = ECKey.import_key(api.keys[NAME]) if NAME in api.keys else None

    async def push(self, request: web.Request) -> web.Response:
        """`POST`: 201 with the message's place."""
        if not self._is_welcome(request):
            return web.Response(status=REFUSALS[Word.UNAUTHORIZED])
        clear = _clear(await request.read())
        if clear is None or not request.headers.get("TTL", "").isdecimal():
            return web.Response(status=REFUSALS[Word.BAD_REQUEST])
        call = Call(
            "push",
            NAME,
            request.match_info["token"],
            str(clear.get("carillon_key", "")),
            str(clear.get("carillon_message_id", "")),
        )
        reaction, line = await self._api.take(call, request)
        if is_taken(reaction):
            place = f"{request.url.origin()}/m/{line.provider_message_id}"
            return web.Response(status=201, headers={"Location": place})
        response = web.Response(status=REFUSALS[reaction.word])
        if reaction.retry_after_s is not None:
            response.headers["Retry-After"] = str(reaction.retry_after_s)
        return response

    def _is_welcome(self, request: web.Request) -> bool:
        """Signed, for us, and not for longer than a day (RFC 8292)."""
        if self._key is None:
            return True
        kind, _, rest = request.headers.get("Authorization", "").partition(" ")
        pairs = (part.strip().partition("=") for part in rest.split(","))
        fields = {name: value for name, _, value in pairs}
        try:
            claims = jwt.decode(fields.get("t", ""), self._key, algorithms=["ES256"]).claims
        except (JoseError, ValueError):
            return False
        left_s = claims["exp"] - self._api.now_ms() // 1000
        origin = urlsplit(str(request.url.origin())).netloc
        is_ours = urlsplit(claims["aud"]).netloc == origin
        return kind == "vapid" and 0 < left_s <= LONGEST_S and is_ours


def add_to(app: web.Application, api: ApiDesk) -> None:
    """Serve the service's path."""
    app.router.add_post(PATH, WebPushDesk(api).push)


def _clear(body: bytes) -> dict[str, Any] | None:
    """What the browser reads; None when it cannot."""
    salt, raw_key, sealed = body[:SALT_BYTES], body[21:HEAD_BYTES], body[HEAD_BYTES:]
    try:
        shared = BROWSER.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw_key))
        key, nonce = content_keys(shared, AUTH, PUBLIC + raw_key, salt)
        clear = AESGCM(key).decrypt(nonce, sealed, None)
    except (ValueError, InvalidTag):
        return None
    return object_in(clear[:-1]) if clear.endswith(b"\x02") else None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
