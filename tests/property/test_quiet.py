"""Quiet hours on any day of any zone: they end, in one piece, and clocks that change wake nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.quiet import daytime, hours_of, minutes, quiet_until, zone
from schemas.records import QuietHours

MINUTE = 60_000
HOUR = 60 * MINUTE
ZONES = [
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # changed at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",
    "Pacific/Apia",  # left out a day
    "Africa/Casablanca",
]
TIMES = st.integers(int(datetime(2010, 1, 1, tzinfo=UTC).timestamp()) // 60, 2_208_988_800 // 60)
LONGEST = 22 * 60


@st.composite
def hours(draw: st.DrawFn) -> QuietHours:
    start, length = draw(st.integers(0, 1439)), draw(st.integers(1, LONGEST))
    return QuietHours(start=start, end=(start + length) % 1440, timezone=draw(st.sampled_from(ZONES)))


def instant(text: str, name: str) -> int:
    """`2026-03-29 02:30` in a zone, in its first reading, ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).timestamp() * 1000)


def is_night(hours: QuietHours, at: int) -> bool:
    """By the clock on the wall alone."""
    local = datetime.fromtimestamp(at / 1000, ZoneInfo(hours.timezone or ""))
    minute = local.hour * 60 + local.minute
    if hours.start < hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def changes_near(hours: QuietHours, at: int) -> bool:
    """Whether clocks change within two days."""
    place = ZoneInfo(hours.timezone or "")
    offsets = {
        datetime.fromtimestamp((at + step * HOUR) / 1000, place).utcoffset() for step in range(-48, 49, 1)
    }
    return len(offsets) > 1


@given(hours(), TIMES)
def test_they_end_and_are_one_piece(hours: QuietHours, minute: int) -> None:
    now = minute * MINUTE
    until = quiet_until(hours, now)
    if until is not None:
        assert now < until <= now + (LONGEST + 25 * 60) * MINUTE
        assert quiet_until(hours, until - 1) == until
        assert quiet_until(hours, (now + until) // 2) == until


@pytest.mark.spec("NS-OPS-OP-13")
@given(hours(), TIMES)
def test_nobody_is_disturbed_while_his_clock_shows_night(hours: QuietHours, minute: int) -> None:
    """Whatever clocks do."""
    now = minute * MINUTE
    if is_night(hours, now):
        assert quiet_until(hours, now) is not None


@given(hours(), TIMES)
def test_where_no_clock_changes_they_are_what_the_clock_shows(hours: QuietHours, minute: int) -> None:
    now = minute * MINUTE
    if not changes_near(hours, now):
        until = quiet_until(hours, now)
        assert is_night(hours, now) == (until is not None)
        assert until is None or not is_night(hours, until)


@pytest.mark.parametrize(
    ("span", "now", "until"),
    [
        ("22:00-08:00", "2026-01-10 23:30", "2026-01-11 08:00"),
        ("22:00-08:00", "2026-01-11 07:59", "2026-01-11 08:00"),
        ("22:00-08:00", "2026-01-11 08:00", None),
        ("13:00-15:00", "2026-01-10 14:00", "2026-01-10 15:00"),
        ("22:00-08:00", "2026-03-28 23:00", "2026-03-29 08:00"),  # a night of nine hours
        ("22:00-08:00", "2026-10-24 23:00", "2026-10-25 08:00"),  # of eleven
        ("22:00-02:30", "2026-03-28 23:00", "2026-03-29 03:30"),  # 02:30 is not shown
        ("22:00-02:30", "2026-10-24 23:00", "2026-10-25 02:30+01:00"),  # 02:30 is shown twice
        ("02:30-06:00", "2026-03-29 01:45", "2026-03-29 06:00"),
        ("02:30-06:00", "2026-10-25 02:40", "2026-10-25 06:00"),
    ],
)
def test_a_night_in_berlin(span: str, now: str, until: str | None) -> None:
    hours = hours_of(span)
    assert hours is not None
    here = QuietHours(start=hours.start, end=hours.end, timezone="Europe/Berlin")
    expected = None
    if until is not None:
        is_exact = "+" in until
        expected = (
            int(datetime.fromisoformat(until).timestamp() * 1000)
            if is_exact
            else instant(until, "Europe/Berlin")
        )
    assert expected == quiet_until(here, instant(now, "Europe/Berlin"))


def test_a_zone_that_nobody_knows_has_no_night() -> None:
    for name in (None, "", "Europe", "Mars/Base", "../etc/passwd", "a\0b", "/etc/localtime"):
        assert zone(name) is None
        assert quiet_until(QuietHours(start=0, end=1, timezone=name), 0) is None


def test_the_same_minute_twice_is_never() -> None:
    assert quiet_until(QuietHours(start=60, end=60, timezone="UTC"), 60 * MINUTE) is None


@given(st.integers(0, 1439))
def test_a_time_of_the_day_comes_back(minute: int) -> None:
    assert minute == minutes(daytime(minute))


@pytest.mark.parametrize("text", ["", "22-08", "24:00-08:00", "22:00-08:60", "22:00-08:00 ", "22:00_08:00"])
def test_other_texts_are_no_hours(text: str) -> None:
    assert hours_of(text) is None
