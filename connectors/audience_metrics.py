"""Metrics of audiences (CRM-040, CRM-OP-10). No label of a campaign: callers invent those without bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from connectors.metric import Metric, counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from schemas.records import AudienceLabel, LabelChanged, RequestProgress, UsersCounted

log = structlog.get_logger("audience")
ANSWER_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LAG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
ANSWERED = ("accepted", "replayed")

AUDIENCE_REQUESTS = Metric(
    "carillon_audience_requests_total",
    ("operation", "result"),
    "Requests of key holders: accepted, replayed, answered (status), else the code of the problem.",
)
AUDIENCE_ANSWER_SECONDS = Metric(
    "carillon_audience_answer_seconds",
    ("operation",),
    "Time from a request to its acceptance, in seconds; of unpublish: until what it names is withdrawn.",
)
AUDIENCE_EDGE = Metric(
    "carillon_audience_edge_up", (), "1 when this HTTP process can take audience requests, else 0."
)
AUDIENCE_LABELS = Metric(
    "carillon_audience_labels",
    (),
    "Labels that this HTTP process knows; ended and withdrawn ones leave after a setting's time.",
)
AUDIENCE_OLDEST = Metric(
    "carillon_audience_oldest_age_seconds",
    (),
    "Time since the oldest publish request was accepted that still has users to label; 0: none has.",
)
AUDIENCE_USERS = Metric(
    "carillon_audience_users_total",
    ("result",),
    "Users dealt with by the members stage: labelled, failed (they have as many labels as fit).",
)
AUDIENCE_LAG = Metric(
    "carillon_audience_lag_seconds",
    (),
    "Time from the acceptance of a publish request until its last user was labelled, in seconds.",
)
AUDIENCE_METRICS = (
    AUDIENCE_REQUESTS,
    AUDIENCE_ANSWER_SECONDS,
    AUDIENCE_EDGE,
    AUDIENCE_LABELS,
    AUDIENCE_OLDEST,
    AUDIENCE_USERS,
    AUDIENCE_LAG,
)


class AudienceRequests:
    """Counts what key holders ask of the HTTP process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = counter(AUDIENCE_REQUESTS, registry)
        self._seconds = histogram(AUDIENCE_ANSWER_SECONDS, registry, ANSWER_SECONDS)

    def asked(self, operation: str, result: str, seconds: float) -> None:
        """A request was answered; `result`: a word of ours, or the code of its problem."""
        self._requests.labels(operation, result).inc()
        if result in ANSWERED:
            self._seconds.labels(operation).observe(seconds)


class AudienceGauges:
    """What the HTTP process sees of labels and of itself; asked at each scrape, in another thread."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        is_up: Callable[[], bool],
        labels: Callable[[], int],
        oldest_s: Callable[[], float],
    ) -> None:
        gauge(AUDIENCE_EDGE, registry).set_function(lambda: float(is_up()))
        gauge(AUDIENCE_LABELS, registry).set_function(lambda: float(labels()))
        gauge(AUDIENCE_OLDEST, registry).set_function(oldest_s)


class AudienceMetrics:
    """Counts and logs what the stages committed (AUD-051: the campaign is on every line)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._users = counter(AUDIENCE_USERS, registry)
        self._lag = histogram(AUDIENCE_LAG, registry, LAG_SECONDS)

    def counted(self, counted: UsersCounted) -> None:
        """Users were dealt with."""
        self._users.labels("labelled").inc(sum(count.processed for count in counted.counts))
        self._users.labels("failed").inc(sum(count.failed for count in counted.counts))

    def progressed(self, progress: RequestProgress) -> None:
        """A request came further; the time it took is known once nobody of it is left."""
        total = sum(count.total for count in progress.counts)
        done = sum(count.processed + count.failed for count in progress.counts)
        told = {"request_id": progress.request_id, "campaign_label": campaign_of(progress), "users": total}
        if not done:
            log.info("audience_labelling_began", **told)
        if total and done >= total and progress.accepted_at:
            seconds = (progress.updated_at - progress.accepted_at) / 1000
            self._lag.observe(seconds)
            log.info("audience_labelling_done", seconds=seconds, **told)

    def changed(self, row: LabelChanged) -> None:
        """A label was published or withdrawn."""
        label: AudienceLabel = row.label
        event = "audience_label_published" if label.withdrawn_at is None else "audience_label_withdrawn"
        log.info(event, audience_label=label.audience_label, campaign_label=label.campaign_label)


def campaign_of(progress: RequestProgress) -> str:
    """The campaign of a request: its labels begin with it (AUD-OP-13)."""
    return next((count.audience_label.partition(":")[0] for count in progress.counts), "")
