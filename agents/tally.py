"""What a change of a message, or a request that became none, adds to the statistics (NS-STAT-OP-01).

Counts of a message are a function of its progress; a change adds the new cells and takes the old ones back.
So a status counts once, a missing one below it too, and a failure that turns into a delivery is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.words import Category, Outcome
from tables.preferences import ALL_MARKETING
from tables.windows import Count, Dimensions, dated

if TYPE_CHECKING:
    from schemas.records import RequestDecided, Unsubscribed
    from tables.progress import Cell, Progress

METRIC_OF = {
    Outcome.REPEATED: "skipped",
    Outcome.SKIPPED: "skipped",
    Outcome.REJECTED: "rejected",
    Outcome.EXPIRED: "expired",
    Outcome.CANCELLED: "cancelled",
}


def tally(before: Progress | None, after: Progress) -> list[Count]:
    """The difference that one fact makes; once the message itself is known, its dimensions are, too."""
    old, new = _counts(before) if before else {}, _counts(after)
    changed = [status for status in {**old, **new} if old.get(status) != new.get(status)]
    taken_back = [old[status]._replace(amount=-old[status].amount) for status in changed if status in old]
    return taken_back + [new[status] for status in changed if status in new]


def tally_request(decided: RequestDecided) -> list[Count]:
    """One count for a request that became no message; the name of an unknown type is no dimension."""
    metric = METRIC_OF.get(Outcome(decided.outcome))
    known_type = decided.notification_type if decided.category else None
    dimensions = Dimensions(
        notification_type=known_type,
        category=decided.category,
        campaign_id=decided.campaign_id,
        campaign_label=decided.campaign_label,
    )
    return [Count(metric, decided.decided_at, dimensions)] if metric else []


def tally_unsubscribe(told: Unsubscribed, now: int) -> list[Count]:
    """One count for a user who left; from all marketing, no channel is named."""
    is_all = told.channel == ALL_MARKETING
    dimensions = Dimensions(
        channel_type=None if is_all else told.channel,
        category=Category.MARKETING if is_all else None,
        campaign_label=told.campaign,
    )
    return [dated("unsubscribed", told.at, now, dimensions)]


def _counts(progress: Progress) -> dict[str, Count]:
    """What statistics count of a message; nothing of what was sent to be looked at."""
    message = progress.queued
    if message.is_test:
        return {}
    known = Dimensions(
        channel_type=message.channel,
        notification_type=message.notification_type,
        category=message.category,
        campaign_id=message.campaign_id,
        campaign_label=message.campaign_label,
        variant=message.variant,
    )
    return {status: _count(known, cell) for status, cell in progress.counts().items()}


def _count(known: Dimensions, cell: Cell) -> Count:
    return Count(cell.metric, cell.at, known._replace(provider_name=cell.provider), cell.amount)
