"""Metrics of flows, what one service asks for of one type, that are far above their average."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from connectors.metric import Metric, gauge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

    from schemas.records import AnomalyFound

ANOMALOUS_FLOWS = Metric(
    "carillon_anomalous_flows",
    ("notification_type", "kind"),
    "Services that ask for far more of a type than they used to, `held` or only told; each worker knows all.",
)
QUARANTINED = Metric(
    "carillon_quarantined_requests",
    ("notification_type",),
    "Requests that wait for an admin, as last told, some seconds ago; each worker knows all.",
)
FLOW_METRICS = (ANOMALOUS_FLOWS, QUARANTINED)
KINDS = ("held", "told")


class FlowMetrics:
    """Says what is anomalous now. Types are those of the registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._flows = gauge(ANOMALOUS_FLOWS, registry)
        self._waiting = gauge(QUARANTINED, registry)
        self._types: set[str] = set()

    def tell(self, anomalies: Iterable[AnomalyFound]) -> None:
        """These are all there are."""
        flows: Counter[tuple[str, str]] = Counter()
        waiting: Counter[str] = Counter()
        for each in anomalies:
            flows[each.notification_type, "held" if each.is_held else "told"] += 1
            waiting[each.notification_type] += each.waiting
        self._types.update(waiting)
        for name in self._types:
            self._waiting.labels(name).set(waiting[name])
            for kind in KINDS:
                self._flows.labels(name, kind).set(flows[name, kind])
