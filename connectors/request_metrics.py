"""Metrics of requests as they are decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.metric import Metric, counter
from schemas.words import Outcome, Reason

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from schemas.records import RequestDecided

REQUESTS_OVER_LIMIT = Metric(
    "carillon_requests_over_limit_total",
    ("notification_type",),
    "Requests of mandatory types that were sent although their user has more of them than the limits allow.",
)
REQUEST_METRICS = (REQUESTS_OVER_LIMIT,)


class RequestMetrics:
    """Counts decisions that an operator must hear of; types are those of the registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._over_limit = counter(REQUESTS_OVER_LIMIT, registry)

    def decided(self, request: RequestDecided) -> None:
        """A request was decided, and that is committed."""
        if request.outcome == Outcome.ACCEPTED and request.reason == Reason.OVER_LIMIT:
            self._over_limit.labels(request.notification_type).inc()
