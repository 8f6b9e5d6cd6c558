"""Whatever comes in whatever rhythm: no minute, day or week has more than its limit, and rows stay small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Decoder, SchemaBook, encode
from tables.caps import DAY_MS, MINUTE_MS, WEEK_MS, Caps, Limits

STEPS = st.lists(st.integers(0, 5 * 3_600_000) | st.integers(0, 20_000), max_size=80)
LIMITS = st.builds(Limits, st.integers(0, 4), st.integers(0, 9), st.integers(0, 3), st.integers(0, 5))


def most_within(times: list[int], length_ms: int) -> int:
    """Of any window of this length."""
    return max((sum(at - length_ms < other <= at for other in times) for at in times), default=0)


@pytest.mark.spec("NS-SEC-030")
@given(STEPS, LIMITS)
def test_a_cap_is_never_exceeded(steps: list[int], limits: Limits) -> None:
    known, now, sent, marketing = Caps(), 0, list[int](), list[int]()
    for step in steps:
        now += step
        if known.over("push", limits, now) is None:
            known = known.with_sent(["push"], limits, now)
            sent.append(now)
        if known.over_marketing(limits, now) is None:
            known = known.with_marketing(limits, now)
            marketing.append(now)
        assert len(known.sent.get("push", [])) <= max(limits.per_minute, limits.per_day)
    for times, most, length_ms in (
        (sent, limits.per_minute, MINUTE_MS),
        (sent, limits.per_day, DAY_MS),
        (marketing, limits.marketing_per_day, DAY_MS),
        (marketing, limits.marketing_per_week, WEEK_MS),
    ):
        assert not most or most_within(times, length_ms) <= most
        if not any((limits.per_minute, limits.per_day)) and times is sent:
            assert len(times) == len(steps)


@given(STEPS)
def test_a_row_comes_back_from_its_bytes(steps: list[int]) -> None:
    known, now = Caps(), 0
    for step in steps:
        now += step
        known = known.with_sent(["email", "!sms"], Limits(3, 5, 1, 3), now).with_marketing(
            Limits(3, 5, 1, 3), now
        )
    assert known == Decoder(Caps, book=SchemaBook())(encode(known))
