"""Posts of providers, signed as their vendors sign: a key pair, a signing key, a secret of ours."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.providers.mailgun import MESSAGE_VARIABLE
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.sendgrid import SIGNATURE, TIMESTAMP
from connectors.providers.receipts.twilio import SIGNATURE as TWILIO_SIGNATURE
from connectors.providers.sendgrid import MESSAGE_ARGUMENT
from connectors.signatures import key_of, signature
from schemas.ids import message_named

MESSAGE_ID = message_named("11111111-2222-4333-8444-555555555555", "sample")
AT_S = 1_700_000_000
PAIR = generate_private_key(SECP256R1())
SENDGRID_KEY = b64encode(
    PAIR.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
MAILGUN_KEY = "key-of-the-account"
TWILIO_KEY = "token-of-the-account"
STATUS_URL = "https://notify.example.com/api/v1/notifications/webhooks/sms/abroad"
STANDARD_KEY = f"whsec_{b64encode(b'thirty-two bytes of a secret key').decode()}"


def by_sendgrid(*events: dict[str, Any], at_s: int = AT_S) -> Post:
    """A post as the vendor signs it."""
    body = json.dumps(list(events)).encode()
    signed = b64encode(PAIR.sign(str(at_s).encode() + body, ECDSA(SHA256()))).decode()
    return Post({SIGNATURE: signed, TIMESTAMP: str(at_s)}, body)


def sendgrid_event(word: str, message_id: str = MESSAGE_ID, **more: Any) -> dict[str, Any]:
    """One event, with the argument that our adapter hands over."""
    named = {MESSAGE_ARGUMENT: message_id} if message_id else {}
    told = {"event": word, "timestamp": AT_S, "sg_event_id": f"{word}-1", "email": "anna@example.com"}
    return told | named | more


def by_mailgun(event: Any, at_s: int = AT_S, key: str = MAILGUN_KEY) -> Post:
    """A post as the vendor signs it."""
    told = hmac.digest(key.encode(), f"{at_s}token".encode(), sha256).hex()
    proof = {"timestamp": str(at_s), "token": "token", "signature": told}
    return Post({}, json.dumps({"signature": proof, "event-data": event}).encode())


def mailgun_event(word: str, message_id: str = MESSAGE_ID, **more: Any) -> dict[str, Any]:
    """One event, with the variable that our adapter hands over; `_` in names is `-`."""
    named = {"user-variables": {MESSAGE_VARIABLE: message_id}} if message_id else {}
    told = {"event": word, "timestamp": AT_S + 0.25, "id": f"{word}-1", "recipient": "anna@example.com"}
    return told | named | {name.replace("_", "-"): value for name, value in more.items()}


def by_standard(*events: dict[str, Any], at_s: int = AT_S, key: str = STANDARD_KEY) -> Post:
    """A post in our own form."""
    body = json.dumps({"events": list(events)}).encode()
    return Post(signature(key_of(key), "post-1", at_s, body), body)


def by_twilio(word: str, message_id: str = MESSAGE_ID, **more: str) -> Post:
    """A post as the vendor signs it, to the address that our adapter hands over."""
    query = f"key={message_id}%3A0"
    fields = {"MessageSid": "SM1", "MessageStatus": word, "To": "+15005550006"} | more
    signed = f"{STATUS_URL}?{query}" + "".join(name + fields[name] for name in sorted(fields))
    told = b64encode(hmac.digest(TWILIO_KEY.encode(), signed.encode(), "sha1")).decode()
    return Post({TWILIO_SIGNATURE: told}, urlencode(fields).encode(), query, f"{STATUS_URL}?{query}")
