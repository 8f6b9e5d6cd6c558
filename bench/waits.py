"""Waits as a distribution: percentiles by nearest rank, so that each is a wait that really occurred."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bench.sections import Column, Row

SHARES = (
    *(0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0),
)
"""Where the cumulative curve is kept."""
EXACT = 9
"""Digits to which a share of a count is exact; 0.07 * 100 is a little more than 7."""


def at_share(ordered: Sequence[float], share: float) -> float:
    """The least of the waits that so large a share of them does not exceed."""
    return ordered[max(math.ceil(round(share * len(ordered), EXACT)), 1) - 1]


def key_of(share: float) -> str:
    """The key in rows of the wait in ms at this share: `p99.9_ms`."""
    return f"p{100 * share:g}_ms"


def distribution(waits_ms: Iterable[float]) -> Row:
    """The curve, in so far as there are enough waits for its ends to be seen; empty for no waits."""
    ordered = sorted(waits_ms)
    return {key_of(share): at_share(ordered, share) for share in SHARES if _is_seen(share, len(ordered))}


def curve(row: Row) -> list[tuple[float, float]]:
    """Points (ms, share) of the distribution that a row holds."""
    return [(float(row[key_of(share)]), share) for share in SHARES if key_of(share) in row]


def _is_seen(share: float, count: int) -> bool:
    """At least one wait lies on either side; the largest one of all is always seen."""
    rare = min(share, 1 - share)
    return count > 0 and (share == 1 or round(rare * count, EXACT) >= 1)


def waits_columns(*shares: float, form: str = "{:,.0f}") -> tuple[Column, ...]:
    """Columns of these shares and of the longest wait."""
    named = tuple(Column(key_of(share), f"P{100 * share:g} ms", form) for share in shares)
    return (*named, Column(key_of(1), "longest ms", form))
