"""What statistics have counted of a label: the sum of partials, which all periods agree about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from schemas.records import LabelPartial


def counted(partials: Iterable[LabelPartial], label: str = "spring:sale") -> dict[str, int]:
    """Sums by metric."""
    found = {period: Counter[str]() for period in ("minute", "hour", "day")}
    for partial in partials:
        if partial.audience_label == label:
            found[partial.period].update(partial.counts)
    assert found["minute"] == found["hour"] == found["day"]
    return dict(found["day"])
