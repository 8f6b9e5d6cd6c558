"""Requests of a service and type that come far too fast: counted, told, held, let go (NS-SEC-OP-07).

A flow is what one service asks for of one type.
"""

from __future__ import annotations

from schemas.records.requests import RequestReceived
from schemas.records.root import Record


class FlowCounted(Record, frozen=True, kw_only=True):
    """So many requests of a flow one worker took in, in a minute so far. Topic `flows.counts`, key = flow.

    The figure is absolute, so a report may be lost or repeated: of a worker and minute the highest counts.
    """

    source: str
    notification_type: str
    worker: str  # of one life of it
    minute: int  # when it began
    count: int


class AnomalyFound(Record, frozen=True, kw_only=True):
    """A flow is far above its average. Topic `flows.anomalies`, key = flow; read whole by every worker."""

    source: str
    notification_type: str
    since: int
    count: int  # of the minute that showed it
    average: int  # of a minute before it
    is_held: bool  # its requests wait for an admin
    waiting: int = 0  # so many, at the time of writing


class AnomalyEnded(Record, frozen=True, kw_only=True):
    """It is over: a tombstone in `flows.anomalies`."""

    source: str
    notification_type: str


class RequestQuarantined(Record, frozen=True, kw_only=True):
    """A request of a flow that is held, as it came. Topic `request.quarantine`, key = flow."""

    request: RequestReceived
    expires_at: int


class QuarantineOrdered(Record, frozen=True, kw_only=True):
    """What an admin wants of a flow. Topic `request.quarantine`, behind the requests that it is about."""

    source: str
    notification_type: str
    order: str  # release | reject | approve
    until: int | None = None  # of an approval


class RequestFreed(Record, frozen=True, kw_only=True):
    """A request comes back out of the quarantine and is no repeat of itself. Topic `request.<lane>`."""

    request: RequestReceived
    is_rejected: bool = False
    is_expired: bool = False  # its time ended while it was held, whatever clock or type say when it is back


class FlowDue(Record, frozen=True, kw_only=True):
    """Timer: there may be something to do about a flow."""

    source: str
    notification_type: str
    due_at: int
