"""Limits on requests: seen posts per user or device, more per client address (NS-SEC-OP-04); others per key.

Each process counts for itself: with n processes a caller spread over all of them has n times the limit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MINUTE_MS = 60_000


class Limit(NamedTuple):
    """`per_minute` requests, all of which may come at once after a pause."""

    name: str
    per_minute: int


PER_USER = Limit("user", 120)
PER_ADDRESS = Limit("address", 6_000)
PER_KEY = Limit("key", 300)


def too_soon(limit: Limit, seconds: int) -> Mapping[str, str]:
    """The headers of a 429 whose sender may come back in `seconds`."""
    return {
        "Retry-After": str(seconds),
        "RateLimit": f'"{limit.name}";r=0;t={seconds}',
        "RateLimit-Policy": f'"{limit.name}";q={limit.per_minute};w=60',
    }


class Buckets:
    """Token buckets of the `remember` most recent callers."""

    def __init__(self, now_ms: Callable[[], int], remember: int = 100_000) -> None:
        self._now_ms = now_ms
        self._remember = remember
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def spend(self, caller: str, limit: Limit, count: int = 1) -> Mapping[str, str] | None:
        """A bucket is kept as the moment at which it is full again; each of `count` moves it by one turn."""
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

    def give_back(self, caller: str, limit: Limit, count: int = 1) -> None:
        """What was spent and came to nothing."""
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
        return self._buckets.spend(f"address {address}", self._per_address, count) if address else None

    def give_back(self, user_key: str | None, address: str | None, count: int = 1) -> None:
        """Facts that passed and that the broker did not take: their sender is to repeat them at once."""
        if user_key is None:
            self._buckets.give_back(f"address {address}", self._per_address, count)
        else:
            self._buckets.give_back(user_key, self._per_user, count)


class KeyLimits:
    """The `KeyThrottle`. A bucket for each key and operation: who publishes too much can still withdraw."""

    def __init__(self, now_ms: Callable[[], int], per_key: Limit = PER_KEY) -> None:
        self._limit = per_key
        self._buckets = Buckets(now_ms)

    def __call__(self, key_id: str, operation: str) -> Mapping[str, str] | None:
        """Count one request; None lets it pass, else the headers of its 429."""
        return self._buckets.spend(f"{operation} {key_id}", self._limit)

    def give_back(self, key_id: str, operation: str) -> None:
        """It got a 503: its sender is told to repeat it."""
        self._buckets.give_back(f"{operation} {key_id}", self._limit)
