"""The words of statistics and their one formula: metrics, and the rates made of their sums (NS-STAT-OP-03).

Topic, rows and API count the same things, and whoever divides them divides as `rates` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METRICS: Final = ("sent", "delivered", "failed", "opened", "clicked", "unsubscribed", "skipped")
"""Those that every record has."""
PRICED: Final = "priced"
"""Sent messages whose cost is known."""
COST: Final = "cost_micros"
"""The sum of those costs, in millionths."""
OTHERS: Final = ("unknown", "expired", "cancelled", "rejected", "late", PRICED, COST)
"""Those that a record has once they were counted."""
ASKED: Final = (*METRICS, PRICED, COST)
"""Those that the API sums."""
LABEL_METRICS: Final = ("labelled", "seen", "withdrawn")
"""Of users of a label: those that every record of `audience.stats` has; `late` once it was counted."""
RATES: Final[Mapping[str, tuple[str, str]]] = {
    "delivery_rate": ("delivered", "reported"),
    "unreported_rate": ("unreported", "sent"),
    "open_rate": ("opened", "open_measured"),
    "ctr": ("clicked", "click_measured"),
    "unmeasured_rate": ("unmeasured", "delivered"),
    "unsubscribe_rate": ("unsubscribed", "delivered"),
}
"""Rate → what is divided, and by what."""
DIGITS: Final = 4
_PARTS: Final = ("reported", "unreported", "open_measured", "click_measured", "unmeasured")


def rates(by_sender: Iterable[Mapping[str, int]]) -> dict[str, float | None]:
    """The rates of sums by metric, one for each channel and provider; None where nothing can be divided.

    A provider that reports no delivery at all (plain SMTP) says nothing of its failures either: what it sent
    counts as `unreported`, never as undelivered (NS-OV-OP-04). In the same way one that reports no opening at
    all, or no click, measures none: what it delivered counts as `unmeasured`, never as unread (NS-CH-OP-05).
    """
    sums = dict.fromkeys((*METRICS, *_PARTS), 0)
    for counts in by_sender:
        for metric in METRICS:
            sums[metric] += counts.get(metric, 0)
        sums["reported" if counts.get("delivered") else "unreported"] += counts.get("sent", 0)
        delivered = counts.get("delivered", 0)
        sums["open_measured" if counts.get("opened") else "unmeasured"] += delivered
        sums["click_measured"] += delivered if counts.get("clicked") else 0
    return {
        name: round(sums[part] / sums[whole], DIGITS) if sums[whole] else None
        for name, (part, whole) in RATES.items()
    }


def cost_of(sums: Mapping[str, int]) -> int | None:
    """What was spent, in millionths; None where the cost of nothing is known, which is not the same as 0."""
    return sums.get(COST, 0) if sums.get(PRICED) else None
