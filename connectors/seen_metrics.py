"""Metrics of seen facts. Labels: configured tags and destinations, `unknown` for all others (SEEN-OP-20)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from connectors.metric import Metric, counter, gauge, histogram
from schemas.seen_figures import Decision, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import CollectorRegistry

    from schemas.records import SeenTag
    from schemas.seen_figures import SeenDecided, SeenPaused, SeenTried

LAG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 86_400.0)
CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

OF_TAGS = (Decision.PASSED, Decision.REPEATED, Decision.DISABLED, Decision.LEFT_OUT)
"""Decisions about facts of configured tags."""
NEXT_TRY_MS = 780_000
"""When a try has failed, the next one ends by then: the longest wait of a fact, pause and time-out."""

SEEN_DECISIONS = Metric(
    "carillon_seen_decisions_total",
    ("tag", "decision"),
    "Posted facts: passed, repeated, disabled, left_out (of the percentage), unknown (tag), receipt (of a"
    " message).",
)
SEEN_DELIVERIES = Metric(
    "carillon_seen_deliveries_total",
    ("tag", "destination", "result"),
    "Tries to deliver a fact: ok, retry, hidden (by a crash; called again), failed (in `seen.failed`).",
)
SEEN_LAG = Metric(
    "carillon_seen_lag_seconds",
    ("tag", "destination"),
    "Time from a post to its delivery, in seconds.",
)
SEEN_CALL_SECONDS = Metric(
    "carillon_seen_call_seconds", ("tag", "destination"), "Time a call of a consumer's API took, in seconds."
)
SEEN_IN_FLIGHT = Metric(
    "carillon_seen_calls_in_flight", ("tag", "destination"), "Calls of consumers' APIs that run now."
)
SEEN_BREAKER = Metric(
    "carillon_seen_breaker_open",
    ("tag", "destination"),
    "1 from the first pause of calls of the consumer, which fails, until one is answered; else 0.",
)
SEEN_UNDELIVERED = Metric(
    "carillon_seen_undelivered_facts",
    ("tag", "destination"),
    "Facts of this process's tasks that the consumer's API has not taken yet: queued, called, on timers.",
)
SEEN_METRICS = (
    SEEN_DECISIONS,
    SEEN_DELIVERIES,
    SEEN_LAG,
    SEEN_CALL_SECONDS,
    SEEN_IN_FLIGHT,
    SEEN_BREAKER,
    SEEN_UNDELIVERED,
)


class SeenMetrics:
    """Counts what the seen stage committed, and calls of consumers."""

    def __init__(self, registry: CollectorRegistry, now_ms: Callable[[], int]) -> None:
        self._decisions = counter(SEEN_DECISIONS, registry)
        self._deliveries = counter(SEEN_DELIVERIES, registry)
        self._lag = histogram(SEEN_LAG, registry, LAG_SECONDS)
        self._seconds = histogram(SEEN_CALL_SECONDS, registry, CALL_SECONDS)
        self._in_flight = gauge(SEEN_IN_FLIGHT, registry)
        self._breaker = gauge(SEEN_BREAKER, registry)
        self._undelivered = gauge(SEEN_UNDELIVERED, registry)
        self._shown: set[tuple[str, str]] = set()
        self._now_ms = now_ms
        self._until: dict[tuple[str, str], int] = {}

    def configured(self, tags: Iterable[SeenTag]) -> None:
        """Every counter of what is configured begins at 0: of one that appears with 1 no rate is known."""
        for tag in tags:
            for decision in OF_TAGS:
                self._decisions.labels(tag.tag, decision)
            for name in (*tag.destinations, *(target.name for target in tag.targets)):
                for result in Result:
                    self._deliveries.labels(tag.tag, name, result)

    def undelivered(self, found: Mapping[tuple[str, str], int]) -> None:
        """How many facts wait for each API now; one that is not named any longer is shown no more."""
        for name in self._shown - found.keys():
            self._undelivered.remove(*name)
        for name, count in found.items():
            self._undelivered.labels(*name).set(count)
        self._shown = set(found)

    def decided(self, found: SeenDecided) -> None:
        """A posted fact was dealt with."""
        self._decisions.labels(found.tag, found.decision).inc()

    def tried(self, found: SeenTried) -> None:
        """A try to deliver a fact ended."""
        self._deliveries.labels(found.tag, found.destination, found.result).inc()
        if found.lag_ms is not None:
            self._lag.labels(found.tag, found.destination).observe(found.lag_ms / 1000)

    def paused(self, found: SeenPaused) -> None:
        """A breaker moved. Between a pause and the end of the try after it, it reads as open, too.

        After that as closed: nobody has to take back what a lost task has said.
        """
        name = (found.tag, found.destination)
        if name not in self._until:
            self._breaker.labels(*name).set_function(lambda: float(self._now_ms() < self._until[name]))
        self._until[name] = self._now_ms() + NEXT_TRY_MS if found.until else 0

    @contextmanager
    def call(self, tag: str, destination: str, clock_s: Callable[[], float]) -> Iterator[None]:
        """Count and time a running call."""
        running, began = self._in_flight.labels(tag, destination), clock_s()
        running.inc()
        try:
            yield
        finally:
            running.dec()
            self._seconds.labels(tag, destination).observe(clock_s() - began)
