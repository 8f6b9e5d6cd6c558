"""What may still be spent, as one process knows it: the sums of all, and its own costs since (NS-OPS-116).

The sums are made in one place (`agents/add_up.py`) and come back after a moment. What this process has begun,
and what it was answered and is in no sum yet, counts beside them. So budgets are exceeded at most by what
others spend in that moment; and while nobody sums, each process stops by itself. What it forgets by a restart
is on its way to the sums, or comes back hidden.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from schemas.budgets import BILLED, Period, begins_at, limits, scopes_paid, spent_in
from schemas.records import CallEnded
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connectors.budget_metrics import BudgetMetrics
    from schemas.records import ProviderCall, SpendingBudget, SpendingSummed

    Perform = Callable[[ProviderCall], Awaitable[CallEnded]]

UNHEARD_MS = 2_000
"""A sum that has heard of later costs of others may miss those of ours that wait for their commit: so young
they count twice, and a budget is rather reached too early."""
SPELL_MS = 100
"""What was spent in so short a time is remembered as one."""


class Purse:
    """Fulfils `agents.ports.Purse`. `budget`: the one of a scope, if it has one."""

    def __init__(
        self,
        budget: Callable[[str], SpendingBudget | None],
        metrics: BudgetMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self._budget = budget
        self._metrics = metrics
        self._now_ms = now_ms
        self._summed: dict[str, SpendingSummed] = {}
        self._own: dict[str, _Own] = {}

    def summed(self, told: SpendingSummed) -> None:
        """A newer sum of a scope; an older one is read again when Kafka has us begin anew."""
        if told.of in self._summed and told.in_all < self._summed[told.of].in_all:
            return
        self._summed[told.of] = told
        if told.of in self._own:
            self._own[told.of].heard_at = told.heard_at
        budget = self._budget(told.of)
        for period in limits(budget) if budget else ():
            self._metrics.known(told.of, period, partial(self._used, told.of, period))

    def refused_by(self, scopes: Sequence[str], cost: int, now: int) -> str | None:
        """The budget that has no room for this cost; None: all have, or there is none."""
        for of in scopes:
            budget = self._budget(of)
            for period, most in limits(budget).items() if budget else ():
                if self._spent(of, period, now) + cost > most:
                    self._metrics.refused(of, period)
                    return f"{of} {period}"
        return None

    def paying(self, perform: Perform) -> Perform:
        """`perform`, but what no budget has room for any more is not begun: it is decided anew then."""

        async def performed(call: ProviderCall) -> CallEnded:
            scopes, cost = scopes_paid(call), call.cost or 0
            if call.is_limited and self.refused_by(scopes, cost, self._now_ms()):
                return CallEnded(call=call, verdict=Verdict.LAPSED)
            own = [self._own.setdefault(of, _Own()) for of in scopes if self._budget(of)]
            for one in own:
                one.begun += cost
            verdict: str = Verdict.HIDDEN  # unless it says something else
            try:
                ended = await perform(call)
                verdict = ended.verdict
                return ended
            finally:
                for one in own:
                    one.end(cost, self._now_ms() if verdict in BILLED else None)

        return performed

    def _spent(self, of: str, period: Period, now: int) -> int:
        own = self._own.get(of)
        since = own.since(begins_at(period, now), now) if own else 0
        return spent_in(self._summed.get(of), period, now) + since

    def _used(self, of: str, period: Period) -> float:
        """How much of a budget is spent, for people to look at; 0 of one that is gone."""
        budget = self._budget(of)
        most = limits(budget).get(period) if budget else None
        return self._spent(of, period, self._now_ms()) / most if most else float(most == 0)


class _Own:
    """What this process spent of one scope that is in no sum yet. `begun`: of calls that are not answered.

    `heard_at`: what was spent until then (ms) is in the sum, unless it is young.
    """

    def __init__(self) -> None:
        self.begun = 0
        self.heard_at = 0
        self._ended: deque[_Spell] = deque()  # the oldest first
        self._sum = 0

    def end(self, cost: int, at: int | None) -> None:
        """A call was answered, at `at` (ms) if it is to be paid for."""
        self.begun -= cost
        if at is None:
            return
        self._sum += cost
        last = self._ended[-1] if self._ended else None
        if last is not None and at < last.began + SPELL_MS:
            self._ended[-1] = last._replace(ended=max(last.ended, at), cost=last.cost + cost)
        else:
            self._ended.append(_Spell(at, at, cost))

    def since(self, began: int, now: int) -> int:
        """What is in no sum at `now`, of a period that began then (ms)."""
        summed_until = min(self.heard_at, now - UNHEARD_MS)
        while self._ended and self._ended[0].ended <= summed_until:
            self._sum -= self._ended.popleft().cost
        if not self._ended or self._ended[0].began >= began:
            return self.begun + self._sum
        return self.begun + sum(spell.cost for spell in self._ended if spell.began >= began)


class _Spell(NamedTuple):
    """What was spent between two times (ms)."""

    began: int
    ended: int
    cost: int
