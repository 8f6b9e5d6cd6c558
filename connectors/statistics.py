"""What is asked of statistics, and what storage answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Asked(NamedTuple):
    """Whole hours from `start_at` to before `end_at` (ms); a filter None lets all pass."""

    start_at: int
    end_at: int
    channel_type: str | None = None
    notification_type: str | None = None


class Group(NamedTuple):
    """Sums by metric of one channel, type and provider; None where there was none."""

    channel_type: str | None
    notification_type: str | None
    provider_name: str | None
    sums: Mapping[str, int]
