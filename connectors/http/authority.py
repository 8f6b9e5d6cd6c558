"""Who may call what: one port for every route. API keys and the gateway's proof here; JWT plugs in later.

Every route of the table declares one policy; `Authority.authenticate` is asked for each request.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SECRET_HEADER = "X-Gateway-Secret"  # noqa: S105 - the header's name
GATEWAY_SCOPE = "gateway"
PREFIXES = ("ck_live_", "ck_test_")
TEST_PREFIX = "ck_test_"
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Anyone:
    """Open to strangers; a caller that proves to be the gateway is told apart (SEEN-OP-09)."""


@dataclass(frozen=True, slots=True)
class OnlyGateway:
    """The caller must prove to be the gateway."""


@dataclass(frozen=True, slots=True)
class NeedsKey:
    """An API key with this scope."""

    scope: str


@dataclass(frozen=True, slots=True)
class Operations:
    """Served on the operations port only, which the network protects: probes carry no credentials."""


Policy = Anyone | OnlyGateway | NeedsKey | Operations


class CallerKind(StrEnum):
    """What a caller proved to be."""

    STRANGER = "stranger"
    GATEWAY = "gateway"
    KEY = "key"
    OPERATIONS = "operations"


class Caller(NamedTuple):
    """Who calls. `is_test`: the key is a `ck_test_` one."""

    kind: CallerKind
    key_id: str | None = None
    is_test: bool = False


class Authenticate(Protocol):
    """The port every route passes: a caller that satisfies the policy, or `ProblemError` (401, 403)."""

    async def __call__(self, headers: Mapping[str, str], policy: Policy) -> Caller: ...


class KeyEntry(Protocol):
    """One configured API key: its hash, never the key."""

    @property
    def key_id(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Authority:
    """Checks API keys and the gateway's secret; comparisons take the same time for right and wrong.

    `gateway_secrets`: each of them is accepted, so that a secret can be changed without a gap; without any,
    nobody is the gateway. `on_mismatch` is called when a wrong secret was shown.
    """

    def __init__(
        self,
        keys: Iterable[KeyEntry],
        gateway_secrets: Iterable[str],
        on_mismatch: Callable[[], None] = lambda: None,
    ) -> None:
        self._keys = [(bytes.fromhex(entry.sha256), entry) for entry in keys]
        self._secrets = [secret.encode() for secret in gateway_secrets if secret]
        self._on_mismatch = on_mismatch

    async def authenticate(self, headers: Mapping[str, str], policy: Policy) -> Caller:
        """Check the credentials against the policy."""
        match policy:
            case Anyone():
                return self._gateway(headers) or STRANGER
            case OnlyGateway():
                return self._gateway(headers) or _refuse()
            case NeedsKey(scope=scope):
                return self._key(headers, scope)
            case Operations():
                return OPERATIONS

    def _gateway(self, headers: Mapping[str, str]) -> Caller | None:
        """Recognise the gateway by its secret, or by an API key of the gateway's scope."""
        shown = headers.get(SECRET_HEADER)
        if shown is not None:
            if _is_one_of(shown.encode("utf-8", "surrogateescape"), self._secrets):
                return GATEWAY
            self._on_mismatch()
            return None
        entry = self._entry(headers) if "Authorization" in headers else None
        return GATEWAY if entry is not None and GATEWAY_SCOPE in entry.scopes else None

    def _key(self, headers: Mapping[str, str], scope: str) -> Caller:
        entry = self._entry(headers)
        if entry is None:
            _refuse()
        if scope not in entry.scopes:
            raise ProblemError(Code.FORBIDDEN)
        is_test = headers["Authorization"].removeprefix(_BEARER).startswith(TEST_PREFIX)
        return Caller(CallerKind.KEY, entry.key_id, is_test)

    def _entry(self, headers: Mapping[str, str]) -> KeyEntry | None:
        """Look through all keys, whether or not one matched already."""
        shown = headers.get("Authorization", "")
        key = shown.removeprefix(_BEARER)
        if not shown.startswith(_BEARER) or not key.startswith(PREFIXES):
            return None
        digest = sha256(key.encode("utf-8", "surrogateescape")).digest()
        matching = [entry for known, entry in self._keys if hmac.compare_digest(known, digest)]
        return matching[0] if matching else None


STRANGER = Caller(CallerKind.STRANGER)
GATEWAY = Caller(CallerKind.GATEWAY)
OPERATIONS = Caller(CallerKind.OPERATIONS)


def refusals(policy: Policy) -> tuple[ProblemError, ...]:
    """The problems that `authenticate` may raise under a policy."""
    match policy:
        case OnlyGateway():
            return (_unauthenticated(),)
        case NeedsKey():
            return (_unauthenticated(), ProblemError(Code.FORBIDDEN))
        case Anyone() | Operations():
            return ()


def _unauthenticated() -> ProblemError:
    return ProblemError(Code.UNAUTHENTICATED, headers={"WWW-Authenticate": 'Bearer realm="carillon"'})


def _refuse() -> NoReturn:
    raise _unauthenticated()


def _is_one_of(shown: bytes, secrets: list[bytes]) -> bool:
    return sum(hmac.compare_digest(shown, secret) for secret in secrets) > 0
