"""Metrics of calls that wait for the rate of their provider's account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.metric import Metric, counter, gauge
from schemas.rates import owner_of

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

RATE_WAITING = Metric(
    "carillon_rate_calls_waiting",
    ("channel", "provider", "kind"),
    "Calls of this process that wait for their provider's `rate_limit`, `high` or `other`.",
)
RATE_GRANTED = Metric(
    "carillon_rate_grants_total",
    ("channel", "provider", "result"),
    "Calls that a provider's `rate_limit` let this process make, `used` or handed `back`.",
)
RATE_METRICS = (RATE_WAITING, RATE_GRANTED)


class RateMetrics:
    """Says how many wait, and counts grants."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = gauge(RATE_WAITING, registry)
        self._granted = counter(RATE_GRANTED, registry)

    def waiting(self, account: str, high: int, others: int) -> None:
        """So many calls wait now."""
        self._waiting.labels(*owner_of(account), "high").set(high)
        self._waiting.labels(*owner_of(account), "other").set(others)

    def granted(self, account: str, used: int, back: int) -> None:
        """So many grants came, and found a call or not."""
        self._granted.labels(*owner_of(account), "used").inc(used)
        self._granted.labels(*owner_of(account), "back").inc(back)
