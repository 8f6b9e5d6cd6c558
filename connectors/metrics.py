"""Metrics of the outside: one closed list with a sentence each, and the few objects that count.

Labels are bounded: input topics, channels, configured provider names, verdicts, route names, status codes.
Never a user or an address, and tags only as configured. `registry` is given, so that a topology can be
built twice in one process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.account_metrics import ACCOUNT_METRICS
from connectors.audience_metrics import AUDIENCE_METRICS, AudienceRequests
from connectors.budget_metrics import BUDGET_METRICS
from connectors.campaign_metrics import CAMPAIGN_METRICS
from connectors.flow_metrics import FLOW_METRICS
from connectors.mailbox_metrics import MAILBOX_METRICS
from connectors.metric import Metric, counter, gauge, histogram
from connectors.provider_metrics import BREAKER_METRICS
from connectors.rate_metrics import RATE_METRICS
from connectors.receipt_metrics import PUNCTUALITY_METRICS
from connectors.request_metrics import REQUEST_METRICS
from connectors.seen_metrics import SEEN_METRICS
from schemas.seen_words import SeenKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    from schemas.receipts import ReceiptsLeft
    from schemas.records import ReceiptHeard

HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
PROVIDER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

SWITCHED = 101
"""A connection: how long it stayed is no time of an answer."""

HTTP_REQUESTS = Metric(
    "carillon_http_requests_total", ("route", "status"), "HTTP requests answered, by route name and status."
)
HTTP_SECONDS_SPENT = Metric(
    "carillon_http_request_seconds", ("route",), "Time from reading a request to its answer, in seconds."
)
HTTP_IN_FLIGHT = Metric("carillon_http_requests_in_flight", (), "HTTP requests being answered now.")
GATEWAY_MISMATCHES = Metric(
    "carillon_http_gateway_mismatches_total",
    (),
    "Requests that showed a wrong gateway secret; their identity headers were ignored.",
)
REFUSED = Metric(
    "carillon_http_credentials_refused_total",
    ("reason",),
    "Credentials that were refused, by reason: of a token (`expired`, `audience`, …), of a key, of a role.",
)
JWKS_READS = Metric(
    "carillon_http_jwks_reads_total",
    ("result",),
    "Readings of the issuer's keys, `read` or `failed`; after a failure those of before stay in force.",
)
SEEN_POSTS = Metric(
    "carillon_seen_posts_total", ("kind",), "Seen posts acknowledged by the broker, by kind of event."
)
SEND_REQUESTS = Metric(
    "carillon_send_requests_total",
    ("kind",),
    "Requests acknowledged by the broker, by way: `send`, `batch` (each of its items), `cancel`.",
)
PROVIDER_CALLS = Metric(
    "carillon_provider_calls_total",
    ("channel", "provider", "verdict"),
    "Calls to providers that ended, by verdict.",
)
PROVIDER_SECONDS_SPENT = Metric(
    "carillon_provider_call_seconds",
    ("channel", "provider"),
    "Time a call to a provider took, in seconds.",
)
PROVIDER_IN_FLIGHT = Metric(
    "carillon_provider_calls_in_flight", ("channel",), "Calls to providers that run now."
)
PROVIDER_RECEIPTS = Metric(
    "carillon_provider_receipts_total",
    ("provider", "kind"),
    "Events that providers posted, by what happened; `ignored`: it means nothing here, `stranger`: it is of"
    " no message of ours.",
)
SINK_LEFT_OUT = Metric(
    "carillon_sink_left_out_total",
    ("kind",),
    "Rows not written: `orphan` lines without their message, `refused` ones kept in `sink_refusals`.",
)

FIELDS_IGNORED = Metric(
    "carillon_input_fields_ignored_total",
    ("topic",),
    "Fields of JSON records that nobody here knows, by input topic; the records were read without them.",
)

METRICS: tuple[Metric, ...] = (
    HTTP_REQUESTS,
    HTTP_SECONDS_SPENT,
    HTTP_IN_FLIGHT,
    GATEWAY_MISMATCHES,
    REFUSED,
    JWKS_READS,
    SEEN_POSTS,
    SEND_REQUESTS,
    PROVIDER_CALLS,
    PROVIDER_SECONDS_SPENT,
    PROVIDER_IN_FLIGHT,
    PROVIDER_RECEIPTS,
    *BREAKER_METRICS,
    SINK_LEFT_OUT,
    FIELDS_IGNORED,
    *REQUEST_METRICS,
    *FLOW_METRICS,
    *SEEN_METRICS,
    *AUDIENCE_METRICS,
    *CAMPAIGN_METRICS,
    *ACCOUNT_METRICS,
    *MAILBOX_METRICS,
    *RATE_METRICS,
    *PUNCTUALITY_METRICS,
    *BUDGET_METRICS,
)


class HttpMetrics:
    """Counts HTTP requests. Children are looked up once per label set, not per request."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = counter(HTTP_REQUESTS, registry)
        self._seconds = histogram(HTTP_SECONDS_SPENT, registry, HTTP_SECONDS)
        self._in_flight = gauge(HTTP_IN_FLIGHT, registry)
        self._mismatches = counter(GATEWAY_MISMATCHES, registry)
        self._refused = counter(REFUSED, registry)
        self._jwks = counter(JWKS_READS, registry)
        self._seen = counter(SEEN_POSTS, registry)
        self._accepted = counter(SEND_REQUESTS, registry)
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._kinds: dict[str, Counter] = {kind: self._seen.labels(kind) for kind in SeenKind}
        self.audience = AudienceRequests(registry)

    def began(self) -> None:
        """A request is being answered."""
        self._in_flight.inc()

    def ended(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._in_flight.dec()
        known = self._answered.get((route, status))
        if known is None:
            known = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            self._answered[route, status] = known
        known[0].inc()
        if status != SWITCHED:
            known[1].observe(seconds)

    def gateway_mismatch(self) -> None:
        """A caller showed a wrong gateway secret."""
        self._mismatches.inc()

    def refused(self, reason: str) -> None:
        """A caller showed credentials that do not let him in, or none."""
        self._refused.labels(reason).inc()

    def jwks(self, result: str) -> None:
        """The issuer's keys were read, or not."""
        self._jwks.labels(result).inc()

    def seen(self, kind: str) -> None:
        """A seen post is in the broker."""
        known = self._kinds.get(kind)
        if known is None:
            known = self._kinds[kind] = self._seen.labels(kind)
        known.inc()

    def accepted(self, way: str, count: int) -> None:
        """So many requests are in the broker."""
        self._accepted.labels(way).inc(count)


class ProviderMetrics:
    """Counts calls to providers. Children are looked up once per label set, not per call."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = counter(PROVIDER_CALLS, registry)
        self._seconds = histogram(PROVIDER_SECONDS_SPENT, registry, PROVIDER_SECONDS)
        self._running = gauge(PROVIDER_IN_FLIGHT, registry)
        self._in_flight: dict[str, Gauge] = {}
        self._answered: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def in_flight(self, channel: str) -> Gauge:
        """How many calls run."""
        known = self._in_flight.get(channel)
        if known is None:
            known = self._in_flight[channel] = self._running.labels(channel)
        return known

    def ended(self, channel: str, provider: str, verdict: str, seconds: float) -> None:
        """A call ended."""
        known = self._answered.get((channel, provider, verdict))
        if known is None:
            known = (self._calls.labels(channel, provider, verdict), self._seconds.labels(channel, provider))
            self._answered[channel, provider, verdict] = known
        known[0].inc()
        known[1].observe(seconds)


class ReceiptMetrics:
    """Counts what providers report."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._receipts = counter(PROVIDER_RECEIPTS, registry)

    def heard(self, receipt: ReceiptHeard) -> None:
        """An event about a message."""
        self._receipts.labels(receipt.provider, receipt.kind).inc()

    def left(self, found: ReceiptsLeft) -> None:
        """The other events of a post."""
        self._receipts.labels(found.provider, "ignored").inc(found.ignored)
        self._receipts.labels(found.provider, "stranger").inc(found.strangers)


class SinkMetrics:
    """Counts what the sink could not write."""

    def __init__(self, registry: CollectorRegistry) -> None:
        left_out = counter(SINK_LEFT_OUT, registry)
        self._orphans, self._refused = left_out.labels("orphan"), left_out.labels("refused")

    def left_out(self, orphans: int, refused: int) -> None:
        """Of one batch."""
        self._orphans.inc(orphans)
        self._refused.inc(refused)


class InputMetrics:
    """Counts what other services write and nobody here reads (NS-EVT-OP-02)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ignored = counter(FIELDS_IGNORED, registry)

    def ignored_fields(self, topic: str) -> Callable[[int], object]:
        """The counter of one input topic."""
        return self._ignored.labels(topic).inc
