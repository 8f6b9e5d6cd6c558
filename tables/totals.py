"""Table `totals`: the counts of each window and set of dimensions so far.

key     `key_of(partial)`: the key of the record in `notification.stats`
value   `Totals`
writer  agents/sum_up.py

A minute lives for 2 days (NS-EVT-OP-05), hours and days as long as a message's progress: after that no
correction can come any more.
"""

from __future__ import annotations

import msgspec

from schemas.records import StatsPartial, StatsRecord
from schemas.times import rfc3339

DAY_MS = 86_400_000
LIVES_MS = {"minute": 2 * DAY_MS, "hour": 35 * DAY_MS, "day": 35 * DAY_MS}
METRICS = ("sent", "delivered", "failed", "opened", "clicked", "unsubscribed", "skipped")


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one window by metric; a metric that came back to 0 stays, to correct the one published."""

    counts: dict[str, int] = {}

    def add(self, counts: dict[str, int]) -> Totals:
        """With a batch's counts added."""
        metrics = {**self.counts, **counts}
        return Totals(counts={m: self.counts.get(m, 0) + counts.get(m, 0) for m in metrics})

    def record(self, partial: StatsPartial) -> StatsRecord:
        """The whole window as analysts read it: every named metric, others once they were counted."""
        return StatsRecord(
            period=partial.period,
            timestamp=rfc3339(partial.starts_at),
            metrics={**dict.fromkeys(METRICS, 0), **self.counts},
            dimensions={
                "channel_type": partial.channel_type,
                "notification_type": partial.notification_type,
                "category": partial.category,
                "campaign_id": None,
                "campaign_label": None,
                "variant": None,
                "provider_name": partial.provider_name,
            },
        )


def ends_at(partial: StatsPartial) -> int:
    """When (ms) the window's record is given up; later counts for it are too late."""
    return partial.starts_at + LIVES_MS[partial.period]


def key_of(found: StatsPartial | StatsRecord) -> str:
    """`period|timestamp|dimensions`, the same for a window's partials and its record."""
    record = Totals().record(found) if isinstance(found, StatsPartial) else found
    values = (value or "" for value in record.dimensions.values())
    return "|".join((record.period, record.timestamp, *values))
