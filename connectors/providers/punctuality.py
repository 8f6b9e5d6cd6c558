"""How punctual a provider's receipts are: a function of what all workers counted of it.

Judged are messages that were sent in some minutes and have had their time by now. What was counted of them
comes a moment late, so they are judged no sooner than the counts themselves have come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.punctuality import ReceiptsCounted

SLOT_MS = 10_000
"""Messages that were sent in so long a time are counted together."""
WINDOW_MS = 120_000
"""Messages of so long a time are judged together."""
GRACE_MS = 30_000
"""So much later than its time a receipt may be counted: it comes through intake and status."""
LEAST = 20
"""Fewer messages say nothing."""
STEPS = 4
"""Of a weight that sinks."""


class Punctuality(NamedTuple):
    """So many messages are judged, and of so many the first receipt came in time."""

    sent: int = 0
    in_time: int = 0

    @property
    def is_known(self) -> bool:
        """Whether enough were sent."""
        return self.sent >= LEAST

    @property
    def share(self) -> float:
        """How much of its weight a provider has: a quarter less for each eighth that is missing at half."""
        if not self.is_known:
            return 1.0
        lost = max(STEPS * (self.sent - 2 * self.in_time) // self.sent, 0)
        return max(STEPS - lost, 1) / STEPS


def oldest(within_ms: int, now: int) -> int:
    """Of messages sent before that nothing counts any more."""
    return now - within_ms - GRACE_MS - WINDOW_MS


def judged(reports: Iterable[ReceiptsCounted], within_ms: int, now: int) -> Punctuality:
    """Of one provider, by the newest report of each worker; those that went by another time say nothing."""
    told = [each for each in reports if each.within_ms == within_ms]
    as_of = min(now, max((each.told_at for each in told), default=0))
    newest, since = as_of - within_ms - GRACE_MS - SLOT_MS, oldest(within_ms, now)
    slots = [slot for each in told for slot in each.slots if since <= slot.begins_at <= newest]
    sent = sum(slot.sent for slot in slots)
    return Punctuality(sent, min(sum(slot.in_time for slot in slots), sent))
