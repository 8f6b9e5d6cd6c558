"""Figures of the seen stage as metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from connectors.seen_metrics import SeenMetrics
from schemas.seen_figures import Decision, Result, SeenDecided, SeenPaused, SeenTried


def test_decisions_and_tries_are_counted_by_configured_words() -> None:
    registry = CollectorRegistry()
    metrics = SeenMetrics(registry, lambda: 0)
    metrics.decided(SeenDecided("unknown", Decision.UNKNOWN))
    metrics.tried(SeenTried("a", "wallet", Result.OK, 1500))
    metrics.tried(SeenTried("a", "wallet", Result.RETRY))
    at = {"tag": "a", "destination": "wallet"}
    found = [
        registry.get_sample_value("carillon_seen_decisions_total", {"tag": "unknown", "decision": "unknown"}),
        registry.get_sample_value("carillon_seen_deliveries_total", {**at, "result": "ok"}),
        registry.get_sample_value("carillon_seen_deliveries_total", {**at, "result": "retry"}),
        registry.get_sample_value("carillon_seen_lag_seconds_count", at),
        registry.get_sample_value("carillon_seen_lag_seconds_sum", at),
    ]
    assert [1, 1, 1, 1, 1.5] == found


def test_a_breaker_reads_as_closed_after_its_time_even_if_nobody_says_so() -> None:
    registry, clock = CollectorRegistry(), [100]
    metrics = SeenMetrics(registry, lambda: clock[0])
    metrics.paused(SeenPaused("a", "wallet", 200))
    at = {"tag": "a", "destination": "wallet"}
    states = []
    for now in (199, 200):
        clock[0] = now
        states.append(registry.get_sample_value("carillon_seen_breaker_open", at))
    assert [1, 0] == states
