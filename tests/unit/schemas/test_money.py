"""Amounts of money are exact, whatever is read, written and added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import micros_of, place_of, price_of, text_of
from schemas.records import Provider

TEXTS = Provider(name="a", channel_type="sms", kind="smsc", cost=9.0, cost_per_message="3.5")


@given(st.integers(0, 10**15 - 1))
def test_an_amount_that_was_written_is_read_as_it_was(micros: int) -> None:
    assert micros == micros_of(text_of(micros))


@pytest.mark.parametrize(
    ("text", "micros"), [("0", 0), ("3", 3_000_000), ("3.50", 3_500_000), ("0.000001", 1), ("10", 10_000_000)]
)
def test_an_amount_is_millionths(text: str, micros: int) -> None:
    assert micros == micros_of(text)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1,5", ".5", "1.", "1.0000001", "1234567890", "٣", "3\n"])
def test_another_text_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        micros_of(text)


@pytest.mark.spec("NS-OPS-OP-12")
@pytest.mark.parametrize(
    ("channel", "said", "segments", "expected"),
    [
        ("sms", "3.5", 3, 10_500_000),
        ("sms", "3.5", None, None),
        ("sms", None, 3, None),
        ("email", "0.01", None, 10_000),
        ("push", "0", 3, 0),
    ],
)
def test_a_text_message_costs_by_the_segment_and_what_nobody_said_is_not_known(
    channel: str, said: str | None, segments: int | None, expected: int | None
) -> None:
    provider = Provider(name="a", channel_type=channel, kind="a", cost_per_message=said)
    assert expected == price_of(provider, segments)


@pytest.mark.spec("NS-OPS-115")
def test_the_price_of_a_message_says_a_providers_place_before_the_cost_of_its_order() -> None:
    assert (3.5, 9.0) == (place_of(TEXTS), place_of(Provider(name="b", channel_type="sms", kind="a", cost=9)))
