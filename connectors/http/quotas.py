"""Who may call how often, around the decision on who may call at all (NS-SEC-OP-04).

Without a key the client's address is counted before anything is verified; then the person, or the key. A link
of a message is counted as if it were a person, and its address generously: mail providers follow the links of
many people from few addresses (RFC 8058).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

from multidict import MultiMapping

from connectors.http.credentials import KeyShown
from connectors.http.limits import PER_ADDRESS, Buckets, Limit, counted_address, is_counted
from connectors.http.policies import Anyone, ByLink, CallerKind
from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.http.authority import Authority
    from connectors.http.credentials import Asked
    from connectors.http.policies import Caller, Policy


FORWARDED = "X-Forwarded-For"


class Quotas(NamedTuple):
    """Requests a minute. `is_direct`: clients reach us themselves, so the peer's address is a client's.

    `proxies`: how many stand between clients and us, the gateway included; each adds whom it heard.
    """

    per_user: int = 60
    per_address: int = 300
    per_service: int = 600_000
    per_stranger: int = PER_ADDRESS.per_minute
    is_direct: bool = False
    proxies: int = 1


class Counted:
    """Asks the authority, and counts. Its `authenticate` is the port that routes pass."""

    def __init__(self, authority: Authority, quotas: Quotas, now_ms: Callable[[], int]) -> None:
        self._authority = authority
        self._user = Limit("user", quotas.per_user)
        self._address = Limit("address", quotas.per_address)
        self._service = Limit("service", quotas.per_service)
        self._stranger = Limit("address", quotas.per_stranger)
        self._is_direct = quotas.is_direct
        self._proxies = quotas.proxies
        self._buckets = Buckets(now_ms)
        self._links = Buckets(now_ms)  # of their own: whoever makes up links pushes out no others

    async def authenticate(self, asked: Asked, policy: Policy) -> Caller:
        """As `Authority.authenticate`; `ProblemError` (429) for who comes too often."""
        if isinstance(policy, Anyone):
            return await self._seen(asked, policy)
        if isinstance(policy, ByLink):
            return await self._linked(asked, policy)
        if not is_counted(policy):
            return await self._authority.authenticate(asked, policy)
        address = self._address_of(asked)
        has_key = isinstance(asked.credential, KeyShown)
        if address and not has_key:
            self._spend(self._buckets, f"address {counted_address(address)}", self._address)
        try:
            caller = await self._authority.authenticate(asked, policy)
        except ProblemError as problem:
            if address and has_key and problem.code is Code.UNAUTHENTICATED:
                self._spend(self._buckets, f"address {counted_address(address)}", self._address)
            raise
        return caller._replace(address=address, told=self._counted(caller))

    async def _seen(self, asked: Asked, policy: Anyone) -> Caller:
        """The route counts by itself: a stranger by whom we hear him from, whoever that is."""
        caller = await self._authority.authenticate(asked, policy)
        is_gateway = caller.kind is CallerKind.GATEWAY
        return caller._replace(address=client_in(asked.headers, self._proxies) if is_gateway else asked.peer)

    async def _linked(self, asked: Asked, policy: ByLink) -> Caller:
        address = self._address_of(asked)
        if address:
            self._spend(self._links, f"address {counted_address(address)}", self._stranger)
        token = parse_qs(asked.query).get("token", [""])[0]
        name = f"link {sha256(token.encode('utf-8', 'replace')).hexdigest()}"
        self._spend(self._links, name, self._user)
        caller = await self._authority.authenticate(asked, policy)
        return caller._replace(address=address, told=self._links.left(name, self._user))

    def _counted(self, caller: Caller) -> Mapping[str, str]:
        name, limit = f"user {caller.subject}", self._user
        if caller.kind is CallerKind.KEY:
            name = f"key {caller.key_id}"
            limit = self._service if caller.per_minute is None else Limit("service", caller.per_minute)
        self._spend(self._buckets, name, limit)
        return self._buckets.left(name, limit)

    def _spend(self, buckets: Buckets, name: str, limit: Limit) -> None:
        refused = buckets.spend(name, limit)
        if refused is not None:
            raise ProblemError(Code.THROTTLED, headers=refused)

    def _address_of(self, asked: Asked) -> str | None:
        """The client's address: from a proven gateway the one it forwards; never the gateway's own."""
        if self._authority.is_gateway(asked.headers):
            return client_in(asked.headers, self._proxies)
        return asked.peer if self._is_direct else None


def client_in(headers: Mapping[str, str], proxies: int) -> str | None:
    """The client that so many proxies forwarded, counted from the right: what stands before, anybody wrote.

    A header given twice is one list. With fewer entries than proxies one was passed by: the first counts.
    """
    lines = (
        headers.getall(FORWARDED, []) if isinstance(headers, MultiMapping) else [headers.get(FORWARDED, "")]
    )
    entries = [entry for each in ",".join(lines).split(",") if (entry := each.strip())]
    return entries[-min(proxies, len(entries))] if entries else None
