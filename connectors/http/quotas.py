"""Who may call how often, around the decision on who may call at all (NS-SEC-OP-04).

Without a key the client's address is counted before anything is verified; then the person, or the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connectors.http.credentials import KeyShown
from connectors.http.limits import Buckets, Limit, is_counted
from connectors.http.policies import CallerKind
from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.http.authority import Authority
    from connectors.http.credentials import Asked
    from connectors.http.policies import Caller, Policy


class Quotas(NamedTuple):
    """Requests a minute. `is_direct`: clients reach us themselves, so the peer's address is a client's."""

    per_user: int = 60
    per_address: int = 300
    per_service: int = 600_000
    is_direct: bool = False


class Counted:
    """Asks the authority, and counts. Its `authenticate` is the port that routes pass."""

    def __init__(self, authority: Authority, quotas: Quotas, now_ms: Callable[[], int]) -> None:
        self._authority = authority
        self._user = Limit("user", quotas.per_user)
        self._address = Limit("address", quotas.per_address)
        self._service = Limit("service", quotas.per_service)
        self._is_direct = quotas.is_direct
        self._buckets = Buckets(now_ms)

    async def authenticate(self, asked: Asked, policy: Policy) -> Caller:
        """As `Authority.authenticate`; `ProblemError` (429) for who comes too often."""
        if not is_counted(policy):
            return await self._authority.authenticate(asked, policy)
        address = self._address_of(asked)
        has_key = isinstance(asked.credential, KeyShown)
        if address and not has_key:
            self._spend(f"address {address}", self._address)
        try:
            caller = await self._authority.authenticate(asked, policy)
        except ProblemError as problem:
            if address and has_key and problem.code is Code.UNAUTHENTICATED:
                self._spend(f"address {address}", self._address)
            raise
        return caller._replace(address=address, told=self._counted(caller))

    def _counted(self, caller: Caller) -> Mapping[str, str]:
        name, limit = f"user {caller.subject}", self._user
        if caller.kind is CallerKind.KEY:
            name = f"key {caller.key_id}"
            limit = self._service if caller.per_minute is None else Limit("service", caller.per_minute)
        self._spend(name, limit)
        return self._buckets.left(name, limit)

    def _spend(self, name: str, limit: Limit) -> None:
        refused = self._buckets.spend(name, limit)
        if refused is not None:
            raise ProblemError(Code.THROTTLED, headers=refused)

    def _address_of(self, asked: Asked) -> str | None:
        """The client's address: from a proven gateway the one it forwards; never the gateway's own."""
        if self._authority.is_gateway(asked.headers):
            return asked.headers.get("X-Forwarded-For", "").partition(",")[0].strip() or None
        return asked.peer if self._is_direct else None
