"""Scopes and periods of budgets."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.budgets import SCOPE, Period, begins_at, limits, scopes_of, scopes_paid, spent_in
from schemas.records import SpendingBudget, SpendingSummed
from schemas.times import parse_rfc3339, rfc3339
from tests.budgets import SMS, paid

DAY = parse_rfc3339("2024-02-29T00:00:00Z")
MONTH = parse_rfc3339("2024-02-01T00:00:00Z")
SUMMED = SpendingSummed(of="sms", day_at=DAY, of_day=3, month_at=MONTH, of_month=5, in_all=7)


@pytest.mark.parametrize(
    ("at", "day", "month"),
    [
        ("2024-02-29T23:59:59.999Z", "2024-02-29T00:00:00Z", "2024-02-01T00:00:00Z"),
        ("2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2024-12-31T12:00:00Z", "2024-12-31T00:00:00Z", "2024-12-01T00:00:00Z"),
    ],
)
def test_days_and_months_begin_in_utc(at: str, day: str, month: str) -> None:
    found = [rfc3339(begins_at(period, parse_rfc3339(at))) for period in (Period.DAY, Period.MONTH)]
    assert [day, month] == found


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (DAY + 1, [3, 5, 7]),
        (parse_rfc3339("2024-03-01T00:00:00Z"), [0, 0, 7]),
        (DAY - 1, [3, 5, 7]),
    ],
)
def test_a_sum_is_of_the_newest_day_and_month_and_of_all(now: int, expected: list[int]) -> None:
    """A worker whose clock is behind takes what is summed for its own day's."""
    assert expected == [spent_in(SUMMED, period, now) for period in Period]
    assert [0, 0, 0] == [spent_in(None, period, now) for period in Period]


def test_a_call_spends_money_of_its_channel_its_provider_and_its_campaign() -> None:
    assert ("sms", "sms/cheap") == scopes_of(SMS, "cheap")
    of_campaign = scopes_of(replace(SMS, campaign_label="spring/sale"), "cheap")
    assert ("sms", "sms/cheap", "campaign/spring/sale") == of_campaign


def test_what_costs_nothing_spends_nothing() -> None:
    calls = [paid(), replace(paid(), ask=True), paid(cost=0), replace(paid(), cost=None)]
    assert [2, 0, 0, 0] == [len(scopes_paid(call)) for call in calls]


def test_only_what_a_budget_names_is_limited() -> None:
    assert {Period.MONTH: 1_500_000} == limits(SpendingBudget(of="sms", per_month="1.5"))


@pytest.mark.parametrize("scope", ["sms", "email/a b", "campaign/spring/sale"])
def test_a_scope_is_a_channel_a_provider_or_a_campaign(scope: str) -> None:
    assert SCOPE.fullmatch(scope)
    assert not SCOPE.fullmatch(f"x{scope}")
    assert not SCOPE.fullmatch("sms/")
