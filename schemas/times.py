"""Times as text (RFC 3339) and as milliseconds since the epoch. No clock: times come from outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_END = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MILLISECOND
_FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FRACTION = re.compile(r"\.(\d+)")


def rfc3339(at: int) -> str:
    """`2025-05-21T12:34:56Z`, with `.789` only where there are milliseconds. `at` in ms, UTC.

    `OverflowError` outside the years 1 to 9999.
    """
    fraction = "milliseconds" if at % 1000 else "seconds"
    return f"{(_EPOCH + at * _MILLISECOND).isoformat(timespec=fraction)[:-6]}Z"


def parse_rfc3339(text: str) -> int:
    """Milliseconds since the epoch; a finer fraction is cut.

    `ValueError` for anything but RFC 3339 with an offset, and for times outside 1970 to 9999.
    """
    if not _FORM.fullmatch(text):
        raise ValueError("no RFC 3339 time with an offset")
    digits = _FRACTION.sub(lambda found: f".{found[1][:6]:0<6}", text.upper())
    at = (datetime.fromisoformat(digits) - _EPOCH) // _MILLISECOND
    if not 0 <= at < _END:
        raise ValueError("a time outside the years 1970 to 9999")
    return at


def period_start(at: int, length_ms: int) -> int:
    """Start of the window of this length that holds `at`, UTC."""
    return at - at % length_ms
