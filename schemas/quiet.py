"""Quiet hours: from a time of the day to another where the user is, whatever his clocks do (NS-OPS-OP-13).

Pure functions of values; zones come from the database of IANA. A local time that clocks skip or show twice is
read so that the night is the longer one: nobody is woken by a change of clocks.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from schemas.records import QuietHours

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER = QuietHours(start=0, end=0)
DAYTIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_SPAN = re.compile(f"{DAYTIME[:-1]}-{DAYTIME[1:]}")


def quiet_until(hours: QuietHours, now: int) -> int | None:
    """The end (ms) of the quiet hours that `now` (ms) lies in; None outside, or without a known zone."""
    place = zone(hours.timezone)
    if place is None or hours.start == hours.end:
        return None
    day = datetime.fromtimestamp(now / 1000, place).toordinal()
    nights = (_night(hours, each) for each in (day - 1, day, day + 1))
    return max((end for begin, end in nights if begin <= now < end), default=None)


@lru_cache(256)
def hours_of(text: str) -> QuietHours | None:
    """Read `22:00-09:00`; None for anything else."""
    if not _SPAN.fullmatch(text):
        return None
    start, _, end = text.partition("-")
    return QuietHours(start=minutes(start), end=minutes(end))


def minutes(daytime: str) -> int:
    """Minute of the day of `08:30`."""
    return int(daytime[:2]) * 60 + int(daytime[3:])


def daytime(minute: int) -> str:
    """The other way round."""
    return f"{minute // 60:02}:{minute % 60:02}"


@lru_cache(1024)
def zone(name: str | None) -> ZoneInfo | None:
    """The zone of this name, None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, no name at all, the name of a folder
        return None


@lru_cache(4096)
def _night(hours: QuietHours, day: int) -> tuple[int, int]:
    """The night that begins on this day, ms."""
    begin = min(_instants(hours, day, hours.start))
    return begin, max(_instants(hours, day + (hours.end <= hours.start), hours.end))


def _instants(hours: QuietHours, day: int, minute: int) -> Iterator[int]:
    """Both readings of a local time, ms; they differ only where clocks change."""
    local = datetime.combine(date.fromordinal(day), time(*divmod(minute, 60)), zone(hours.timezone))
    return (int(local.replace(fold=fold).timestamp()) * 1000 for fold in (0, 1))
