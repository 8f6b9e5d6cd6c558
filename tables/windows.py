"""Windows of statistics: counts of one batch, folded by minute and rolled up (NS-EVT-030…033, NS-EVT-OP-05).

No table of its own: a batch's counts leave it as partials, of messages or of labels, which the `totals`
table adds up.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, NamedTuple, TypeVar

from schemas.records import LabelPartial, StatsPartial
from schemas.times import period_start
from tables.progress import LATE, LATE_MS

PERIODS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
P = TypeVar("P", StatsPartial, LabelPartial)


class Dimensions(NamedTuple):
    """What a count of messages is told apart by; one grain only, None where there is none."""

    channel_type: str | None = None
    notification_type: str | None = None
    category: str | None = None
    campaign_id: str | None = None
    campaign_label: str | None = None
    variant: str | None = None
    provider_name: str | None = None


class LabelDimensions(NamedTuple):
    """What a count of users is told apart by: the label; it has one campaign and one communication."""

    audience_label: str
    campaign_label: str | None = None
    communication_id: str | None = None


class Count(NamedTuple):
    """`amount` of `metric` at event time `at` (ms); negative where a count is taken back."""

    metric: str
    at: int
    dimensions: Dimensions | LabelDimensions
    amount: int = 1


def dated(metric: str, at: int, now: int, dimensions: Dimensions | LabelDimensions) -> Count:
    """One count of what happened at `at`, by a clock of others, and is heard `now` (ms).

    No count is of the future; what comes when its hour is final counts as late, in the hour of its coming.
    """
    at = min(at, now)
    return Count(LATE, now, dimensions) if now - at > LATE_MS else Count(metric, at, dimensions)


class Windows(Generic[P]):
    """The fold of one batch. Order of `add` does not matter; what sums to nothing leaves no trace."""

    def __init__(self, partial: type[P]) -> None:
        """`partial`: what the counts become; their dimensions are its fields."""
        self._partial: type[P] = partial
        self._minutes: dict[tuple[int, Dimensions | LabelDimensions], Counter[str]] = {}

    def add(self, counts: list[Count]) -> None:
        for count in counts:
            window = (period_start(count.at, PERIODS["minute"]), count.dimensions)
            self._minutes.setdefault(window, Counter())[count.metric] += count.amount

    def partials(self) -> list[P]:
        """One per period, window and dimensions that changed, in a fixed order."""
        rolled: dict[tuple[str, int, Dimensions | LabelDimensions], Counter[str]] = {}
        for (minute, dimensions), counts in self._minutes.items():
            for period, length_ms in PERIODS.items():
                window = (period, period_start(minute, length_ms), dimensions)
                rolled.setdefault(window, Counter()).update(counts)
        ordered = sorted(rolled.items(), key=lambda item: repr(item[0]))
        changed = ((window, {m: n for m, n in sorted(counts.items()) if n}) for window, counts in ordered)
        return [
            self._partial(period=period, starts_at=starts_at, counts=counts, **dimensions._asdict())
            for (period, starts_at, dimensions), counts in changed
            if counts
        ]
