"""How old the read of campaigns is, as metrics."""

from __future__ import annotations

from math import isnan

from prometheus_client import CollectorRegistry

from connectors.campaign_metrics import CAMPAIGN_METRICS, CampaignMetrics


def found(registry: CollectorRegistry) -> list[float]:
    values = [registry.get_sample_value(metric.name) for metric in CAMPAIGN_METRICS]
    return [value for value in values if value is not None]


def test_ages_are_unknown_until_all_was_read_and_seconds_from_then_on() -> None:
    registry = CollectorRegistry()
    metrics = CampaignMetrics(registry)
    assert [True, True, False] == [isnan(value) for value in found(registry)]
    metrics.follow(lambda: None, lambda: None, lambda: False)
    assert [True, True, False] == [isnan(value) for value in found(registry)]
    metrics.follow(lambda: 1_500, lambda: 250, lambda: True)
    assert [1.5, 0.25, 1.0] == found(registry)
