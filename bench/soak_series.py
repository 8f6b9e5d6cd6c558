"""What a soak samples: each series with its unit, its floor, and what it must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.trend import LEFT, Trend, left_over, trend

MIB = 1 << 20
ROLES, OTHERS = ("worker", "kafka", "postgres", "fake"), "others"
"""Who takes part, by `Spent`'s words, and everything else that runs: HTTP, the feed, other people's work."""
FLAT, GROWS, STAYS = "flat", "GROWS", "DOES NOT SHRINK"


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over time. `floor`: a smaller rise is none. `ends`: TTLs must empty it after the feed."""

    name: str
    title: str
    unit: str
    floor: float
    ends: bool = False


SERIES = (
    Series("worker_memory", "memory of the worker", "MiB", 4),
    Series("http_memory", "memory of HTTP", "MiB", 4),
    Series("broker_memory", "memory of the broker", "MiB", 16),
    Series("worker_files", "open handles of the worker", "", 4),
    Series("http_files", "open handles of HTTP", "", 4),
    Series("broker_files", "open handles of the broker", "", 16),
    Series("rows", "table rows that end by a TTL", "", 500, ends=True),
    Series("stores", "RocksDB stores", "MiB", 2, ends=True),
    Series("store_logs", "RocksDB's own log files", "MiB", 0.5),
    Series("changelogs", "changelog topics", "MiB", 2, ends=True),
    Series("lag", "lag: records not yet read", "", 500),
)
PICTURES = {
    "memory, MiB": {"worker": "worker_memory", "HTTP": "http_memory", "broker": "broker_memory"},
    "open handles": {"worker": "worker_files", "HTTP": "http_files", "broker": "broker_files"},
    "table rows that end by a TTL": {"rows": "rows"},
    "on disk, MiB": {"stores": "stores", "changelogs": "changelogs", "RocksDB's logs": "store_logs"},
    "lag: records not yet read": {"records": "lag"},
    "cores": {"worker": "worker_cores", "broker": "kafka_cores", "others": "others_cores"},
}
"""Plots: lines by name. Cores are shown, not judged: they tell a disturbed run."""


@dataclass(frozen=True, slots=True)
class Look:
    """One sample: second of the run, value by series' name."""

    at: float
    values: Mapping[str, float]


def cores(looks: Sequence[Look], feed_s: float) -> dict[str, float]:
    """Cores in use during the feed, on average, by role."""
    fed = [look for look in looks if look.at <= feed_s]
    return {role: fmean(look.values[f"{role}_cores"] for look in fed) for role in (*ROLES, OTHERS)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One series of a run. `left`: the share of its median that was there at the very end."""

    series: Series
    trend: Trend
    left: float
    last: float

    @property
    def verdict(self) -> str:
        """`flat`, or what is wrong."""
        if self.trend.grows:
            return GROWS
        return STAYS if self.series.ends and self.left > LEFT else FLAT


def found(looks: Sequence[Look], feed_s: float) -> list[Finding]:
    """What became of every series; the feed ended at `feed_s`."""
    findings = []
    for series in SERIES:
        points = [(look.at, look.values[series.name]) for look in looks]
        feed = [point for point in points if point[0] <= feed_s]
        seen = trend(feed, series.floor)
        findings.append(Finding(series, seen, left_over(seen.middle, points), points[-1][1]))
    return findings
