"""The rates stage: share out the rate of each provider account among the workers whose calls wait for it.

consumes  rates.demands (RateDemanded), timers (RateDue)
keeps     budgets: credit of each account, and what its workers asked for and were granted
emits     RateGranted (rates.grants), RateDue (timer) while calls wait

Rules: NS-CH-OP-03, NS-DATA-OP-19, NS-SND-064.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.rates import owner_of, rate_among
from schemas.records import RateDemanded, RateDue, RateGranted
from tables.rates import Budget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Reference, Stream, Table
    from schemas.rates import Rate

KEPT_MS = 3_600_000
"""How long an account is remembered for which nobody asks; a longer pause is kept to its end."""


async def lease(
    stream: Stream, budgets: Table[bytes, Budget], reference: Reference
) -> AsyncIterator[RateGranted | RateDue]:
    """One batch of one task. What is granted is decided once, when all reports of the batch are heard."""
    asked: dict[str, tuple[Budget, Rate]] = {}
    async for event in stream:
        value: RateDemanded | RateDue = event.value
        channel, provider = owner_of(value.account)
        rate = rate_among(reference.providers(channel), provider)
        if rate is None:  # its calls pass by themselves
            continue
        known = asked.get(value.account)
        budget = known[0] if known else budgets.get(value.account.encode()) or Budget()
        if isinstance(value, RateDemanded):
            budget = budget.heard(value, rate, stream.now)
        asked[value.account] = (budget, rate)
    for account, (budget, rate) in asked.items():
        after, totals, due_at = budget.shared(rate, stream.now)
        kept_until = max(stream.now + KEPT_MS, after.paused_until)
        budgets.put(account.encode(), after, expires_at=kept_until)
        for worker, granted in totals.items():
            yield RateGranted(account=account, worker=worker, granted=granted)
        if due_at is not None:
            yield RateDue(account=account, due_at=due_at)
