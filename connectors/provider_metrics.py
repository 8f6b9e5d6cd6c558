"""Metrics of providers' breakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.metric import Metric, counter, gauge
from schemas.provider_words import Cause, Change

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

PROVIDER_BREAKER = Metric(
    "carillon_provider_breaker_open",
    ("channel", "provider", "cause"),
    "1 while the provider is left alone for this cause, failures or misconfigured (it refuses our"
    " credentials), until a call that tries is answered; else 0.",
)
PROVIDER_BREAKER_CHANGES = Metric(
    "carillon_provider_breaker_changes_total",
    ("channel", "provider", "change"),
    "Changes of a provider's breaker: opened by failures or misconfigured, closed by recovered or changed"
    " (its entry was).",
)
PROVIDER_PASSED_OVER = Metric(
    "carillon_provider_calls_passed_over_total",
    ("channel", "provider"),
    "Calls that were not made because the provider's breaker had opened since they were decided.",
)
PROVIDER_SHARE = Metric(
    "carillon_provider_weight_share",
    ("channel", "provider"),
    "How much of its weight a provider has now, from 0.25 to 1: less while its calls fail or its receipts are"
    " slow.",
)
BREAKER_METRICS = (PROVIDER_BREAKER, PROVIDER_BREAKER_CHANGES, PROVIDER_PASSED_OVER, PROVIDER_SHARE)


class BreakerMetrics:
    """Shows breakers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = gauge(PROVIDER_BREAKER, registry)
        self._changes = counter(PROVIDER_BREAKER_CHANGES, registry)
        self._passed_over = counter(PROVIDER_PASSED_OVER, registry)

    def known(self, channel: str, provider: str, open_for: Callable[[], Cause | None]) -> None:
        """Every series of a provider begins at 0: of one that appears with 1 no rate is known."""
        for cause in Cause:
            self._open.labels(channel, provider, cause).set_function(_is(cause, open_for))
        for change in Change:
            self._changes.labels(channel, provider, change)
        self._passed_over.labels(channel, provider)

    def changed(self, channel: str, provider: str, change: Change) -> None:
        """A breaker opened or closed."""
        self._changes.labels(channel, provider, change).inc()

    def passed_over(self, channel: str, provider: str) -> None:
        """A call was not made."""
        self._passed_over.labels(channel, provider).inc()


class WeightMetrics:
    """Shows weights."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._shares = gauge(PROVIDER_SHARE, registry)

    def known(self, channel: str, provider: str, share: Callable[[], float]) -> None:
        """A provider that has a weight."""
        self._shares.labels(channel, provider).set_function(share)


def _is(cause: Cause, open_for: Callable[[], Cause | None]) -> Callable[[], float]:
    return lambda: float(open_for() is cause)
