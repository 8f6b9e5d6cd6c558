"""Whatever a request shows is read as a key, a token or nothing; it never raises, nor lets in by chance."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from connectors.access.key_book import KeyBook
from connectors.http.authority import Authority
from connectors.http.credentials import (
    IN_URLS,
    PREFIXES,
    Asked,
    KeyShown,
    Nothing,
    TokenShown,
    Unusable,
    is_in_url,
    shown,
)
from connectors.http.policies import Himself, NeedsRole, Role
from connectors.http.problems import PROBLEMS, ProblemError
from connectors.http.tokens import TokenRefusedError, head_of
from tests.unit.connectors.http.issuer import Desk, token, unsigned

PIECES = ["&", "=", "x", "%5B", "%5d", "+", "JWT", "jw", "t", "%6Awt", "%63k_live_", "Api_Key", *PREFIXES]
TEXTS = st.text(st.characters(codec=None), max_size=60)
KEY = "ck_live_0f3a5c7e9b1d_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
GOOD = token()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)
HEADS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x"]), JSON | st.just("RS256"))


@given(TEXTS)
def test_any_header_is_read(value: str) -> None:
    assert isinstance(shown({"Authorization": value}), Nothing | Unusable | KeyShown | TokenShown)


@given(st.text(st.sampled_from("bBeEaArR"), min_size=6, max_size=6), st.integers(1, 5))
def test_the_scheme_is_read_in_any_letters_and_nothing_else_is_that_scheme(word: str, spaces: int) -> None:
    found = shown({"Authorization": word + " " * spaces + KEY})
    expected = (
        KeyShown(sha256(KEY.encode()).digest(), is_test=False) if word.lower() == "bearer" else Unusable()
    )
    assert expected == found


@given(st.text(st.characters(max_codepoint=255), min_size=1, max_size=3), st.integers(0, len(KEY)))
def test_a_key_with_anything_more_is_another_key_or_none(more: str, at: int) -> None:
    found = shown({"Authorization": f"Bearer {KEY[:at]}{more}{KEY[at:]}"})
    known = sha256(KEY.encode()).digest()
    assert not (isinstance(found, KeyShown) and found.digest == known) or not more.strip(" ")


@given(st.lists(st.sampled_from([f"Bearer {KEY}", "Bearer x.y.z", ""]), min_size=2, max_size=3))
def test_two_headers_are_none(values: list[str]) -> None:
    assert Unusable() == shown(CIMultiDict([("Authorization", value) for value in values]))


@given(st.sampled_from(sorted(IN_URLS)), st.text(max_size=8), st.booleans())
def test_a_credential_in_an_address_is_seen_however_it_is_written(name: str, value: str, loud: bool) -> None:
    told = name.upper() if loud else name
    assert is_in_url(f"page=1&{told}={quote(value)}")
    hidden = "".join(f"%{ord(letter):02x}" for letter in PREFIXES[0])
    assert is_in_url(f"x={hidden}{quote(value)}")


@given(TEXTS)
def test_any_query_is_read(query: str) -> None:
    assert is_in_url(query) in {True, False}


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_a_query_that_is_not_taken_apart_holds_nothing(query: str) -> None:
    """Mutations tried: the look at escapes left out, and letters compared as they are: both fail."""
    told = parse_qsl(query, keep_blank_values=True)
    by_name = any(name.lower() in IN_URLS for name, _ in told)
    assert is_in_url(query) == (by_name or any(prefix in value for _, value in told for prefix in PREFIXES))


@given(HEADS, JSON)
def test_no_head_lets_a_token_in_without_a_signature(head: dict[str, object], claims: object) -> None:
    parts = [json.dumps(part).encode() for part in (head, claims)]
    text = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".AAAA"
    assert outcome(text) in {401, 503}


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("AZaz09-_."))
def test_a_good_token_with_one_letter_changed_is_no_token(at: int, letter: str) -> None:
    """But for bits at the end of a part that base64 does not use: those say the same."""
    changed = GOOD[:at] + letter + GOOD[at + 1 :]
    is_last = at + 1 == len(GOOD) or GOOD[at + 1] == "."
    assert outcome(changed) == 401 or changed == GOOD or is_last


@given(st.text(max_size=40))
def test_any_text_has_a_head_or_is_refused(text: str) -> None:
    for given_ in (text, f"{urlsafe_b64encode(text.encode()).decode()}.e30.", unsigned({"alg": text})):
        try:
            head_of(given_)
        except TokenRefusedError:
            continue


def outcome(text: str) -> int:
    """The status for a token on the path of user `u-1`; 200 when it is let in."""

    async def ask() -> int:
        authority = Authority(KeyBook(), [], Desk().tokens())
        headers = {"Authorization": f"Bearer {text}"}
        policy = Himself("user_id", NeedsRole(frozenset({Role.ADMIN})))
        try:
            await authority.authenticate(Asked(headers, shown(headers), {"user_id": "u-1"}), policy)
        except ProblemError as problem:
            return PROBLEMS[problem.code][0]
        return 200

    return asyncio.run(ask())
