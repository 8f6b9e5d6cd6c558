"""What a thief may try, and what it is answered: the table of docs/security.md."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from connectors.access.key_book import KeyBook
from connectors.http.policies import NeedsRole, Role
from schemas.records import ApiKey
from tests.unit.connectors.http.edge import NOW, SECRET, entry
from tests.unit.connectors.http.issuer import (
    EC,
    ED,
    NOW_S,
    RSA_NEXT,
    RSA_STRANGE,
    SHARED,
    signed_with_public_key,
    tampered,
    token,
    unsigned,
)

ADMIN = NeedsRole(frozenset({Role.ADMIN}), "templates")
MINE, YOURS, STAFF, GATE = "/users/u-1", "/users/u-2", "/staff", "/gate"
DAY = 86_400_000


class Attempt(NamedTuple):
    """`what` is tried with these headers on a path, and what it is answered."""

    what: str
    headers: dict[str, str]
    answer: str
    path: str = MINE


def managed(key: str, **changes: Any) -> ApiKey:
    given = {"key_id": key[-5:], "service": "shop", "scopes": ["templates", "preferences"], "created_at": NOW}
    return ApiKey(**{**given, "sha256": sha256(key.encode()).hexdigest(), **changes})


def book() -> KeyBook:
    known = KeyBook([entry("ck_live_configured", "templates"), entry("ck_live_of_the_gate", "gateway")])
    for record in (
        managed("ck_live_good1"),
        managed("ck_live_gone1", revoked_at=NOW - DAY),
        managed("ck_live_late1", expires_at=NOW),
        managed("ck_live_send1", scopes=["send"]),
    ):
        known.apply(record.key_id.encode(), msgspec.json.encode(record))
    return known


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


NO, NEVER, OK = "401 unauthenticated", "403 forbidden", "200"
WELCOME = [
    Attempt("a user on his own path (RS256)", bearer(token()), OK),
    Attempt("the same, ES256", bearer(token(EC, "ec")), OK),
    Attempt("the same, EdDSA", bearer(token(ED, "ed")), OK),
    Attempt("an admin on a user's path", bearer(token(roles=["admin"], sub="a-1")), OK),
    Attempt("a service whose key has the scope", bearer("ck_live_good1"), OK),
    Attempt("the gateway by its secret", {"X-Gateway-Secret": SECRET}, OK, GATE),
]
ATTEMPTS = [
    Attempt("no credential", {}, NO),
    Attempt("an empty one", bearer(""), NO),
    Attempt("another scheme (`Basic`)", {"Authorization": "Basic dTpw"}, NO),
    Attempt("a token with `alg: none`", bearer(unsigned({"alg": "none", "kid": "rsa"})), NO),
    Attempt("`alg: none` in other letters", bearer(unsigned({"alg": "nOnE", "kid": "rsa"})), NO),
    Attempt("a token whose signature was cut off", bearer(unsigned({"alg": "RS256", "kid": "rsa"})), NO),
    Attempt("HS256, signed with the RSA public key", bearer(signed_with_public_key()), NO),
    Attempt("HS256 with a shared key that the issuer lists", bearer(token(SHARED, "shared")), NO),
    Attempt("ES256 claimed for an RSA key", bearer(token(EC, "rsa")), NO),
    Attempt("signed by a stranger under a good key id", bearer(token(RSA_STRANGE)), NO),
    Attempt("a key id that the issuer does not have", bearer(token(RSA_NEXT, "gone")), NO),
    Attempt("no key id", bearer(token(head={"kid": ""})), NO),
    Attempt(
        "a key of the thief's in the header (`jwk`)",
        bearer(token(RSA_STRANGE, "mine", {"jwk": RSA_STRANGE.as_dict(private=False)})),
        NO,
    ),
    Attempt(
        "an address of the thief's keys (`jku`)",
        bearer(token(RSA_STRANGE, "mine", {"jku": "https://thief.test/jwks"})),
        NO,
    ),
    Attempt(
        "a header that must be understood (`crit`)",
        bearer(unsigned({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": False})),
        NO,
    ),
    Attempt("other claims under a good signature", bearer(tampered(token(), roles=["admin"])), NO, STAFF),
    Attempt("expired", bearer(token(exp=NOW_S - 31)), NO),
    Attempt("without an expiry", bearer(token(exp=None)), NO),
    Attempt("an expiry that is no number", bearer(token(exp="never")), NO),
    Attempt("an endless expiry (`Infinity`)", bearer(token(exp=float("inf"))), NO),
    Attempt("not valid yet (`nbf`)", bearer(token(nbf=NOW_S + 31)), NO),
    Attempt("issued in the future (`iat`)", bearer(token(iat=NOW_S + 31)), NO),
    Attempt("for another audience", bearer(token(aud="another")), NO),
    Attempt("for many others", bearer(token(aud=["another", "carillon2"])), NO),
    Attempt("without an audience", bearer(token(aud=None)), NO),
    Attempt("of another issuer", bearer(token(iss="https://id.test/")), NO),
    Attempt("without a subject", bearer(token(sub=None)), NO),
    Attempt("an identity token of another kind (`typ`)", bearer(token(head={"typ": "logout+jwt"})), NO),
    Attempt("encrypted, five parts", bearer(token() + ".x.y"), NO),
    Attempt("another user's path", bearer(token()), NEVER, YOURS),
    Attempt("another user's path, dressed up", bearer(token()), NEVER, "/users/u-1%2F..%2Fu-2"),
    Attempt("another user's path, in other letters", bearer(token()), NEVER, "/users/U-1"),
    Attempt("a user where staff may go", bearer(token()), NEVER, STAFF),
    Attempt("a token without roles", bearer(token(roles=None)), NEVER),
    Attempt("a token that says `service`", bearer(token(roles=["service"])), NEVER, STAFF),
    Attempt("a marketer where an admin may go", bearer(token(roles=["marketer"])), NEVER, STAFF),
    Attempt("an unknown key", bearer("ck_live_good2"), NO),
    Attempt("a key without its last letter", bearer("ck_live_good"), NO),
    Attempt("a live key as a test key", bearer("ck_test_good1"), NO),
    Attempt("a revoked key", bearer("ck_live_gone1"), NO),
    Attempt("a key that has ended", bearer("ck_live_late1"), NO),
    Attempt("a key of another scope", bearer("ck_live_send1"), NEVER, STAFF),
    Attempt("the key's hash instead of the key", bearer(sha256(b"ck_live_good1").hexdigest()), NO),
    Attempt("a good key in the address", {}, "400 credentials_in_url", f"{MINE}?api_key=ck_live_good1"),
    Attempt("the same under another name", {}, "400 credentials_in_url", f"{MINE}?k=ck%5Flive%5Fgood1"),
    Attempt("a good token in the address", {}, "400 credentials_in_url", f"{MINE}?access_token={token()}"),
    Attempt("a wrong gateway secret", {"X-Gateway-Secret": "guess"}, NO, GATE),
    Attempt("an empty gateway secret", {"X-Gateway-Secret": ""}, NO, GATE),
    Attempt("a user's token where only the gateway may go", bearer(token()), NO, GATE),
    Attempt("the gateway's headers without its proof", {"X-Auth-Kind": "client", "X-User-Id": "u-1"}, NO),
]
"""Headers given twice and limits have tests of their own below."""
