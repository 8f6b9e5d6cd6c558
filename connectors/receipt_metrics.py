"""Metrics of providers that are judged by how soon they report."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

from connectors.metric import Metric, gauge
from schemas.rates import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from connectors.providers.punctuality import Punctuality

RECEIPTS_IN_TIME = Metric(
    "carillon_provider_receipts_in_time_ratio",
    ("channel", "provider"),
    "Of the messages of some minutes those that the provider reported on within its `receipts_within_s`, as"
    " this process knows it; NaN while there are too few.",
)
PUNCTUALITY_METRICS = (RECEIPTS_IN_TIME,)


class PunctualityMetrics:
    """Shows how soon providers report."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_time = gauge(RECEIPTS_IN_TIME, registry)

    def known(self, account: str, judged: Callable[[], Punctuality]) -> None:
        """A provider that is judged."""
        self._in_time.labels(*owner_of(account)).set_function(lambda: _ratio(judged()))


def _ratio(found: Punctuality) -> float:
    return found.in_time / found.sent if found.is_known else nan
