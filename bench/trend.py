"""Whether a series of samples grows, by a rule that a page can state; nothing here measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TypeVar

HOUR_S = 3600.0
SHARE = 0.03
NOISE = 2.0
MOST_POINTS = 300
LEFT = 0.5
RULE = (
    "a line (the median of the slopes between all pairs of samples) is laid through the second half of the "
    f"feed. A series grows when that line rises there by more than {SHARE:.0%} of the series' median, by "
    f"more than {NOISE:g} times the samples' median distance from it, and by more than the floor of its row."
)
SHRINKS = (
    f"What TTLs empty must, at the end of the quiet time after the feed, be below {LEFT:.0%} of its median "
    "in the second half of the feed."
)
Point = tuple[float, float]
Sample = TypeVar("Sample")


@dataclass(frozen=True, slots=True)
class Trend:
    """The second half of a series: its median, its slope, how much it rose by that, how much it may."""

    middle: float
    per_hour: float
    rise: float
    allowed: float

    @property
    def grows(self) -> bool:
        """Whether the rise is more than noise, and worth the word."""
        return self.rise > self.allowed


def trend(points: Sequence[Point], floor: float) -> Trend:
    """Of (second, value) samples of the feed, by `RULE`; `floor` in the series' unit."""
    half = thinned(second_half(points), MOST_POINTS)
    slope = _slope(half)
    middle = median(value for _, value in half)
    rests = [value - slope * at for at, value in half]
    level = median(rests)
    noise = NOISE * median(abs(rest - level) for rest in rests)
    rise = slope * (half[-1][0] - half[0][0])
    return Trend(middle, slope * HOUR_S, rise, max(floor, SHARE * middle, noise))


def left_over(middle: float, tail: Sequence[Point]) -> float:
    """The last value of the quiet time after the feed, as a share of `middle`; 0 where there was nothing."""
    return tail[-1][1] / middle if middle else 0.0


def second_half(points: Sequence[Point]) -> Sequence[Point]:
    """The samples after the middle of the time."""
    middle = (points[0][0] + points[-1][0]) / 2
    return [point for point in points if point[0] >= middle]


def thinned(points: Sequence[Sample], most: int) -> Sequence[Sample]:
    """At most so many of the points, evenly; the last one is among them."""
    step = -(-len(points) // most)
    return points[(len(points) - 1) % step :: step]


def _slope(points: Sequence[Point]) -> float:
    slopes = [(b - a) / (at_b - at_a) for (at_a, a), (at_b, b) in combinations(points, 2) if at_b > at_a]
    return median(slopes) if slopes else 0.0
