"""Tokens in links of messages: who unsubscribes from what, signed, with the id of the key (NS-API-OP-10).

`<key id>.<payload>.<signature>`, base64url without padding; the payload is a JSON array of user, channel and
campaign. A link has no end: it works as long as its key is among the keys. HMAC-SHA256, cut to 128 bits.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from schemas.facts import Unsubscribe

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TOKEN = 1_000
LEAST_KEY_BYTES = 32
SIGNATURE_BYTES = 16
PURPOSE = b"unsubscribe/1\0"
"""Signed with every payload: a token of another purpose under the same key is none of ours."""
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class LinkError(ValueError):
    """No token of ours, or keys that are none. The text never holds a key."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """`channel`: a channel, or `all_marketing`; `campaign`: what the message belonged to, if anything."""

    user_id: str
    channel: str
    campaign: str | None = None


class LinkSigner:
    """Signs with the first key, takes every known one: rotation puts a new key before the others."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id) or len(key) < LEAST_KEY_BYTES:
                raise LinkError(
                    f"link key {key_id[:32]!r}: an id of letters and digits, and 32 bytes or more"
                )
        if not keys:
            raise LinkError("no link key")
        self._keys = dict(keys)
        self._current = next(iter(keys))

    @classmethod
    def of_text(cls, text: str) -> LinkSigner:
        """Read a setting such as `k2:BASE64,k1:BASE64`; the first key is the current one."""
        pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
        try:
            return cls({key_id: base64.b64decode(encoded, validate=True) for key_id, _, encoded in pairs})
        except binascii.Error:
            raise LinkError("link keys are written as `id:base64` with commas between") from None

    def token(self, link: Link) -> str:
        """The token of a link; the same link has the same token, so a message rendered again is the same."""
        payload = _text(msgspec.json.encode(link))
        return f"{self._current}.{payload}.{_text(self._sign(self._current, payload))}"

    def read(self, token: str) -> Link:
        """What a token says; `LinkError` for whatever was not signed with one of the keys."""
        key_id, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        if len(token) > LONGEST_TOKEN or key_id not in self._keys or not token.isascii():
            raise LinkError("no token of ours")
        if not hmac.compare_digest(_text(self._sign(key_id, payload)).encode(), signature.encode()):
            raise LinkError("no token of ours")
        try:
            link = msgspec.json.decode(
                base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Link
            )
            msgspec.convert({"channel_type": link.channel}, Unsubscribe)
        except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LinkError("a signed token that says nothing") from error
        return link

    def _sign(self, key_id: str, payload: str) -> bytes:
        return hmac.digest(self._keys[key_id], PURPOSE + payload.encode(), sha256)[:SIGNATURE_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
