"""Table `flows`: the rate of one service and type, judged against its own average (NS-SEC-OP-07).

key     `schemas.quarantine_words.flow_key`
value   `Flow`
writer  agents/quarantine.py

Minutes of the clock are counted and compared with the average of minutes in which the flow sent anything: one
that sends each night is no anomaly each night. A minute that is above the limit before it is over stays above
it, so it is judged at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.quarantine_words import Order

if TYPE_CHECKING:
    from schemas.records import FlowCounted, QuarantineOrdered

MINUTE_MS = 60_000
LATE_MS = 15_000
"""So long after a minute its figures are waited for; workers report each second."""
SPAN = 60
"""A minute weighs one in so many of the average, or as there are fewer."""
CALM_MS = 2 * MINUTE_MS
"""What is only told of is over when it was not above the limit for so long."""
BEHIND_MS = 10_000
"""So long after the last that was released what comes still goes behind it: recipient tasks may lag."""
KEPT_MS = 40 * 86_400_000
"""A flow of which nothing is heard for so long counts as new when it comes again."""
SMALL_KEPT_MS = 2 * 86_400_000
"""So does a small one, sooner: names of services are whatever their headers say, and each has a row."""


class Terms(NamedTuple):
    """When a flow is anomalous: above `factor` times its average, which counts as `floor` a minute at least.

    One that is new, or that was released, is not judged for `grace_ms`. `holds`: whether its requests wait.
    """

    factor: int = 10
    floor: int = 60
    grace_ms: int = 3_600_000
    holds: bool = True


class State(StrEnum):
    """What happens to the requests of a flow."""

    OPEN = "open"
    ALARMING = "alarming"  # they pass, and an alert tells of them
    HELD = "held"
    LEAVING = "leaving"  # what waits goes out, and what comes goes behind it
    CLOSING = "closing"  # all has gone; what comes goes behind it, until the last of it has arrived
    REJECTING = "rejecting"  # what waited at the order ends, and what comes stays


KEEPING = frozenset({State.HELD, State.LEAVING, State.REJECTING})
"""States in which requests are taken in."""
DIVERTED = KEEPING | {State.CLOSING}
"""States in which they come here: every worker is told that the flow is held."""


class Minute(msgspec.Struct, frozen=True, gc=False):
    """What came in one minute, by the worker that took it in. `starts_at` in ms."""

    starts_at: int
    counts: dict[str, int] = {}

    @property
    def total(self) -> int:
        """Of all workers."""
        return sum(self.counts.values())

    def with_count(self, worker: str, count: int) -> Minute:
        """The highest figure of a worker counts."""
        return Minute(self.starts_at, {**self.counts, worker: max(count, self.counts.get(worker, 0))})


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One flow. Times in ms; `average`: requests of a minute; `learned`: minutes in it, `SPAN` at most.

    `minutes`: those that are still counted; `closed`: begin of the last that is not. `learns_from`,
    `judged_from`: nothing before counts. `since`, `count`: when it became anomalous, and by how many;
    `above_at`: last above its limit. `waiting`: requests that are held; `number`: of the next one;
    `bound`: nothing waits at that place or before it. `cut`: what has this number or a higher one
    came after the last order to reject, which has `looked` at all up to that place. `left_at`: when the last
    that was released went. `told`, `told_at`: how many waited when it was last told, and when.
    """

    average: float = 0.0
    learned: int = 0
    minutes: list[Minute] = []
    closed: int = 0
    learns_from: int = 0
    judged_from: int = 0
    state: str = State.OPEN
    since: int = 0
    count: int = 0
    above_at: int = 0
    waiting: int = 0
    number: int = 0
    bound: bytes | None = None
    cut: int = 0
    looked: bytes | None = None
    left_at: int = 0
    told: int = 0
    told_at: int = 0
    due_at: int = 0

    def limit(self, terms: Terms) -> float:
        """So many requests a minute are usual at most."""
        return terms.factor * max(self.average, float(terms.floor))

    def kept_until(self, terms: Terms, now: int) -> int | None:
        """When it counts as forgotten (ms), if no more is heard of it; never while requests come here."""
        if self.state in DIVERTED:
            return None
        most = max([self.average, *(each.total for each in self.minutes)])
        return max(now, self.judged_from) + (KEPT_MS if most >= terms.floor else SMALL_KEPT_MS)

    def heard(self, report: FlowCounted, now: int) -> Flow:
        """With what a worker counted; nothing changes by what comes too late, or from a clock that is off."""
        if report.minute <= max(self.closed, now - MINUTE_MS - LATE_MS) or report.minute > now + LATE_MS:
            return self
        known = {each.starts_at: each for each in self.minutes}
        minute = known.get(report.minute, Minute(report.minute)).with_count(report.worker, report.count)
        known[report.minute] = minute
        return replace(self, minutes=[known[at] for at in sorted(known)])

    def settled(self, now: int) -> Flow:
        """With the minutes that are over in the average; what came while it was held teaches nothing."""
        over = [each for each in self.minutes if each.starts_at + MINUTE_MS + LATE_MS <= now]
        if not over:
            return self
        average, learned = self.average, self.learned
        for each in over:
            if self.state not in KEEPING and each.starts_at >= self.learns_from:
                learned = min(learned + 1, SPAN)
                average += (each.total - average) / learned
        rest, closed = self.minutes[len(over) :], over[-1].starts_at
        return replace(self, average=average, learned=learned, minutes=rest, closed=closed)

    def judged(self, terms: Terms, now: int, *, holds: bool) -> Flow:
        """What its rate makes of it; `holds`: whether its requests may wait. Only an admin ends a hold."""
        if self.state == State.CLOSING and now - self.left_at >= BEHIND_MS:
            return replace(self, state=State.OPEN)
        if self.state in DIVERTED:
            return self
        judged = (each.total for each in self.minutes if each.starts_at >= self.judged_from)
        most = max(judged, default=0)
        if most > self.limit(terms):
            state = State.HELD if holds else State.ALARMING
            is_new = self.state == State.OPEN
            told = {"since": now, "count": most} if is_new else {}
            return replace(self, state=state, above_at=now, **told)
        if self.state == State.ALARMING and now - self.above_at >= CALM_MS:
            return replace(self, state=State.OPEN)
        return self

    def ordered(self, order: QuarantineOrdered, terms: Terms, now: int) -> Flow:
        """As an admin wants it. What is released is usual from now on; an approved run is an exception."""
        leaving = State.LEAVING if self.state in DIVERTED else State.OPEN
        match Order(order.order):
            case Order.RELEASE:
                fresh = {"average": 0.0, "learned": 0, "minutes": [], "judged_from": now + terms.grace_ms}
                return replace(self, state=leaving, learns_from=0, **fresh)
            case Order.APPROVE:
                until = order.until or now
                return replace(
                    self, state=leaving, judged_from=max(until, self.judged_from), learns_from=until
                )
            case Order.REJECT:
                if self.state not in KEEPING:
                    return self
                return replace(self, state=State.REJECTING, cut=self.number, looked=self.bound)

    def without(self, many: int, now: int, *, is_empty: bool) -> Flow:
        """So many wait no longer; once all that was to go has gone, it is closing, or held as before."""
        after = replace(self, waiting=self.waiting - many)
        if not is_empty or self.state == State.HELD:
            return after
        if self.state == State.LEAVING:
            return replace(after, state=State.CLOSING, left_at=now)
        return replace(after, state=State.HELD)


def begun(terms: Terms, now: int) -> Flow:
    """A flow that nobody knew; without a time of grace it is judged in this very minute."""
    return Flow(judged_from=now + terms.grace_ms if terms.grace_ms else 0)
