"""Metrics of messages in the app: connections, what they were told, why they ended, how far the copy is."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Protocol

from connectors.metric import Metric, counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

CONNECTIONS = Metric(
    "carillon_mailbox_connections", (), "Clients that are connected for messages in the app."
)
SENT = Metric(
    "carillon_mailbox_frames_total",
    ("kind",),
    "Frames of messages in the app: `message` to clients, `act` from them, acknowledged by the broker.",
)
CLOSED = Metric(
    "carillon_mailbox_closed_total",
    ("reason",),
    "Connections that this side ended, by reason: `slow`, `expired`, `unauthenticated` and others.",
)
AGE = Metric(
    "carillon_mailbox_age_seconds",
    (),
    "Since when, at most, mailboxes here may miss something, in seconds; NaN until all was read.",
)
MAILBOX_METRICS = (CONNECTIONS, SENT, CLOSED, AGE)


class Figures(Protocol):
    """Hears what the gateway does."""

    def told(self, kind: str, count: int) -> None: ...
    def closed(self, reason: str) -> None: ...


class Unheard:
    """Nobody counts."""

    def told(self, kind: str, count: int) -> None: ...
    def closed(self, reason: str) -> None: ...


class MailboxMetrics:
    """Counts; connections and age are asked for when they are read."""

    def __init__(
        self, registry: CollectorRegistry, count: Callable[[], int], lag_ms: Callable[[], int | None]
    ) -> None:
        def age_s() -> float:
            lag = lag_ms()
            return nan if lag is None else lag / 1000

        gauge(CONNECTIONS, registry).set_function(lambda: float(count()))
        gauge(AGE, registry).set_function(age_s)
        self._sent, self._closed = counter(SENT, registry), counter(CLOSED, registry)

    def told(self, kind: str, count: int) -> None:
        """So many frames."""
        self._sent.labels(kind).inc(count)

    def closed(self, reason: str) -> None:
        """One connection."""
        self._closed.labels(reason).inc()
