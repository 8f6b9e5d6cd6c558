"""Push to browsers by Web Push: `POST <endpoint of the subscription>`, encrypted, with VAPID (NS-CH-002).

Never run against a real push service. Sources: RFC 8030 (requests, answers, `TTL`, `Urgency`, `Topic`), RFC
8291 and RFC 8188 (encryption), RFC 8292 (VAPID), and Pushpad's article "Web Push errors explained (with HTTP
status codes)". Of single services: Mozilla's "Error Codes" (github.com/mozilla-services/autopush-rs,
`docs/src/errors.md`: 20x, 503) and Microsoft's "Troubleshooting push notifications" (200, 406). The hosts are
those that browsers are known to give; no vendor's own words are read.

Unconfirmed: whether a service answers 404 for anything but a subscription that is gone, as RFC 8030 has it;
whether a 500 can follow a push that was taken, so it is read as hidden.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Annotated, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import Meta
from yarl import URL

from connectors.providers.endpoint import endpoint
from connectors.providers.http_call import HttpCalls, Reply, retry_after_ms
from connectors.providers.http_status import ACCEPTED, LIMITED, NOT_SERVED, UNAVAILABLE, Said, verdict_of
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
from connectors.providers.web_push_body import (
    OVERHEAD_BYTES,
    RECORD_BYTES,
    Subscription,
    clear_text,
    encrypted,
    subscription,
    unpadded,
)
from schemas.ids import derived
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.records import Content

LARGEST_BYTES = RECORD_BYTES - OVERHEAD_BYTES
VAPID_LASTS_MS = 12 * 3_600_000
"""The most that RFC 8292 allows is 24 hours; half of it is left when it is made anew."""
HTTPS = 443
ORIGINS = 1_000
"""Kept at most: clients choose names below the hosts."""

# HTTP status → ours; others by `http_status`.
CODES: dict[str, Said] = {
    **dict.fromkeys(("200", "201", "202"), ACCEPTED),
    **dict.fromkeys(("404", "410"), (Verdict.PERMANENT, Reason.UNREGISTERED_DEVICE)),
    "403": NOT_SERVED,  # subscribed under another VAPID key
    "406": LIMITED,  # Microsoft's word for what is 429 elsewhere
    "503": UNAVAILABLE,
}

# No service calls back; `delivered` and `opened` come from clients (NS-CH-OP-06).
EVENTS: dict[str, str] = {}


class WebPushConfig(Secretive, frozen=True, forbid_unknown_fields=True):
    """Who pushes. `private_key`: of VAPID, PEM or base64url as tools make it, as `private_key_file`.

    `subject`: a `mailto:` or https address for the services' people. `hosts`: of endpoints, with those below
    them: browsers say where to call, so nobody else may be called. `ttl_s`: how long a service keeps a push.
    """

    private_key: str
    subject: Annotated[str, Meta(pattern=r"\A(mailto:|https://)[!-~]+\Z")]
    hosts: tuple[str, ...] = (
        "fcm.googleapis.com",
        "push.services.mozilla.com",
        "notify.windows.com",
        "push.apple.com",
    )
    ttl_s: Annotated[int, Meta(ge=0, le=2_419_200)] = 86_400
    timeout_ms: Positive = 10_000
    connections: Positive = 100


class WebPush:
    """Carrier. Services take no idempotency key and cannot be asked.

    The message id is the `Topic`: a repeat takes the place of a push that waits at the service. The page's
    worker finds it as `tag`, so that it can do the same on the screen, beside our two ids.
    """

    def __init__(self, _name: str, config: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._config = given = configured(config, WebPushConfig)
        self._now_ms = now_ms
        self._vapid = _Vapid(given, now_ms)
        self._calls = HttpCalls({}, timeout_ms=given.timeout_ms, connections=given.connections)

    async def send(self, address: str, content: Content, idempotency_key: str) -> Answer:
        """Hand over one push. A token that is no subscription is left to another provider."""
        reader = subscription(address)
        if reader is None:
            detail = "the token is no subscription of Web Push"
            return Answer(Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED, detail)
        if not self._is_known(reader):
            detail = "the subscription's host is not among `hosts`"
            return Answer(Verdict.PERMANENT, Reason.INVALID_CONTACT, detail)
        clear = clear_text(content, idempotency_key)
        if len(clear) > LARGEST_BYTES:
            detail = f"{len(clear)} bytes; there is room for {LARGEST_BYTES}"
            return Answer(Verdict.PERMANENT, Reason.PROVIDER_REFUSED, detail)
        headers = self._headers(reader, idempotency_key)
        as_given = URL(reader.endpoint, encoded=True)  # it is opaque: nothing in it is written in another way
        reply = await self._calls.post(as_given, encrypted(clear, reader), headers)
        return reply if isinstance(reply, Answer) else self._read(reply, reader)

    async def ask(self, idempotency_key: str) -> Answer:  # noqa: ARG002 - the port's shape
        """There is no question for this."""
        detail = "push services cannot be asked"
        return Answer(Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, detail)

    async def close(self) -> None:
        """Close the session."""
        await self._calls.close()

    def _is_known(self, reader: Subscription) -> bool:
        """Whether it may be called at all: a client chose the address."""
        host = reader.parts.hostname or ""
        if not any(host == known or host.endswith(f".{known}") for known in self._config.hosts):
            return False
        if reader.parts.scheme == "https":
            return reader.parts.port in (None, HTTPS)
        try:
            endpoint(_origin(reader))  # of this machine, in tests
        except ProviderConfigError:
            return False
        return True

    def _headers(self, reader: Subscription, idempotency_key: str) -> dict[str, str]:
        return {
            "Authorization": self._vapid.authorization(_origin(reader)),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(self._config.ttl_s),
            "Urgency": "high",
            "Topic": derived("topic", message_id_of(idempotency_key)).replace("-", ""),
        }

    def _read(self, reply: Reply, reader: Subscription) -> Answer:
        verdict, reason = CODES.get(str(reply.status)) or verdict_of(reply.status, reply.retry_after)
        place = reply.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        return Answer(
            verdict,
            reason,
            scrubbed(f"{reply.status} of {reader.parts.hostname}"),
            identifier(place) if verdict is Verdict.ACCEPTED else None,
            retry_after_ms(reply.retry_after, self._now_ms()),
        )


class _Vapid:
    """Signed statements of who we are, one for each push service, kept for half their time."""

    def __init__(self, config: WebPushConfig, now_ms: Callable[[], int]) -> None:
        key = _private_key(config.private_key)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        raw = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._key = ECKey.import_key(pem)
        self._public = urlsafe_b64encode(raw).rstrip(b"=").decode()
        self._subject = config.subject
        self._now_ms = now_ms
        self._made: dict[str, tuple[int, str]] = {}

    def authorization(self, origin: str) -> str:
        """The header for a service; it tells a statement for another service from its own."""
        now = self._now_ms()
        made_at, text = self._made.get(origin, (0, ""))
        if not 0 <= now - made_at < VAPID_LASTS_MS // 2:
            claims = {"aud": origin, "exp": (now + VAPID_LASTS_MS) // 1000, "sub": self._subject}
            token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
            text = f"vapid t={token}, k={self._public}"
            if len(self._made) >= ORIGINS:
                self._made.clear()
            self._made[origin] = now, text
        return text


def _origin(reader: Subscription) -> str:
    """Without the port that goes without saying."""
    is_https = reader.parts.scheme == "https"
    return f"https://{reader.parts.hostname}" if is_https else f"http://{reader.parts.netloc}"


def _private_key(text: str) -> ec.EllipticCurvePrivateKey:
    try:
        if text.startswith("-----"):
            key = load_pem_private_key(text.encode(), None)
        else:
            key = ec.derive_private_key(int.from_bytes(unpadded(text), "big"), ec.SECP256R1())
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ProviderConfigError("config: private_key is no private key of P-256")
    return key
