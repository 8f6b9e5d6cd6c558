"""Budgets: of whom, over which time, and what of it is spent (NS-OPS-OP-12, NS-OPS-116), in millionths.

A *scope* is what has a budget: a channel (`sms`), the account of one of its providers (`sms/main`), all
messages of one campaign (`campaign/spring`). Days and months are of UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.money import micros_of
from schemas.rates import account_of
from schemas.times import period_start
from schemas.words import Channel, Verdict

if TYPE_CHECKING:
    from schemas.records import ProviderCall, SendTask, SpendingBudget, SpendingSummed

SCOPE = re.compile(rf"({'|'.join(Channel)})(/.{{1,100}})?|campaign/.{{1,128}}")
"""The form of a scope."""
BILLED = frozenset({Verdict.ACCEPTED, Verdict.DELIVERED, Verdict.HIDDEN})
"""Verdicts of a call that must be paid for, or may have to: nobody knows of an answer that is hidden."""
DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Period(StrEnum):
    """Over which time a budget holds: its field in the budget's entry."""

    DAY = "per_day"
    MONTH = "per_month"
    ALL = "in_all"


def scopes_of(task: SendTask, provider: str) -> tuple[str, ...]:
    """Whose money a call spends."""
    named = (task.channel, account_of(task.channel, provider))
    return (*named, f"campaign/{task.campaign_label}") if task.campaign_label else named


def scopes_paid(call: ProviderCall) -> tuple[str, ...]:
    """Those of a call that costs something; a question costs nothing."""
    return () if call.ask or not call.cost else scopes_of(call.task, call.provider)


def limits(budget: SpendingBudget) -> dict[Period, int]:
    """What may be spent, by period; one that is not named has no limit."""
    said = {period: getattr(budget, period) for period in Period}
    return {period: micros_of(text) for period, text in said.items() if text is not None}


def begins_at(period: Period, at: int) -> int:
    """When (ms) the period that holds `at` began."""
    if period is Period.ALL:
        return 0
    day = period_start(at, DAY_MS)
    return day if period is Period.DAY else _month(day)


def spent_in(summed: SpendingSummed | None, period: Period, now: int) -> int:
    """What is summed of the period that holds `now` (ms). One that is ahead of our clock counts as ours."""
    if summed is None:
        return 0
    kept = {
        Period.DAY: (summed.day_at, summed.of_day),
        Period.MONTH: (summed.month_at, summed.of_month),
        Period.ALL: (0, summed.in_all),
    }
    began, amount = kept[period]
    return amount if began >= begins_at(period, now) else 0


@lru_cache(maxsize=64)
def _month(day: int) -> int:
    first = (_EPOCH + timedelta(milliseconds=day)).replace(day=1)
    return (first - _EPOCH) // timedelta(milliseconds=1)
