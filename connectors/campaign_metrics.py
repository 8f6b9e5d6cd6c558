"""Metrics of the read of campaigns: how far its copy is. Requests are counted as all are."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

from connectors.metric import Metric, gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    Lag = Callable[[], int | None]

CAMPAIGNS_AGE = Metric(
    "carillon_campaigns_age_seconds",
    (),
    "Since when, at most, the read of campaigns may miss something, in seconds; NaN until all was read.",
)
CAMPAIGNS_LABELS_AGE = Metric(
    "carillon_campaigns_labels_age_seconds",
    (),
    "The same of labels and reference data, so of withdrawals, in seconds; NaN until they were read.",
)
CAMPAIGNS_READY = Metric(
    "carillon_campaigns_ready", (), "1 while the read of campaigns is answered, 0 while it gets a 503."
)
CAMPAIGN_METRICS = (CAMPAIGNS_AGE, CAMPAIGNS_LABELS_AGE, CAMPAIGNS_READY)


class CampaignMetrics:
    """Asks when it is asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._age = gauge(CAMPAIGNS_AGE, registry)
        self._labels_age = gauge(CAMPAIGNS_LABELS_AGE, registry)
        self._ready = gauge(CAMPAIGNS_READY, registry)
        self._age.set(nan)
        self._labels_age.set(nan)

    def follow(self, rows_ms: Lag, labels_ms: Lag, is_ready: Callable[[], bool]) -> None:
        """From now on by these."""
        self._age.set_function(lambda: _seconds(rows_ms()))
        self._labels_age.set_function(lambda: _seconds(labels_ms()))
        self._ready.set_function(lambda: float(is_ready()))


def _seconds(lag_ms: int | None) -> float:
    return nan if lag_ms is None else lag_ms / 1000
