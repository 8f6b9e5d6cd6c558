"""Changes as people and services make them, over HTTP: who asks for what, and when it was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import aiohttp
from joserfc import jwt
from joserfc.jwk import ECKey

from bench.vetoes.rows import CANCELLED, ERASED, SWITCHED_OFF, UNSUBSCRIBED
from bench.watch import BenchError
from connectors.http.persons import ERASURE_PATH
from connectors.http.preferences import PATH as PREFERENCES_PATH
from connectors.http.send_cancel import PATH as CANCEL_PATH

SERVICE, KEY = "bench", "ck_live_bench"
ISSUER, AUDIENCE = "https://id.bench", "carillon"
LIFE_S = 86_400
TYPE = "refund"
"""Type of all mails of the bench of vetoes."""
TAKEN = (200, 202)


class Asked(NamedTuple):
    """One request: method, path, body, and whether only staff may."""

    method: str
    path: str
    body: dict[str, Any]
    is_of_staff: bool = False


def asked(kind: str, user: str, request_id: str) -> Asked:
    """The request that makes a change; `request_id` is looked at by a cancel only."""
    preferences = PREFERENCES_PATH.format(user_id=user)
    off = {"notification_type": TYPE, "allowed_channels": [], "is_enabled": False}
    ways = {
        UNSUBSCRIBED: Asked("POST", f"{preferences}/unsubscribe", {"channel_type": "email"}),
        SWITCHED_OFF: Asked("PUT", preferences, off),
        CANCELLED: Asked("POST", CANCEL_PATH.format(id=request_id), {"user_id": user}),
        ERASED: Asked("POST", ERASURE_PATH.format(user_id=user), {}, is_of_staff=True),
    }
    return ways[kind]


@dataclass(frozen=True, slots=True)
class Planned:
    """One change to come: at `due_s` of the scene, of the user with this number."""

    due_s: float
    kind: str
    user: int


def planned(users: Iterable[int], counts: dict[str, int], rate: float) -> list[Planned]:
    """Each kind so many times, mixed, at a steady rate; each user once."""
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    Random(len(kinds)).shuffle(kinds)  # noqa: S311 - the same mixture in every run
    each = enumerate(zip(kinds, users, strict=False))
    return [Planned(number / rate, kind, user) for number, (kind, user) in each]


class Callers:
    """A service with an API key, and a member of staff with a token, before one HTTP process."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets the file with the issuer's key."""
        self._key = ECKey.generate_key("P-256")
        self._file = folder / "jwks.json"
        listed = {**self._key.as_dict(private=False), "kid": "bench", "use": "sig"}
        self._file.write_text(json.dumps({"keys": [listed]}), encoding="utf-8")
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "staff", "exp": int(time.time()) + LIFE_S}
        header = {"alg": "ES256", "kid": "bench"}
        self._token = jwt.encode(header, {**claims, "roles": ["admin"]}, self._key, algorithms=["ES256"])

    @property
    def flags(self) -> dict[str, str]:
        """Settings of an HTTP process that knows them."""
        return {
            "http.api_keys": f"{SERVICE}:{sha256(KEY.encode()).hexdigest()}:preferences+send",
            "http.jwt.issuer": ISSUER,
            "http.jwt.audience": AUDIENCE,
            "http.jwt.jwks_file": str(self._file),
        }

    async def answered_ms(self, session: aiohttp.ClientSession, one: Asked) -> float:
        """Wall time of the answer; BenchError for any that does not take the change."""
        headers = {"Authorization": f"Bearer {self._token if one.is_of_staff else KEY}"}
        async with session.request(one.method, one.path, json=one.body, headers=headers) as answer:
            now = time.time() * 1000
            if answer.status not in TAKEN:
                raise BenchError(f"{one.method} {one.path}: {answer.status} {await answer.text()}")
            return now
