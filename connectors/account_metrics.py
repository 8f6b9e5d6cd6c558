"""Metrics of questions to Account Service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.metric import Metric, counter, gauge, histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
ACCOUNT_CALLS = Metric(
    "carillon_account_calls_total",
    ("result",),
    "Questions to Account Service: found, unknown (no such user), failed, paused (by the breaker), busy (too"
    " many at once), remembered (answered a moment ago).",
)
ACCOUNT_SECONDS = Metric(
    "carillon_account_call_seconds", (), "Time a question to Account Service took, in seconds."
)
ACCOUNT_BREAKER = Metric(
    "carillon_account_breaker_open", (), "1 while Account Service is not asked because it failed; else 0."
)
ACCOUNT_METRICS = (ACCOUNT_CALLS, ACCOUNT_SECONDS, ACCOUNT_BREAKER)
RESULTS = ("found", "unknown", "failed", "paused", "busy", "remembered")


class AccountMetrics:
    """Counts questions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = counter(ACCOUNT_CALLS, registry)
        self._seconds = histogram(ACCOUNT_SECONDS, registry, SECONDS)
        self._breaker = gauge(ACCOUNT_BREAKER, registry)
        for result in RESULTS:
            self._calls.labels(result)

    def ended(self, result: str) -> None:
        """A question has its answer, or none."""
        self._calls.labels(result).inc()

    def took(self, seconds: float) -> None:
        """The service was really asked."""
        self._seconds.observe(seconds)

    def breaker(self, *, is_open: bool) -> None:
        """The breaker opened or closed."""
        self._breaker.set(int(is_open))
