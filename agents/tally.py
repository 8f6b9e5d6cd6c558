"""What a change of a message, or a request that became none, adds to the statistics (NS-STAT-OP-01).

Counts of a message are a function of its progress; a change adds the new cells and takes the old ones back.
So a status counts once, a missing one below it too, and a failure that turns into a delivery is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.words import Outcome
from tables.windows import Count, Dimensions

if TYPE_CHECKING:
    from schemas.records import RequestDecided
    from tables.progress import Cell, Progress

METRIC_OF = {
    Outcome.REPEATED: "skipped",
    Outcome.SKIPPED: "skipped",
    Outcome.REJECTED: "rejected",
    Outcome.EXPIRED: "expired",
    Outcome.CANCELLED: "cancelled",
}


def tally(before: Progress | None, after: Progress) -> list[Count]:
    """The difference that one fact makes."""
    old, new = before.counts() if before else {}, after.counts()
    if old == new:
        return []
    changed = [status for status in {**old, **new} if old.get(status) != new.get(status)]
    taken_back = [_count(after, old[status], -1) for status in changed if status in old]
    return taken_back + [_count(after, new[status], 1) for status in changed if status in new]


def tally_request(decided: RequestDecided) -> list[Count]:
    """One count for a request that became no message; the name of an unknown type is no dimension."""
    metric = METRIC_OF.get(Outcome(decided.outcome))
    known_type = decided.notification_type if decided.category else None
    dimensions = Dimensions(notification_type=known_type, category=decided.category)
    return [Count(metric, decided.decided_at, dimensions)] if metric else []


def _count(progress: Progress, cell: Cell, amount: int) -> Count:
    message = progress.queued
    dimensions = Dimensions(message.channel, message.notification_type, message.category, cell.provider)
    return Count(cell.metric, cell.at, dimensions, amount)
