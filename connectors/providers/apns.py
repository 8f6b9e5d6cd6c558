"""Push by Apple's service (APNs): `POST /3/device/<token>` over HTTP/2 with a provider token (NS-CH-003).

Never run against the real vendor. Sources: Apple's pages "Sending notification requests to APNs" (headers,
hosts, streams), "Establishing a token-based connection to APNs" (ES256, `kid`, `iss`, `iat`; renewed not
before 20 and not after 60 minutes) and "Handling notification responses from APNs" (statuses and reasons); on
dead tokens also an engineer's answer in thread 807380 of Apple's developer forums.

Unconfirmed: whether an `InternalServerError` can follow a push that was taken, so it is read as hidden;
whether two processes with tokens of one key count together for `TooManyProviderTokenUpdates`. Certificates
instead of tokens are not supported (NS-CH-036 names either).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from msgspec import Meta

from connectors.providers.endpoint import endpoint
from connectors.providers.http2_call import Http2Calls
from connectors.providers.http_call import retry_after_ms
from connectors.providers.http_status import (
    ACCEPTED,
    HIDDEN,
    LIMITED,
    LIMITED_FOR_ONE,
    MISCONFIGURED,
    NOT_SERVED,
    REFUSED,
    UNAVAILABLE,
    Said,
    verdict_of,
)
from connectors.providers.port import (
    Answer,
    Positive,
    ProviderConfigError,
    Secretive,
    configured,
    identifier,
    message_id_of,
    scrubbed,
)
from connectors.providers.rich_push import apple_words, extras
from schemas.ids import derived
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.providers.http2_link import Http2Reply
    from schemas.records import Content

PUBLIC_URL = "https://api.push.apple.com"
SANDBOX_URL = "https://api.sandbox.push.apple.com"
EXPIRED_TOKEN = "ExpiredProviderToken"  # noqa: S105 - a word of the vendor
LARGEST_BYTES = 4_096
RENEWED_AFTER_MS = 40 * 60_000
NEW_MS = 20 * 60_000
"""The vendor wants no new provider token sooner."""

_DEAD: Said = (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE)

# `reason` of an answer, else its status → ours. `BadDeviceToken` is also said of the other environment's.
CODES: dict[str, Said] = {
    **dict.fromkeys(("BadDeviceToken", "ExpiredToken", "Unregistered", "410"), _DEAD),
    **dict.fromkeys(("BadTopic", "MissingTopic", "TopicDisallowed"), MISCONFIGURED),
    "DeviceTokenNotForTopic": NOT_SERVED,  # of another app
    **dict.fromkeys(
        ("BadCertificate", "BadCertificateEnvironment", "BadEnvironmentKeyIdInToken"), MISCONFIGURED
    ),
    **dict.fromkeys(
        (EXPIRED_TOKEN, "Forbidden", "InvalidProviderToken", "MissingProviderToken"), MISCONFIGURED
    ),
    **dict.fromkeys(("UnrelatedKeyIdInToken", "BadPath", "MethodNotAllowed"), MISCONFIGURED),
    **dict.fromkeys(("BadCollapseId", "BadExpirationDate", "BadMessageId", "BadPriority"), REFUSED),
    **dict.fromkeys(("DuplicateHeaders", "InvalidPushType", "MissingDeviceToken"), REFUSED),
    **dict.fromkeys(("PayloadEmpty", "PayloadTooLarge"), REFUSED),
    "TooManyProviderTokenUpdates": LIMITED,
    "TooManyRequests": LIMITED_FOR_ONE,  # to one device
    **dict.fromkeys(("IdleTimeout", "ServiceUnavailable", "Shutdown"), UNAVAILABLE),
    "InternalServerError": HIDDEN,
    "200": ACCEPTED,  # with an empty body
    "503": UNAVAILABLE,  # "the server is shutting down and unavailable"
}

# The vendor calls nobody back; `delivered` and `opened` come from clients (NS-CH-OP-06).
EVENTS: dict[str, str] = {}


class ApnsConfig(Secretive, frozen=True, forbid_unknown_fields=True):
    """Whose app it is. `private_key`: text of the .p8 file, as `private_key_file`; `topic`: the bundle id.

    `is_sandbox`: tokens are of builds for development. Where that is wrong every token is a bad one, and
    every device is switched off. `ttl_s`: how long the vendor keeps what a device cannot get now; 0 is not.
    """

    team_id: str
    key_id: str
    private_key: str
    topic: Annotated[str, Meta(pattern=r"\A[!-~]+\Z")]
    is_sandbox: bool = False
    url: str = ""
    sound: str | None = None
    ttl_s: Annotated[int, Meta(ge=0, le=2_592_000)] = 86_400
    timeout_ms: Positive = 10_000


class Apns:
    """Carrier over one connection with many requests on it. It honours no key, nor can it be asked.

    `apns-id` is made of ours: both sides name an attempt alike. `apns-collapse-id` is the message id: a
    repeat takes the place of the first on the screen. The app finds both of our ids beside `aps`, and what
    its notification service extension needs to show a picture and buttons.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = given = configured(config, ApnsConfig)
        self._now_ms = now_ms
        self._token = _ProviderToken(given, now_ms)
        url = endpoint(given.url or (SANDBOX_URL if given.is_sandbox else PUBLIC_URL))
        self._calls = Http2Calls(url, timeout_ms=given.timeout_ms)

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one push. A provider token that is too old is renewed once: nothing was taken."""
        path = f"/3/device/{quote(address, safe='')}"
        body = self._body(content, idempotency_key)
        if len(body) > LARGEST_BYTES:
            return Answer(*REFUSED, f"{len(body)} bytes; it takes {LARGEST_BYTES}")
        while True:
            token = self._token.get()
            reply = await self._calls.post(path, self._headers(idempotency_key, token), body)
            if isinstance(reply, Answer):
                return reply
            if _reason(reply) != EXPIRED_TOKEN or not self._token.forget(token):
                return _read(reply, address, self._now_ms())

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """It has no question for this."""
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, "APNs cannot be asked")

    async def close(self) -> None:
        """Cut the connection."""
        await self._calls.close()

    def _headers(self, idempotency_key: str, token: str) -> dict[str, str]:
        ttl_s = self._config.ttl_s
        return {
            "authorization": f"bearer {token}",
            "apns-topic": self._config.topic,
            "apns-push-type": "alert",
            "apns-priority": "10",
            "apns-expiration": str(self._now_ms() // 1000 + ttl_s if ttl_s else 0),
            "apns-id": derived("apns", idempotency_key),
            "apns-collapse-id": message_id_of(idempotency_key),
        }

    def _body(self, content: Content, idempotency_key: str) -> bytes:
        alert = {"body": content.body}
        if title := content.title or content.subject:
            alert["title"] = title
        aps: dict[str, Any] = {"alert": alert, **apple_words(content)}
        if self._config.sound is not None:
            aps["sound"] = self._config.sound
        ids = {"carillon_message_id": message_id_of(idempotency_key), "carillon_key": idempotency_key}
        return orjson.dumps({"aps": aps, **ids, **extras(content)})


class _ProviderToken:
    """The signed statement of who we are, one for all requests."""

    def __init__(self, config: ApnsConfig, now_ms: Callable[[], int]) -> None:
        try:
            self._key = ECKey.import_key(config.private_key)
        except (JoseError, ValueError, TypeError):
            raise ProviderConfigError("config: private_key is no private key of P-256") from None
        if not self._key.is_private or self._key.curve_name != "P-256":
            raise ProviderConfigError("config: private_key is no private key of P-256")
        self._header = {"alg": "ES256", "kid": config.key_id}
        self._team_id = config.team_id
        self._now_ms = now_ms
        self._made_at: int | None = None
        self._text = ""

    def get(self) -> str:
        now = self._now_ms()
        if self._made_at is None or not 0 <= now - self._made_at < RENEWED_AFTER_MS:
            self._made_at = now
            self._text = jwt.encode(self._header, {"iss": self._team_id, "iat": now // 1000}, self._key)
        return self._text

    def forget(self, text: str) -> bool:
        """It was refused as too old. Return whether there may be another: not if only our clock is wrong."""
        if self._made_at is None or text != self._text:
            return True
        if self._now_ms() - self._made_at < NEW_MS:
            return False
        self._made_at = None
        return True


def _read(reply: Http2Reply, address: str, now: int) -> Answer:
    reason = _reason(reply)
    wait = reply.headers.get("retry-after")
    said = CODES.get(reason) or CODES.get(str(reply.status))
    verdict, why = said or verdict_of(reply.status, wait)
    return Answer(
        verdict,
        why,
        scrubbed(f"{reply.status} {reason}", address),
        identifier(reply.headers.get("apns-id")) if verdict is Verdict.ACCEPTED else None,
        retry_after_ms(wait, now),
    )


def _reason(reply: Http2Reply) -> str:
    """The vendor's word; empty if there is none."""
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return ""
    reason = body.get("reason") if isinstance(body, dict) else None
    return reason if isinstance(reason, str) else ""
