"""Table `totals`: the counts of each window and set of dimensions so far.

key     `key_of(partial)`: the key of the record in `notification.stats` or `audience.stats`
value   `Totals`
writer  agents/sum_up.py

A minute lives for 2 days (NS-EVT-OP-05), hours and days as long as a message's progress: after that no
correction can come any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.ids import derived
from schemas.records import LabelPartial, LabelStats, StatsPartial, StatsRecord, StatsRow
from schemas.statistics import LABEL_METRICS, METRICS
from schemas.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY_MS = 86_400_000
LIVES_MS = {"minute": 2 * DAY_MS, "hour": 35 * DAY_MS, "day": 35 * DAY_MS}
DIMENSIONS = (
    "channel_type",
    "notification_type",
    "category",
    "campaign_id",
    "campaign_label",
    "variant",
    "provider_name",
)
LABEL_DIMENSIONS = ("audience_label", "campaign_label", "communication_id")
Partial = StatsPartial | LabelPartial
Published = StatsRecord | LabelStats


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one window by metric; a metric that came back to 0 stays, to correct the one published."""

    counts: dict[str, int] = {}
    version: int = 0

    def add(self, counts: dict[str, int], now: int) -> Totals:
        """With a batch's counts added at `now` (ms), and a version above those that a lost one counted to."""
        metrics = {**self.counts, **counts}
        sums = {m: self.counts.get(m, 0) + counts.get(m, 0) for m in metrics}
        return Totals(counts=sums, version=max(self.version + 1, now))

    def record(self, partial: Partial) -> Published:
        """The whole window as analysts read it: every named metric, others once they were counted."""
        period, timestamp = partial.period, rfc3339(partial.starts_at)
        if isinstance(partial, LabelPartial):
            metrics, dimensions = self._metrics(LABEL_METRICS), _dimensions(partial, LABEL_DIMENSIONS)
            return LabelStats(period=period, timestamp=timestamp, metrics=metrics, dimensions=dimensions)
        metrics, dimensions = self._metrics(METRICS), _dimensions(partial, DIMENSIONS)
        return StatsRecord(period=period, timestamp=timestamp, metrics=metrics, dimensions=dimensions)

    def _metrics(self, named: Iterable[str]) -> dict[str, int]:
        return {**dict.fromkeys(named, 0), **self.counts}

    def row(self, partial: StatsPartial) -> StatsRow:
        """The same for Postgres."""
        return StatsRow(
            bucket_id=derived("stats", key_of(partial)),
            version=self.version,
            starts_at=partial.starts_at,
            **_dimensions(partial, DIMENSIONS),
            counts=self.counts,
        )


def ends_at(partial: Partial) -> int:
    """When (ms) the window's record is given up; later counts for it are too late."""
    return partial.starts_at + LIVES_MS[partial.period]


def key_of(found: Partial | Published) -> str:
    """`period|timestamp|dimensions`, the same for a window's partials and its record; of a label, it alone.

    A bar in a name is written `%7C`: two sets of dimensions never share a key.
    """
    record = Totals().record(found) if isinstance(found, Partial) else found
    names = list(record.dimensions.values())
    told = names[:1] if isinstance(record, LabelStats) else names  # the rest follows from the label
    return "|".join((record.period, record.timestamp, *(_quoted(name or "") for name in told)))


def _dimensions(partial: Partial, names: Iterable[str]) -> dict[str, str | None]:
    return {name: getattr(partial, name) for name in names}


def _quoted(name: str) -> str:
    return name.replace("%", "%25").replace("|", "%7C") if "|" in name or "%" in name else name
