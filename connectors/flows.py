"""Flows as one process knows them: how many requests it took in of each, and which are held (NS-SEC-OP-07).

A flow is what one service asks for of one type. What is anomalous is decided in `agents/quarantine.py`, from
the counts of all processes.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

from schemas.records import FlowCounted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connectors.flow_metrics import FlowMetrics
    from schemas.records import AnomalyFound, RequestReceived

MINUTE_MS = 60_000
STALE_MS = 75_000
"""After an outage the requests of all its minutes come within one: who asked for them is no flood."""
MOST = 200
"""Flows that one report tells of, the largest: names of services are whatever their headers say."""

Name = tuple[str, str]
"""Source and notification type."""


class FlowBook:
    """Fulfils `agents.ports.Flows`. `worker`: one life of it, by name; `is_known`: whether a type is."""

    def __init__(
        self,
        worker: str,
        is_known: Callable[[str], bool],
        decode: Callable[[bytes], AnomalyFound],
        metrics: FlowMetrics,
    ) -> None:
        self._worker = worker
        self._is_known = is_known
        self._decode = decode
        self._metrics = metrics
        self._came: dict[Name, int] = {}
        self._minute = 0
        self._totals: dict[Name, int] = {}
        self._anomalies: dict[bytes, AnomalyFound] = {}
        self._held: frozenset[Name] = frozenset()

    def count(self, request: RequestReceived) -> None:
        """A request was taken in, and that is committed. One that lay unread is not of this minute."""
        if request.received_at - request.occurred_at > STALE_MS:
            return
        name = (request.source, request.notification_type)
        self._came[name] = self._came.get(name, 0) + 1

    def is_held(self, source: str, notification_type: str) -> bool:
        """Whether requests of the service for the type wait for an admin."""
        return (source, notification_type) in self._held

    def reports(self, now: int) -> list[FlowCounted]:
        """Of each flow of which something came since the last one: what came in this minute (`now`: ms)."""
        minute = now - now % MINUTE_MS
        if minute != self._minute:
            self._minute, self._totals = minute, {}
        came, self._came = self._came, {}
        told = {name: count for name, count in came.items() if self._is_known(name[1])}
        names = nlargest(MOST, told, key=told.__getitem__)
        for name in names:
            self._totals[name] = self._totals.get(name, 0) + told[name]
        return [
            FlowCounted(
                source=source,
                notification_type=code,
                worker=self._worker,
                minute=minute,
                count=self._totals[source, code],
            )
            for source, code in names
        ]

    def unheard(self, reports: Iterable[FlowCounted]) -> None:
        """These did not arrive: they are made anew."""
        for each in reports:
            self._came.setdefault((each.source, each.notification_type), 0)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `flows.anomalies` in."""
        if value is None:
            self._anomalies.pop(key, None)
        else:
            self._anomalies[key] = self._decode(value)
        anomalies = self._anomalies.values()
        self._held = frozenset((each.source, each.notification_type) for each in anomalies if each.is_held)
        self._metrics.tell(anomalies)
