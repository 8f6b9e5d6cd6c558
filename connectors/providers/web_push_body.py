"""What a browser can read and its push service cannot: message encryption for Web Push (RFC 8291, 8188)."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Meta

from connectors.providers.port import message_id_of
from connectors.providers.rich_push import buttons

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

    from schemas.records import Content

CURVE = ec.SECP256R1()
SALT_BYTES = 16
AUTH_BYTES = 16
RECORD_BYTES = 4_096
OVERHEAD_BYTES = SALT_BYTES + 4 + 1 + 65 + 1 + 16
"""Salt, record size, length of the key, key, the mark of the last record, tag."""
_LAST = b"\x02"


class _Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class _Subscribed(msgspec.Struct, frozen=True):
    """What `JSON.stringify(subscription)` gives in a browser. ASCII only: readers differ about the rest."""

    endpoint: Annotated[str, Meta(pattern=r"\A[!-~]+\Z")]
    keys: _Keys


class Subscription(NamedTuple):
    """Where a browser's push service is, and for whom a message is to be encrypted."""

    endpoint: str
    parts: SplitResult
    key: EllipticCurvePublicKey
    raw_key: bytes
    auth: bytes


def subscription(token: str) -> Subscription | None:
    """Read the token of a browser; None when it is no subscription."""
    try:
        given = msgspec.json.decode(token, type=_Subscribed)
        raw_key, auth = unpadded(given.keys.p256dh), unpadded(given.keys.auth)
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw_key)
        parts = urlsplit(given.endpoint)
        is_whole = parts.port is None or parts.port > 0
    except (msgspec.MsgspecError, ValueError, UnicodeError):
        return None
    if len(auth) != AUTH_BYTES or not is_whole or not parts.hostname or parts.username is not None:
        return None
    return Subscription(given.endpoint, parts, key, raw_key, auth)


def unpadded(text: str) -> bytes:
    """Read base64url without its padding, or with it; `ValueError` when it is none."""
    text = text.rstrip("=")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encrypted(
    clear: bytes,
    reader: Subscription,
    own: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """One record of `aes128gcm`. `own` and `salt` are new for each message; tests give those of the RFC."""
    own = own or ec.generate_private_key(CURVE)
    salt = salt or os.urandom(SALT_BYTES)
    raw_own = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), reader.key)
    key, nonce = content_keys(shared, reader.auth, reader.raw_key + raw_own, salt)
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(raw_own)]) + raw_own
    return head + AESGCM(key).encrypt(nonce, clear + _LAST, None)


def content_keys(shared: bytes, auth: bytes, public_keys: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of a message; `public_keys`: the reader's and then the writer's."""
    secret = _derived(auth, b"WebPush: info\x00" + public_keys, 32, shared)
    key = _derived(salt, b"Content-Encoding: aes128gcm\x00", 16, secret)
    return key, _derived(salt, b"Content-Encoding: nonce\x00", 12, secret)


def _derived(salt: bytes, info: bytes, length: int, secret: bytes) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def clear_text(content: Content, idempotency_key: str) -> bytes:
    """What the page's worker gets from `event.data.json()`."""
    message_id = message_id_of(idempotency_key)
    shown: dict[str, Any] = {
        "title": content.title or content.subject or "",
        "body": content.body,
        "tag": message_id,
    }
    if content.image:
        shown["image"] = content.image
    if content.buttons:
        shown["buttons"] = buttons(content)
    return orjson.dumps(shown | {"carillon_message_id": message_id, "carillon_key": idempotency_key})
