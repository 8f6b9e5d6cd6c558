"""Limits on requests: token buckets of users, client addresses and keys (NS-SEC-OP-04).

Each process counts for itself: with n processes a caller spread over all of them has n times the limit.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from connectors.http.policies import Anyone, AtLogin, BySignature, OnlyGateway, Operations, Public
from connectors.http.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.http.policies import Policy

MINUTE_MS = 60_000
COUNTED_ELSEWHERE: Final = (Public, BySignature, Anyone, AtLogin, OnlyGateway, Operations)
NETWORK_BITS = 64


class Limit(NamedTuple):
    """`per_minute` requests, all of which may come at once after a pause."""

    name: str
    per_minute: int


PER_USER = Limit("user", 120)
PER_ADDRESS = Limit("address", 6_000)
"""Of seen posts without a user, and of links; all other limits are in `connectors/http/quotas.py`."""
PER_KEY = Limit("key", 300)
"""Of requests to one audience endpoint (AUD-OP-22)."""


def too_soon(limit: Limit, seconds: int) -> Mapping[str, str]:
    """The headers of a 429 whose sender may come back in `seconds`."""
    return {"Retry-After": str(seconds), **standing(limit, 0, seconds)}


def standing(limit: Limit, left: int, seconds: int) -> Mapping[str, str]:
    """The headers that tell where a caller stands."""
    return {
        "RateLimit": f'"{limit.name}";r={left};t={seconds}',
        "RateLimit-Policy": f'"{limit.name}";q={limit.per_minute};w=60',
    }


def is_counted(policy: Policy) -> bool:
    """Whether limits of users, addresses and keys hold for a route; seen posts and logins count elsewhere.

    A provider posts as often as there is something to tell: a 429 would only make it come again.
    """
    return not isinstance(policy, COUNTED_ELSEWHERE)


def limit_headers(policy: Policy) -> set[str]:
    """Headers that answers of a route may have."""
    return set(standing(PER_USER, 0, 0)) if is_counted(policy) else set()


def refusals_by_limit(policy: Policy) -> tuple[ProblemError, ...]:
    """How a route refuses who comes too often."""
    return (ProblemError(Code.THROTTLED, headers=too_soon(PER_USER, 1)),) if is_counted(policy) else ()


def counted_address(address: str) -> str:
    """By what an address is counted: of IPv6 by its network of 64 bits, all of which one client may have."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return address
    return str(found.ipv4_mapped or IPv6Address(int(found) >> NETWORK_BITS << NETWORK_BITS))


class Buckets:
    """Token buckets of the `remember` most recent callers, each as the moment at which it is full."""

    def __init__(self, now_ms: Callable[[], int], remember: int = 100_000) -> None:
        self._now_ms = now_ms
        self._remember = remember
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, caller: str, limit: Limit, count: int = 1) -> Mapping[str, str] | None:
        """Count so many; None lets them pass, else the headers of their 429."""
        now = self._now_ms()
        turn = MINUTE_MS / limit.per_minute
        full_at = max(self._full_at.get(caller, 0.0), now) + turn
        if full_at - now > MINUTE_MS:
            seconds = -int((now + MINUTE_MS - full_at) // 1000)
            return too_soon(limit, seconds)
        self._full_at[caller] = full_at + (count - 1) * turn
        self._full_at.move_to_end(caller)
        if len(self._full_at) > self._remember:
            self._full_at.popitem(last=False)
        return None

    def left(self, caller: str, limit: Limit) -> Mapping[str, str]:
        """Where a caller stands: so many at once, and the seconds until one more."""
        now = self._now_ms()
        turn = MINUTE_MS / limit.per_minute
        missing = max(self._full_at.get(caller, 0.0) - now, 0.0)
        wait = missing % turn or turn
        return standing(limit, max(int((MINUTE_MS - missing) / turn + 1e-9), 0), ceil(wait / 1000))

    def give_back(self, caller: str, limit: Limit, count: int = 1) -> None:
        """Count them no longer."""
        if caller in self._full_at:
            self._full_at[caller] -= count * MINUTE_MS / limit.per_minute


class Limits:
    """The `Throttle` of the seen route."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        per_user: Limit = PER_USER,
        per_address: Limit = PER_ADDRESS,
        remember: int = 100_000,
    ) -> None:
        self._per_user = per_user
        self._per_address = per_address
        self._buckets = Buckets(now_ms, remember)

    def __call__(self, user_key: str | None, address: str | None, count: int = 1) -> Mapping[str, str] | None:
        """Count so many facts; None lets them pass, else the headers of their 429.

        Several in one request pass if one would, and are paid back before the next: else no batch of more
        than a minute's worth could ever pass.
        """
        if user_key is not None:
            return self._buckets.spend(user_key, self._per_user, count)
        if address is None:
            return None
        return self._buckets.spend(f"address {counted_address(address)}", self._per_address, count)

    def give_back(self, user_key: str | None, address: str | None, count: int = 1) -> None:
        """Facts that passed and that the broker did not take: their sender is to repeat them at once."""
        limit = self._per_address if user_key is None else self._per_user
        name = f"address {counted_address(address or '')}" if user_key is None else user_key
        self._buckets.give_back(name, limit, count)


class KeyLimits:
    """The `KeyThrottle`. A bucket for each key and operation: who publishes too much can still withdraw."""

    def __init__(self, now_ms: Callable[[], int], per_key: Limit = PER_KEY) -> None:
        self._limit = per_key
        self._buckets = Buckets(now_ms)

    def __call__(self, key_id: str, operation: str) -> Mapping[str, str] | None:
        """Count one request; None lets it pass, else the headers of its 429."""
        return self._buckets.spend(f"{operation} {key_id}", self._limit)

    def left(self, key_id: str, operation: str) -> Mapping[str, str]:
        """Where the key stands with an operation."""
        return self._buckets.left(f"{operation} {key_id}", self._limit)

    def give_back(self, key_id: str, operation: str) -> None:
        """It got a 503: its sender is told to repeat it."""
        self._buckets.give_back(f"{operation} {key_id}", self._limit)
