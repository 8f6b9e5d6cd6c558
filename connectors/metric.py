"""What a metric is, and how each kind is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Metric(NamedTuple):
    """One metric: name, labels, and the sentence that stands in `/metrics` and in the docs."""

    name: str
    labels: tuple[str, ...]
    sentence: str


def counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """Register it as a counter."""
    return Counter(metric.name, metric.sentence, metric.labels, registry=registry)


def gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    """Register it as a gauge."""
    return Gauge(metric.name, metric.sentence, metric.labels, registry=registry)


def histogram(metric: Metric, registry: CollectorRegistry, buckets: tuple[float, ...]) -> Histogram:
    """Register it as a histogram."""
    return Histogram(metric.name, metric.sentence, metric.labels, buckets=buckets, registry=registry)
