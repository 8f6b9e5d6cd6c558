"""Tokens of people (JWT): what a valid one is, decided once, and remembered until it expires.

A key verifies with one algorithm, that of its kind. So a token cannot choose: `none` and the HMACs do not
exist here, and a public key is never a shared secret.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections import OrderedDict
from enum import StrEnum
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from connectors.http.jwks import ALGORITHMS
from connectors.http.policies import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.http.jwks import TrustedKeys, VerifyingKey

LONGEST_SUBJECT = 256
TYPES: Final = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
REMEMBERED = 50_000


class Refusal(StrEnum):
    """Why a token is not accepted. For metrics and logs; the caller learns only that it is not."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    NOT_YET = "not_yet"
    EXPIRED = "expired"


class TokenRefusedError(Exception):
    """The token is not accepted."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenRules(NamedTuple):
    """Whose tokens are believed. `roles_claim`: a path of names with dots, such as `realm_access.roles`."""

    issuer: str
    audience: str
    roles_claim: str = "roles"
    leeway_s: int = 30


class Person(NamedTuple):
    """Whom a token names, until when."""

    subject: str
    roles: frozenset[Role]
    until_ms: int


class Head(NamedTuple):
    """The two things of a token's header that count."""

    kid: str
    alg: str


class Tokens:
    """Verifies tokens. A good one is remembered by its hash until it expires or the issuer's keys change."""

    def __init__(
        self, rules: TokenRules, keys: TrustedKeys, now_ms: Callable[[], int], remember: int = REMEMBERED
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._now_ms = now_ms
        self._remember = remember
        self._known: OrderedDict[bytes, Person] = OrderedDict()
        self._of = keys.generation

    async def person(self, token: str) -> Person:
        """Whom the token names. `TokenRefusedError`; `KeysUnavailableError` when no key was ever read."""
        digest = sha256(token.encode()).digest()
        self._forget_of_old_keys()
        known = self._known.get(digest)
        if known is not None:
            if self._now_ms() >= known.until_ms:
                del self._known[digest]
                raise TokenRefusedError(Refusal.EXPIRED)
            self._known.move_to_end(digest)
            return known
        return await self._verified(token, digest)

    async def _verified(self, token: str, digest: bytes) -> Person:
        head = head_of(token)
        key = await self._keys.find(head.kid, head.alg)
        self._forget_of_old_keys()  # the question may have changed them
        if key is None:
            raise TokenRefusedError(Refusal.UNKNOWN_KEY)
        found = person_in(claims_of(token, key), self._rules, self._now_ms())
        self._known[digest] = found
        if len(self._known) > self._remember:
            self._known.popitem(last=False)
        return found

    def _forget_of_old_keys(self) -> None:
        if self._of != self._keys.generation:
            self._known.clear()
            self._of = self._keys.generation


def head_of(token: str) -> Head:
    """Read a token's header, which anybody may have written."""
    try:
        head = json.loads(_unpacked(token.partition(".")[0]))
    except (ValueError, RecursionError):
        raise TokenRefusedError(Refusal.MALFORMED) from None
    if not isinstance(head, dict) or "crit" in head or str(head.get("typ", "JWT")).lower() not in TYPES:
        raise TokenRefusedError(Refusal.MALFORMED)
    kid, alg = head.get("kid"), head.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise TokenRefusedError(Refusal.ALGORITHM)
    if not isinstance(kid, str) or not kid:
        raise TokenRefusedError(Refusal.UNKNOWN_KEY)
    return Head(kid, alg)


def claims_of(token: str, key: VerifyingKey) -> dict[str, Any]:
    """The claims, once the signature is right."""
    try:
        signed = jws.deserialize_compact(token, key, registry=REGISTRY)
        claims = json.loads(signed.payload or b"")
    except (JoseError, ValueError, RecursionError):
        raise TokenRefusedError(Refusal.SIGNATURE) from None
    if not isinstance(claims, dict):
        raise TokenRefusedError(Refusal.CLAIMS)
    return claims


def person_in(claims: dict[str, Any], rules: TokenRules, now_ms: int) -> Person:
    """Whom verified claims name, if they are for us and now; `iss`, `aud`, `exp` and `sub` are demanded."""
    audience = claims.get("aud")
    if claims.get("iss") != rules.issuer:
        raise TokenRefusedError(Refusal.ISSUER)
    if rules.audience not in (audience if isinstance(audience, list) else [audience]):
        raise TokenRefusedError(Refusal.AUDIENCE)
    until_s = _moment(claims, "exp") + rules.leeway_s
    if now_ms >= until_s * 1000:
        raise TokenRefusedError(Refusal.EXPIRED)
    if any(
        _moment(claims, name) - rules.leeway_s > now_ms / 1000 for name in ("nbf", "iat") if name in claims
    ):
        raise TokenRefusedError(Refusal.NOT_YET)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefusedError(Refusal.CLAIMS)
    return Person(subject, roles_in(claims, rules.roles_claim), int(until_s * 1000))


def roles_in(claims: dict[str, Any], path: str) -> frozenset[Role]:
    """The roles that we know; a list of words, or a text of them. `service` is no person's.

    A name with `/` or `:` in it, such as an address, is one claim; else dots lead inside. Never both: who may
    write a claim of his own would write one with the path's letters.
    """
    found: Any = claims
    for name in [path] if set(path) & {"/", ":"} else path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    words = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(role for role in Role if role.value in words)


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefusedError(Refusal.CLAIMS)
    if isinstance(value, float) and not isfinite(value):  # of an `int` too large for a float it would raise
        raise TokenRefusedError(Refusal.CLAIMS)
    return float(max(min(value, LATEST_S), -LATEST_S))


def _unpacked(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


class _Signatures(JWSRegistry):
    """The algorithms that count. Strangers' header fields mean nothing, as RFC 7515 demands."""

    max_header_length = 2_048

    def get_alg(self, name: str) -> Any:
        """Without joserfc's warning that `EdDSA` has a newer name; issuers go on using it."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


REGISTRY: Final = _Signatures(strict_check_header=False)
LATEST_S = 253_402_300_800.0
"""The year 10000: what a token says beyond it means no more."""
