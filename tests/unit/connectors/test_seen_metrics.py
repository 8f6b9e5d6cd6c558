"""Figures of the seen stage as metrics."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from agents.forward import RETRY_CAP_MS
from connectors.reference.seen_forms import LONGEST_TIMEOUT_MS
from connectors.seen_metrics import NEXT_TRY_MS, SeenMetrics
from schemas.records import SeenDestination, SeenTag
from schemas.seen_figures import Decision, Result, SeenDecided, SeenPaused, SeenTried
from tables.consumers import LONGEST_PAUSE_MS


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


AT = {"tag": "a", "destination": "wallet"}


def states(*at: int, until: int, answered: bool = False) -> list[float | None]:
    registry, clock = CollectorRegistry(), [100]
    metrics = SeenMetrics(registry, lambda: clock[0])
    metrics.paused(SeenPaused("a", "wallet", until))
    if answered:
        metrics.paused(SeenPaused("a", "wallet", 0))
    found = []
    for now in at:
        clock[0] = now
        found.append(registry.get_sample_value("carillon_seen_breaker_open", AT))
    return found


def test_a_breaker_stays_open_between_a_pause_and_the_try_after_it() -> None:
    assert [1, 1] == states(199, 100 + NEXT_TRY_MS - 1, until=200)
    assert [0] == states(101, until=200, answered=True)
    assert RETRY_CAP_MS + LONGEST_PAUSE_MS + LONGEST_TIMEOUT_MS == NEXT_TRY_MS


def test_a_breaker_reads_as_closed_after_its_time_even_if_nobody_says_so() -> None:
    assert [0] == states(100 + NEXT_TRY_MS, until=200)
    assert [0] == states(100 + NEXT_TRY_MS, until=10**12)


@pytest.mark.spec("SEEN-OP-20")
def test_what_is_configured_begins_at_0_and_stays_what_it_is() -> None:
    """`rate` of a counter that appears with 1 is 0."""
    registry = CollectorRegistry()
    metrics = SeenMetrics(registry, lambda: 0)
    metrics.tried(SeenTried("a", "wallet", Result.FAILED))
    target = SeenDestination(kind="api", name="wallet", url="http://wallet/")
    metrics.configured([SeenTag(tag="a", destinations=["copy"], targets=[target])])
    found = {
        (name, result): registry.get_sample_value(
            "carillon_seen_deliveries_total", {"tag": "a", "destination": name, "result": result}
        )
        for name in ("copy", "wallet")
        for result in Result
    }
    assert {key: 1 if key == ("wallet", "failed") else 0 for key in found} == found
    labels = {"tag": "a", "decision": "passed"}
    assert 0 == registry.get_sample_value("carillon_seen_decisions_total", labels)


def test_facts_that_wait_are_shown_and_no_more_when_their_consumer_is_gone() -> None:
    registry = CollectorRegistry()
    metrics = SeenMetrics(registry, lambda: 0)
    metrics.undelivered({("a", "wallet"): 3, ("b", "x"): 1})
    metrics.undelivered({("a", "wallet"): 2})
    found = [
        registry.get_sample_value("carillon_seen_undelivered_facts", {"tag": tag, "destination": name})
        for tag, name in (("a", "wallet"), ("b", "x"))
    ]
    assert [2, None] == found
