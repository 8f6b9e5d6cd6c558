"""Table `spent`: what was spent of one scope, all of it and of the newest day and month (NS-OPS-OP-12).

key     scope (utf-8): `sms`, `sms/main`, `campaign/spring`
value   `SpendingSummed`
writer  agents/add_up.py

Nothing is ever taken back. What comes late, after midnight, counts in the day that is: a budget is rather
reached too early than too late. Days begin for all with the first cost of a worker in whose time they have
begun: one that is ahead would else spend without bounds until the brokers' midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.budgets import DAY_MS, Period, begins_at
from schemas.records import SpendingSummed

if TYPE_CHECKING:
    from schemas.records import CostIncurred

KEPT_MS = 400 * DAY_MS
"""So long after its last cost a scope is remembered."""
MOST_AHEAD_MS = 3_600_000
"""A clock that is further ahead than this is wrong, and moves nobody's day."""


def add(known: SpendingSummed | None, incurred: CostIncurred, at: int) -> SpendingSummed:
    """With one more cost, which the broker took at `at` (ms)."""
    at = max(at, min(incurred.at, at + MOST_AHEAD_MS))
    before = known or SpendingSummed(of=incurred.of)
    day_at = max(before.day_at, begins_at(Period.DAY, at))
    month_at = max(before.month_at, begins_at(Period.MONTH, at))
    return replace(
        before,
        day_at=day_at,
        of_day=(before.of_day if day_at == before.day_at else 0) + incurred.cost,
        month_at=month_at,
        of_month=(before.of_month if month_at == before.month_at else 0) + incurred.cost,
        in_all=before.in_all + incurred.cost,
        heard_at=max(before.heard_at, incurred.at),
    )
