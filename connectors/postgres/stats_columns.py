"""How a bucket of statistics becomes columns, in the order of query `write_stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.statistics import METRICS, OTHERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.records import StatsRow

PLAIN = (
    "bucket_id",
    "starts_at",
    "version",
    "channel_type",
    "notification_type",
    "category",
    "campaign_id",
    "campaign_label",
    "variant",
    "provider_name",
)


def stats_columns(rows: Sequence[StatsRow]) -> list[list[Any]]:
    """Columns of the query; a metric that was never counted is 0."""
    plain = [[getattr(row, name) for row in rows] for name in PLAIN]
    return plain + [[row.counts.get(metric, 0) for row in rows] for metric in (*METRICS, *OTHERS)]
