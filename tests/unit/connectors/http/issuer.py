"""An issuer of tokens: right ones, and every wrong one that a thief may make."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from connectors.http.jwks import ALGORITHMS, TrustedKeys
from connectors.http.tokens import REGISTRY, TokenRules, Tokens
from tests.unit.connectors.http.edge import NOW

ISSUER, AUDIENCE = "https://id.test", "carillon"
RULES = TokenRules(ISSUER, AUDIENCE)
NOW_S = NOW // 1000
RSA, RSA_NEXT, RSA_STRANGE = (RSAKey.generate_key(2048) for _ in range(3))
EC = ECKey.generate_key("P-256")
ED = OKPKey.generate_key("Ed25519")
SHARED = OctKey.import_key(b"0123456789abcdef0123456789abcdef")
ALGORITHM = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA", "oct": "HS256"}


def listed(kid: str, key: Any, **changes: Any) -> dict[str, Any]:
    """A key as a JWKS shows it."""
    return {**key.as_dict(private=key.key_type == "oct"), "kid": kid, "use": "sig", **changes}


JWKS = [listed("rsa", RSA), listed("ec", EC), listed("ed", ED), listed("shared", SHARED)]


class Desk:
    """Where the issuer's keys are fetched; may be away. The time is the test's."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = list(keys or JWKS)
        self.raw: bytes | None = None
        self.is_away = False
        self.asked = 0
        self.now = 1000.0
        self.heard: list[str] = []
        self.trusted = TrustedKeys(self.load, self.heard.append, lambda: self.now)

    async def load(self) -> bytes:
        self.asked += 1
        if self.is_away:
            raise ConnectionError("nobody there")
        return json.dumps({"keys": self.keys}).encode() if self.raw is None else self.raw

    def tokens(self, rules: TokenRules = RULES, remember: int = 100) -> Tokens:
        return Tokens(rules, self.trusted, lambda: NOW, remember)


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    given = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u-1",
        "exp": NOW_S + 600,
        "nbf": NOW_S - 60,
        "iat": NOW_S - 60,
        "roles": ["user"],
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def token(key: Any = RSA, kid: str = "rsa", head: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token signed with a key; `head` changes its header."""
    alg = ALGORITHM[key.key_type]
    registry = REGISTRY if alg in ALGORITHMS else None
    given = {"alg": alg, "kid": kid, **(head or {})}
    return jwt.encode(given, claims(**changes), key, algorithms=[alg], registry=registry)


def unsigned(head: dict[str, Any], signature: bytes = b"", **changes: Any) -> str:
    """A token that no library would make."""
    parts = [json.dumps(part).encode() for part in (head, claims(**changes))]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


def signed_with_public_key(**changes: Any) -> str:
    """HS256, the secret being the RSA key that everybody may read: the classic confusion."""
    head = {"alg": "HS256", "kid": "rsa", "typ": "JWT"}
    text = unsigned(head, **changes).rstrip(".")
    return f"{text}.{_packed(hmac.digest(RSA.as_pem(private=False), text.encode(), 'sha256'))}"


def tampered(good: str, **changes: Any) -> str:
    """Other claims under a good signature."""
    head, _, signature = good.split(".")
    return f"{head}.{_packed(json.dumps(claims(**changes)).encode())}.{signature}"


def _packed(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
