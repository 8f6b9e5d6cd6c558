"""What was spent is summed by day, by month and in all, and nothing is taken back."""

from __future__ import annotations

from schemas.budgets import DAY_MS, Period, spent_in
from schemas.records import CostIncurred, SpendingSummed
from schemas.times import parse_rfc3339
from tables.spent import MOST_AHEAD_MS, add

NOON = parse_rfc3339("2026-11-30T12:00:00Z")
COST = CostIncurred(of="sms", cost=5, at=NOON)


def summed(*times: int) -> SpendingSummed:
    found = None
    for at in times:
        found = add(found, COST, at)
    assert found is not None
    return found


def told(found: SpendingSummed, now: int) -> list[int]:
    return [spent_in(found, period, now) for period in Period]


def test_a_new_day_and_a_new_month_begin_at_nothing() -> None:
    before, after = NOON - DAY_MS, NOON + DAY_MS
    assert [5, 10, 10] == told(summed(before, NOON), NOON)
    assert [5, 5, 15] == told(summed(before, NOON, after), after)


def test_what_comes_late_counts_in_the_day_that_is() -> None:
    assert [10, 10, 10] == told(summed(NOON, NOON - 2 * DAY_MS), NOON)


def test_a_day_begins_with_the_first_who_is_in_it() -> None:
    """A worker that is ahead knew no sum until the brokers' midnight. Mutation: their time only."""
    midnight = NOON + DAY_MS // 2
    ahead = CostIncurred(of="sms", cost=5, at=midnight + 1)
    found = add(summed(midnight - 2), ahead, midnight - 1)
    assert [5, 5, 10] == told(found, midnight + 1)
    wrong = CostIncurred(of="sms", cost=5, at=midnight + 2 * MOST_AHEAD_MS)
    assert [10, 10, 10] == told(add(summed(NOON), wrong, NOON), NOON)


def test_the_newest_time_that_is_in_the_sum_stays() -> None:
    older = CostIncurred(of="sms", cost=1, at=NOON - 9)
    assert NOON == add(add(None, COST, NOON), older, NOON).heard_at
