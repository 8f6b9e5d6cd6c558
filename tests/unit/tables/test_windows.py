"""Windows of statistics."""

from __future__ import annotations

import pytest

from schemas.records import LabelPartial, StatsPartial
from schemas.times import period_start
from tables.progress import LATE_MS
from tables.windows import PERIODS, Count, Dimensions, LabelDimensions, Windows, dated
from tests.messages import T0

MAIL = Dimensions("email", "order_confirmation", "transactional", provider_name="first")
HOUR = 3_600_000


@pytest.mark.spec("NS-EVT-OP-05")
def test_a_count_appears_once_in_each_period() -> None:
    windows = Windows(StatsPartial)
    windows.add([Count("sent", T0, MAIL)])
    expected = [
        StatsPartial(
            period=period,
            starts_at=period_start(T0, PERIODS[period]),
            channel_type="email",
            notification_type="order_confirmation",
            category="transactional",
            provider_name="first",
            counts={"sent": 1},
        )
        for period in ("day", "hour", "minute")
    ]
    assert expected == windows.partials()


def test_minutes_of_one_hour_are_rolled_up() -> None:
    windows = Windows(StatsPartial)
    windows.add([Count("sent", T0, MAIL), Count("sent", T0 + 60_000, MAIL), Count("sent", T0 + HOUR, MAIL)])
    found = [(p.period, p.counts["sent"]) for p in windows.partials()]
    assert [("day", 3), ("hour", 2), ("hour", 1), ("minute", 1), ("minute", 1), ("minute", 1)] == found


def test_what_is_taken_back_in_the_same_window_leaves_no_trace() -> None:
    windows = Windows(StatsPartial)
    windows.add([Count("failed", T0, MAIL), Count("failed", T0, MAIL, -1)])
    assert [] == windows.partials()


def test_other_dimensions_are_another_window() -> None:
    windows = Windows(StatsPartial)
    windows.add([Count("sent", T0, MAIL), Count("skipped", T0, Dimensions())])
    assert {"email", None} == {partial.channel_type for partial in windows.partials()}


def test_users_of_labels_are_folded_in_the_same_way() -> None:
    windows = Windows(LabelPartial)
    sale = LabelDimensions("spring:sale", "spring", "sale")
    windows.add([Count("labelled", T0, sale, 3), Count("labelled", T0, sale, 2), Count("seen", T0, sale)])
    assert [("day", 5, 1), ("hour", 5, 1), ("minute", 5, 1)] == [
        (one.period, one.counts["labelled"], one.counts["seen"]) for one in windows.partials()
    ]
    named = {(one.audience_label, one.campaign_label, one.communication_id) for one in windows.partials()}
    assert {tuple(sale)} == named


def test_what_others_date_is_never_of_the_future_and_late_when_its_hour_is_final() -> None:
    assert [
        Count("seen", T0 - LATE_MS, MAIL),
        Count("late", T0, MAIL),
        Count("seen", T0, MAIL),
    ] == [dated("seen", at, T0, MAIL) for at in (T0 - LATE_MS, T0 - LATE_MS - 1, T0 + 1)]
