"""Table `budgets`: the rate of one provider account, shared out by demand (NS-CH-OP-03).

key     account, `<channel>/<provider>` (utf-8)
value   `Budget`
writer  agents/lease.py

Credit comes with time, as in a token bucket; who waits gets it, calls of the high lane first, then the others
in turns. A grant is for a call that waits now, and is never given twice: what a worker that died was granted
and did not use is lost. So grants, less those handed back, never exceed rate times time and one burst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.rates import LONGEST_PAUSE_MS

if TYPE_CHECKING:
    from schemas.rates import Rate
    from schemas.records import RateDemanded

BURST_MS = 250
"""Credit of this time may be saved up: at least that of one call, and more than a transaction takes."""
AHEAD_MS = 500
"""A worker that has not said that it saw its grants gets no more than come in this time."""
SILENT_MS = 3_000
"""Who has not reported for so long is forgotten; workers with calls that wait report each second."""
AGAIN_MS = 1_000
"""Grants that were not seen within this time are told again."""
TICK_MS = 20
"""The least time between two looks."""


class Lease(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one worker said last, and what it was granted so far. `turn`: when; the lowest is next."""

    number: int
    high: int
    others: int
    seen: int
    back: int
    granted: int
    heard_at: int
    told_at: int = 0
    turn: int = 0

    @property
    def underway(self) -> int:
        """Grants that it has not seen yet; its urgent calls will take them first."""
        return self.granted - self.seen

    def takes(self, most: int) -> bool:
        """Whether calls wait there for which nothing is under way."""
        return self.underway < most and self.high + self.others > self.underway


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The account. `credit`: in calls, times ms of the rate's period; `due_at`: of its timer."""

    leases: dict[str, Lease] = {}
    credit: int = 0
    credited_at: int = 0
    turns: int = 0
    paused_until: int = 0
    due_at: int = 0

    def heard(self, report: RateDemanded, rate: Rate, now: int) -> Budget:
        """With what a worker reports at `now` (ms), unless it said something newer before."""
        known = self.leases.get(report.worker)
        if known is not None and report.number <= known.number:
            return self
        lease = Lease(
            number=report.number,
            high=report.high,
            others=report.others,
            seen=report.seen,
            back=report.back,
            granted=max(report.seen, known.granted if known else 0),
            heard_at=now,
            told_at=known.told_at if known else now,
            turn=known.turn if known else 0,
        )
        handed_back = report.back - known.back if known else 0
        return replace(
            self,
            leases={**self.leases, report.worker: lease},
            credit=self.credit + handed_back * rate.period_ms,
            paused_until=max(self.paused_until, min(report.paused_until, now + LONGEST_PAUSE_MS)),
        )

    def shared(self, rate: Rate, now: int) -> Shared:
        """What can be granted at `now` (ms), and when to look again."""
        leases = {name: one for name, one in self.leases.items() if now - one.heard_at < SILENT_MS}
        gained = max(now - self.credited_at, 0) * rate.calls
        credit = min(self.credit + gained, max(rate.period_ms, rate.calls * BURST_MS))
        most = max(1, rate.calls * AHEAD_MS // rate.period_ms)
        turns, told = self.turns, _unseen(leases, now)
        while credit >= rate.period_ms and now >= self.paused_until and (name := _next(leases, most)):
            turns, credit = turns + 1, credit - rate.period_ms
            leases[name] = replace(leases[name], granted=leases[name].granted + 1, turn=turns)
            told.add(name)
        for name in told:
            leases[name] = replace(leases[name], told_at=now)
        due_at = None
        if _next(leases, most):
            missing_ms = -(-max(rate.period_ms - credit, 0) // rate.calls)
            due_at = max(now + max(missing_ms, TICK_MS), self.paused_until)
        after = replace(self, leases=leases, credit=credit, credited_at=now, turns=turns)
        return after.waiting(due_at, now, {name: leases[name].granted for name in sorted(told)})

    def waiting(self, due_at: int | None, now: int, totals: dict[str, int]) -> Shared:
        """With a timer, unless one is set that comes before it."""
        is_new = due_at is not None and not now < self.due_at <= due_at
        return Shared(replace(self, due_at=due_at) if is_new else self, totals, due_at if is_new else None)


class Shared(NamedTuple):
    """The account afterwards, the totals that workers are to be told, and the timer to set, if any."""

    budget: Budget
    totals: dict[str, int]
    due_at: int | None


def _next(leases: dict[str, Lease], most: int) -> str | None:
    """Who gets the next grant: who has urgent calls that nothing is under way for, then whose turn it is."""
    able = [(one.high <= one.underway, one.turn, name) for name, one in leases.items() if one.takes(most)]
    return min(able)[-1] if able else None


def _unseen(leases: dict[str, Lease], now: int) -> set[str]:
    """Who may have missed a grant."""
    return {name for name, one in leases.items() if one.underway and now - one.told_at >= AGAIN_MS}
