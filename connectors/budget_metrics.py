"""Metrics of budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.metric import Metric, counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

BUDGET_USED = Metric(
    "carillon_budget_used_ratio",
    ("budget", "period"),
    "How much of a budget is spent in this day or month, or at all, as this process knows it.",
)
BUDGET_REFUSALS = Metric(
    "carillon_budget_refusals_total",
    ("budget", "period"),
    "How often a budget had no room for a message, and its provider was left out of the choice.",
)
BUDGET_METRICS = (BUDGET_USED, BUDGET_REFUSALS)


class BudgetMetrics:
    """Shows what is spent."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._used = gauge(BUDGET_USED, registry)
        self._refusals = counter(BUDGET_REFUSALS, registry)

    def known(self, budget: str, period: str, used: Callable[[], float]) -> None:
        """A budget of which something was spent; of a counter that appears with 1 no rate is known."""
        self._used.labels(budget, period).set_function(used)
        self._refusals.labels(budget, period)

    def refused(self, budget: str, period: str) -> None:
        """It had no room."""
        self._refusals.labels(budget, period).inc()
