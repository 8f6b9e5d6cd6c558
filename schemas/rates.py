"""What `rate_limit` of a provider says: requests a second, or a minute (NS-DATA-126, NS-DATA-OP-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.records import Provider

PERIOD = "rate_limit_period"
"""Key in a provider's `config`; no carrier sees it."""
PERIODS_MS = {"second": 1_000, "minute": 60_000}


LONGEST_PAUSE_MS = 3_600_000
"""The longest that a provider is believed when it asks for a pause."""


class Rate(NamedTuple):
    """So many requests in so many ms."""

    calls: int
    period_ms: int


def rate_of(provider: Provider) -> Rate | None:
    """Of one provider; None: it has no limit. A period that nobody knows is taken for the longest."""
    if provider.rate_limit is None:
        return None
    period = str(provider.config.get(PERIOD, "second"))
    return Rate(provider.rate_limit, PERIODS_MS.get(period, max(PERIODS_MS.values())))


def rate_among(providers: Iterable[Provider], name: str) -> Rate | None:
    """Of the one of that name; None, too, where there is none."""
    return next((rate_of(each) for each in providers if each.name == name), None)


def account_of(channel: str, provider: str) -> str:
    """The name of a provider's account, by which its rate is shared out."""
    return f"{channel}/{provider}"


def owner_of(account: str) -> tuple[str, str]:
    """Channel and provider of an account."""
    channel, _, provider = account.partition("/")
    return channel, provider
