"""What the decision on a caller costs: `python -m bench.access`. One core, no network, no handler.

Each figure is CPU time, the best of five rounds: others use the machine, too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable
from time import process_time, time
from typing import NamedTuple

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from multidict import CIMultiDict, CIMultiDictProxy

from connectors.access.key_book import KeyBook
from connectors.clock import now_ms
from connectors.http.authority import Authority
from connectors.http.credentials import Asked, shown
from connectors.http.jwks import TrustedKeys
from connectors.http.policies import Himself, NeedsRole, Role
from connectors.http.problems import ProblemError
from connectors.http.quotas import Counted, Quotas
from connectors.http.tokens import REGISTRY, TokenRules, Tokens

ROUNDS = 5
KEY = "ck_live_0f3a5c7e9b1d_" + "x" * 43
POLICY = Himself("user_id", NeedsRole(frozenset({Role.ADMIN}), "preferences"))
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}


class Entry(NamedTuple):
    """The one API key there is."""

    key_id: str = "one"
    sha256: str = hashlib.sha256(KEY.encode()).hexdigest()
    scopes: frozenset[str] = frozenset({"preferences"})


def token(alg: str, subject: str) -> str:
    """A good token."""
    claims = {"iss": "i", "aud": "a", "sub": subject, "exp": int(time()) + 3600, "roles": ["user"]}
    return jwt.encode({"alg": alg, "kid": alg}, claims, KEYS[alg], registry=REGISTRY)


def asking(remember: int) -> Callable[[str, str], Awaitable[object]]:
    """A way to ask about a credential, with a memory for so many tokens."""
    listed = [{**key.as_dict(private=False), "kid": alg} for alg, key in KEYS.items()]

    async def load() -> bytes:
        return json.dumps({"keys": listed}).encode()

    tokens = Tokens(TokenRules("i", "a"), TrustedKeys(load), now_ms, remember)
    authority = Authority(KeyBook([Entry()]), [], tokens, None, now_ms)
    counted = Counted(authority, Quotas(per_user=10**9, per_service=10**9), now_ms)

    async def ask(text: str, user_id: str) -> object:
        headers = CIMultiDictProxy(CIMultiDict({"Authorization": f"Bearer {text}", "Host": "x"}))
        return await counted.authenticate(Asked(headers, shown(headers), {"user_id": user_id}), POLICY)

    return ask


async def micros(ask: Callable[[str, str], Awaitable[object]], texts: list[tuple[str, str]]) -> float:
    """Best time for one question, in µs."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time()
        for text, user_id in texts:
            try:
                await ask(text, user_id)
            except ProblemError:
                continue
        best = min(best, (process_time() - began) / len(texts))
    return best * 1e6


async def main() -> None:
    """Measure and print."""
    known = asking(50_000)
    few = {alg: [(token(alg, f"u-{n}"), f"u-{n}") for n in range(200)] for alg in KEYS}
    rows = {"API key": await micros(known, [(KEY, "u-1")] * 10_000)}
    rows["token, remembered"] = await micros(known, few["RS256"] * 50)
    for alg, texts in few.items():
        rows[f"token, verified ({alg})"] = await micros(asking(1), texts)
    wrong = [(f"{text[:-8]}AAAAAAAA", user) for text, user in few["RS256"]]
    rows["token, wrong signature (RS256)"] = await micros(known, wrong)
    for name, found in rows.items():
        sys.stdout.write(f"{name:32} {found:8.1f} µs  {1e6 / found:9.0f}/s\n")


if __name__ == "__main__":
    asyncio.run(main())
