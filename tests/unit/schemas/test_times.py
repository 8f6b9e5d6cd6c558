"""RFC 3339 ⇄ milliseconds."""

from __future__ import annotations

import pytest

from schemas.times import parse_rfc3339, period_start, rfc3339

T0 = 1_747_830_896_000


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-05-21T12:34:56Z", T0),
        ("2025-05-21T12:34:56.5Z", T0 + 500),
        ("2025-05-21T12:34:56.123456789Z", T0 + 123),
        ("2025-05-21t15:34:56+03:00", T0),
        ("2025-05-21 12:34:56z", T0),
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29T23:59:59.999-12:00", 1_709_294_399_999),
    ],
)
def test_a_time_with_an_offset_is_read(text: str, at: int) -> None:
    assert at == parse_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2025-05-21",
        "2025-05-21T12:34:56",
        "2025-05-21T12:34Z",
        "2025-02-30T12:34:56Z",
        "2025-05-21T25:00:00Z",
        "2025-05-21T12:34:56+25:00",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "٢٠٢٥-05-21T12:34:56Z",
        "1747830896000",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("at", "text"),
    [(T0, "2025-05-21T12:34:56Z"), (T0 + 7, "2025-05-21T12:34:56.007Z"), (0, "1970-01-01T00:00:00Z")],
)
def test_a_time_is_written_in_utc_with_milliseconds_only_where_there_are_any(at: int, text: str) -> None:
    assert text == rfc3339(at)


@pytest.mark.spec("NS-EVT-033")
def test_a_window_starts_at_its_hour() -> None:
    assert "2025-05-21T12:00:00Z" == rfc3339(period_start(T0 + 7, 3_600_000))
