"""Signatures of what we ask of others, in the way of Standard Webhooks."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final

PREFIX: Final = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64


def signature(key: bytes, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """Headers that prove who sends, and when: HMAC-SHA256 over id, second and body."""
    signed = b".".join((message_id.encode(), str(at_s).encode(), body))
    told = b64encode(hmac.digest(key, signed, sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(at_s), "webhook-signature": f"v1,{told}"}


def key_of(secret: str) -> bytes:
    """The key in `whsec_<base64>`; ValueError if it is none."""
    text = secret.strip()
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"it must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64")
    return key
