"""What a request shows of itself, before anything is looked up: an API key, a token, or nothing."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from multidict import MultiMapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

PREFIXES: Final = ("ck_live_", "ck_test_")
TEST_PREFIX: Final = "ck_test_"
LONGEST: Final = 8_192
IN_URLS: Final = frozenset({"access_token", "id_token", "authorization", "api_key", "apikey", "jwt"})
"""Names of query parameters that may not hold a credential: addresses are logged and passed on."""
_KEY = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)


class Nothing(NamedTuple):
    """No credential at all."""


class Unusable(NamedTuple):
    """Something that is no credential of ours."""


class KeyShown(NamedTuple):
    """An API key, by its hash: the key itself goes no further."""

    digest: bytes
    is_test: bool


class TokenShown(NamedTuple):
    """What looks like a signed token of a person; nothing of it is believed yet."""

    text: str


Credential = Nothing | Unusable | KeyShown | TokenShown


class Asked(NamedTuple):
    """What the decision on a request may look at. `path`: its variables; `peer`: who holds the connection."""

    headers: Mapping[str, str]
    credential: Credential = Nothing()
    path: Mapping[str, str] = {}
    query: str = ""
    peer: str | None = None


def asked(request: web.Request) -> Asked:
    """Take a request apart."""
    headers = request.headers
    return Asked(
        headers, shown(headers), request.match_info, request.rel_url.raw_query_string, request.remote
    )


def shown(headers: Mapping[str, str]) -> Credential:
    """Read the header `Authorization`. Two are none: who passed them on may have read the other one."""
    value = headers.get("Authorization")
    if value is None:
        return Nothing()
    if isinstance(headers, MultiMapping) and len(headers.getall("Authorization")) > 1:
        return Unusable()
    scheme, _, text = value.partition(" ")
    text = text.strip(" ")
    if scheme.lower() != "bearer" or len(text) > LONGEST:
        return Unusable()
    if text.startswith(PREFIXES) and _KEY.fullmatch(text):
        return KeyShown(sha256(text.encode("ascii")).digest(), text.startswith(TEST_PREFIX))
    return TokenShown(text) if _TOKEN.fullmatch(text) else Unusable()


def is_in_url(query: str) -> bool:
    """Whether a query string holds what looks like a credential, valid or not."""
    return _may_hold(query) and any(
        name.lower() in IN_URLS or any(prefix in value for prefix in PREFIXES)
        for name, value in parse_qsl(query, keep_blank_values=True)
    )


def _may_hold(query: str) -> bool:
    """Whether it is worth being taken apart: most hold none of these words, and nothing that hides one."""
    plain = query.lower().replace("%5b", "[").replace("%5d", "]")  # of `context[…]`, as clients escape it
    return "%" in plain or any(word in plain for word in (*IN_URLS, *PREFIXES))
