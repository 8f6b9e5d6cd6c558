"""Windows of statistics: counts of one batch, folded by minute and rolled up (NS-EVT-030…033, NS-EVT-OP-05).

No table of its own: a batch's counts leave it as `StatsPartial`, which the `totals` table adds up.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from schemas.records import StatsPartial
from schemas.times import period_start

PERIODS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Dimensions(NamedTuple):
    """What a count is told apart by; one grain only, None where there is none."""

    channel_type: str | None = None
    notification_type: str | None = None
    category: str | None = None
    campaign_id: str | None = None
    campaign_label: str | None = None
    variant: str | None = None
    provider_name: str | None = None


class Count(NamedTuple):
    """`amount` of `metric` at event time `at` (ms); negative where a count is taken back."""

    metric: str
    at: int
    dimensions: Dimensions
    amount: int = 1


Window = tuple[str, int, Dimensions]


class Windows:
    """The fold of one batch. Order of `add` does not matter; what sums to nothing leaves no trace."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[int, Dimensions], Counter[str]] = {}

    def add(self, counts: list[Count]) -> None:
        for count in counts:
            window = (period_start(count.at, PERIODS["minute"]), count.dimensions)
            self._minutes.setdefault(window, Counter())[count.metric] += count.amount

    def partials(self) -> list[StatsPartial]:
        """One per period, window and dimensions that changed, in a fixed order."""
        rolled: dict[Window, Counter[str]] = {}
        for (minute, dimensions), counts in self._minutes.items():
            for period, length_ms in PERIODS.items():
                window = (period, period_start(minute, length_ms), dimensions)
                rolled.setdefault(window, Counter()).update(counts)
        ordered = sorted(rolled.items(), key=lambda item: repr(item[0]))
        found = (_partial(window, counts) for window, counts in ordered)
        return [partial for partial in found if partial.counts]


def _partial(window: Window, counts: Counter[str]) -> StatsPartial:
    period, starts_at, dimensions = window
    changed = {metric: amount for metric, amount in sorted(counts.items()) if amount}
    return StatsPartial(period=period, starts_at=starts_at, counts=changed, **dimensions._asdict())
