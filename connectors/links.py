"""Tokens in links of messages: who unsubscribes from what, or whose choices a page shows (NS-API-OP-10).

`<key id>.<payload>.<signature>`, base64url without padding, short enough for a text message. A link works as
long as its key is among the keys; one to the page of choices, which shows them, has an end besides.
HMAC-SHA256, cut to 128 bits, over purpose and payload.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

UNSUBSCRIBE_PATH: Final = "/api/v1/notifications/unsubscribe"
PREFERENCES_PATH: Final = "/api/v1/notifications/preferences"
LONGEST_TOKEN = 1_000
LEAST_KEY_BYTES = 32
SIGNATURE_BYTES = 16
UNSUBSCRIBE = b"unsubscribe/2\0"
PREFERENCES = b"preferences/2\0"
FORM = b"form/1\0"
"""Purposes, signed with the payload: a token of one is none of the other."""
LETTERS: Final = {"all_marketing": b"a", "email": b"e", "sms": b"s", "push": b"p", "in_app": b"i"}
"""First byte of what an unsubscribe says; the user's 16 bytes follow, then the campaign."""
USER_BYTES = 16
DAY_BYTES = 2
DAY_MS = 86_400_000
PAGE_DAYS = 90
"""How long a link to the page of choices works; the way out of marketing works on."""
_WORDS: Final = {letter: word for word, letter in LETTERS.items()}
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class LinkError(ValueError):
    """No token of ours, or keys that are none. The text never holds a key."""


class Link(msgspec.Struct, frozen=True):
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
        said = LETTERS[link.channel] + _user(link.user_id) + (link.campaign or "").encode()
        return self._signed(UNSUBSCRIBE, said)

    def read(self, token: str) -> Link:
        """What a token says; `LinkError` for whatever was not signed with one of the keys."""
        said = self._opened(UNSUBSCRIBE, token)
        try:
            user_id = str(UUID(bytes=said[1 : 1 + USER_BYTES]))
            return Link(user_id, _WORDS[said[:1]], said[1 + USER_BYTES :].decode() or None)
        except (KeyError, ValueError) as error:
            raise LinkError("a signed token that says nothing") from error

    def page_token(self, user_id: str, at: int) -> str:
        """The token of the page with a user's choices, of a message made at `at` (ms).

        It ends with a day, so messages of one day have the same.
        """
        last = at // DAY_MS + PAGE_DAYS
        return self._signed(PREFERENCES, _user(user_id) + last.to_bytes(DAY_BYTES, "big"))

    def read_page(self, token: str, now: int) -> str:
        """Whose choices a token of the page shows and changes; `LinkError` as with `read`, or when over."""
        said = self._opened(PREFERENCES, token)
        if len(said) != USER_BYTES + DAY_BYTES:
            raise LinkError("a signed token that says nothing")
        if now // DAY_MS > int.from_bytes(said[USER_BYTES:], "big"):
            raise LinkError("a token that has ended")
        return str(UUID(bytes=said[:USER_BYTES]))

    def form_token(self, user_id: str) -> str:
        """What the form of that page must bring with it: whoever only opens or posts links has none."""
        return self._signed(FORM, _user(user_id))

    def is_form(self, token: str, user_id: str) -> bool:
        """Whether a form was made by us, for this user."""
        try:
            return self._opened(FORM, token) == _user(user_id)
        except LinkError:
            return False

    def _signed(self, purpose: bytes, said: bytes) -> str:
        payload = _text(said)
        return f"{self._current}.{payload}.{_text(self._sign(self._current, purpose, payload))}"

    def _opened(self, purpose: bytes, token: str) -> bytes:
        key_id, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        if len(token) > LONGEST_TOKEN or key_id not in self._keys or not token.isascii():
            raise LinkError("no token of ours")
        if not hmac.compare_digest(_text(self._sign(key_id, purpose, payload)).encode(), signature.encode()):
            raise LinkError("no token of ours")
        return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))

    def _sign(self, key_id: str, purpose: bytes, payload: str) -> bytes:
        return hmac.digest(self._keys[key_id], purpose + payload.encode(), sha256)[:SIGNATURE_BYTES]


class MessageLinks:
    """Fulfils `agents.ports.Links`. `public_url`: where people reach the edge, without a slash at its end."""

    def __init__(self, public_url: str | None, signer: LinkSigner | None) -> None:
        self._signer = signer if public_url else None
        self._public_url = public_url

    def unsubscribe(self, user_id: str, campaign: str | None) -> str | None:
        """The page, and the one click, that ends all marketing."""
        if self._signer is None:
            return None
        token = self._signer.token(Link(user_id, "all_marketing", campaign))
        return f"{self._public_url}{UNSUBSCRIBE_PATH}?token={token}"

    def preferences(self, user_id: str, at: int) -> str | None:
        """The page of all choices, in a message made at `at` (ms)."""
        if self._signer is None:
            return None
        return f"{self._public_url}{PREFERENCES_PATH}?token={self._signer.page_token(user_id, at)}"


def signer_of(keys: SecretStr | None) -> LinkSigner | None:
    """The signer of the setting `http.link_keys`, if it is set."""
    return None if keys is None else LinkSigner.of_text(keys.get_secret_value())


def _user(user_id: str) -> bytes:
    try:
        return UUID(user_id).bytes
    except ValueError:
        raise LinkError("the user's id is no UUID") from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
