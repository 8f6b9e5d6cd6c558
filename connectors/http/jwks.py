"""The issuer's public keys (JWKS), from an address or a file: read now and then, kept when it is away."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

VerifyingKey: TypeAlias = RSAKey | ECKey | OKPKey
Found: TypeAlias = "dict[tuple[str, str], VerifyingKey]"
"""Key id and algorithm → key: a key serves the algorithm of its kind and no other."""

EVERY_S = 300.0
AWAY_S = 5.0
AGAIN_S = 10.0
"""After an unknown key id the issuer is asked at most so often: strangers choose the ids."""
TIMEOUT_S = 5.0
LARGEST = 256 * 1024
SMALLEST_RSA = 2_048
_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y")
_log = structlog.get_logger(__name__)


class KeysUnavailableError(Exception):
    """The issuer's keys could not be read yet, so no token can be checked."""


class TrustedKeys:
    """The keys in force. `generation` grows when they change; `notice` hears `read` or `failed`."""

    def __init__(
        self,
        load: Callable[[], Awaitable[bytes]],
        notice: Callable[[str], object] = lambda _result: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.generation = 0
        self._load = load
        self._notice = notice
        self._clock = clock
        self._keys: Found = {}
        self._raw = b""
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()

    async def find(self, kid: str, alg: str) -> VerifyingKey | None:
        """The key of this id and algorithm; the issuer is asked when there is none, within limits."""
        key = self._keys.get((kid, alg))
        if key is None:
            await self._ask_again()
            key = self._keys.get((kid, alg))
        if key is None and not self._keys:
            raise KeysUnavailableError
        return key

    async def refresh(self) -> bool:
        """Read the keys anew; those of before stay when that fails, or when there is none we can use."""
        async with self._reading:
            return await self._read()

    async def keep_fresh(self) -> None:
        """Read the keys for ever, now and then."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            pause = EVERY_S if await self.refresh() else AWAY_S

    async def _ask_again(self) -> None:
        """Read the keys, unless that was tried a moment ago, or while this call waited for its turn."""
        came = self._clock()
        async with self._reading:
            if self._tried_at is None or came - self._tried_at >= AGAIN_S:
                await self._read()

    async def _read(self) -> bool:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                raw = await self._load()
            keys = self._keys if raw == self._raw else usable_keys(raw)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _log.warning(
                "jwks_stays_as_it_was", keys=len(self._keys), error=f"{type(error).__name__}: {error}"
            )
            self._notice("failed")
            return False
        if raw != self._raw:
            self._keys, self._raw = keys, raw
            self.generation += 1
        self._notice("read")
        return True


def usable_keys(raw: bytes) -> Found:
    """The keys of a JWKS that may verify; ValueError when it is none, or holds none of them.

    Symmetric keys, keys for encryption, of other curves, too short or without an id are left out.
    """
    try:
        listed = json.loads(raw)["keys"]
        found = [key for each in listed for key in _usable(each)]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no JWKS: {type(error).__name__}") from None
    if not found:
        raise ValueError("a JWKS without a key that may verify")
    return dict(reversed(found))


def _usable(told: Mapping[str, Any]) -> list[tuple[tuple[str, str], VerifyingKey]]:
    kid, kind = told.get("kid"), _KINDS.get((told.get("kty"), told.get("crv")))
    if kind is None or not isinstance(kid, str) or not kid or told.get("use", "sig") != "sig":
        return []
    algs, form = kind
    if told.get("alg", algs[0]) not in algs or "verify" not in told.get("key_ops", ["verify"]):
        return []
    try:
        key = form.import_key({name: told[name] for name in _PUBLIC if name in told})
        is_short = isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA
    except (JoseError, ValueError, TypeError):
        return []
    return [] if is_short else [((kid, alg), key) for alg in algs]


_KINDS: Final[Mapping[tuple[Any, Any], tuple[tuple[str, ...], type[VerifyingKey]]]] = {
    ("RSA", None): (("RS256",), RSAKey),
    ("EC", "P-256"): (("ES256",), ECKey),
    ("OKP", "Ed25519"): (("EdDSA", "Ed25519"), OKPKey),
}
"""Kind of key → its algorithm; that of Ed25519 has two names (RFC 9864)."""
ALGORITHMS: Final = frozenset(alg for algs, _ in _KINDS.values() for alg in algs)


def from_url(session: aiohttp.ClientSession, url: str) -> Callable[[], Awaitable[bytes]]:
    """Reads the keys from an address; follows no redirect, takes no more than a set of keys can need."""

    async def load() -> bytes:
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:  # noqa: PLR2004 - the one status with keys in it
                raise ValueError(f"the issuer answered {answer.status}")
            raw = await answer.content.read(LARGEST + 1)
            while len(raw) <= LARGEST and (more := await answer.content.read(LARGEST)):
                raw += more
        if len(raw) > LARGEST:
            raise ValueError("more than keys can need")
        return raw

    return load


def from_file(path: Path) -> Callable[[], Awaitable[bytes]]:
    """Reads the keys from a file, which may be replaced while we run."""

    async def load() -> bytes:
        return path.read_bytes()

    return load
