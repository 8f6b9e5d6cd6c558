"""Windows of statistics."""

from __future__ import annotations

from schemas.records import StatsPartial
from tables.windows import Count, Dimensions, Windows, start_of, utc_text
from tests.messages import T0

MAIL = Dimensions("email", "order_confirmation", "transactional", "first")
HOUR = 3_600_000


def test_windows_start_on_the_minute_hour_and_day_in_utc() -> None:
    starts = [utc_text(start_of(period, T0)) for period in ("minute", "hour", "day")]
    assert ["2025-05-21T12:34:00Z", "2025-05-21T12:00:00Z", "2025-05-21T00:00:00Z"] == starts


def test_time_is_written_with_z_and_with_milliseconds_where_asked() -> None:
    assert "2025-05-21T12:34:56Z" == utc_text(T0 + 7)
    assert "2025-05-21T12:34:56.007Z" == utc_text(T0 + 7, "milliseconds")


def test_a_count_appears_once_in_each_period() -> None:
    windows = Windows()
    windows.add([Count("sent", T0, MAIL)])
    expected = [
        StatsPartial(
            period=period,
            starts_at=start_of(period, T0),
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
    windows = Windows()
    windows.add([Count("sent", T0, MAIL), Count("sent", T0 + 60_000, MAIL), Count("sent", T0 + HOUR, MAIL)])
    found = [(p.period, p.counts["sent"]) for p in windows.partials()]
    assert [("day", 3), ("hour", 2), ("hour", 1), ("minute", 1), ("minute", 1), ("minute", 1)] == found


def test_what_is_taken_back_in_the_same_window_leaves_no_trace() -> None:
    windows = Windows()
    windows.add([Count("failed", T0, MAIL), Count("failed", T0, MAIL, -1)])
    assert [] == windows.partials()


def test_other_dimensions_are_another_window() -> None:
    windows = Windows()
    windows.add([Count("sent", T0, MAIL), Count("skipped", T0, Dimensions())])
    assert {"email", None} == {partial.channel_type for partial in windows.partials()}
