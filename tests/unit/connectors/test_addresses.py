"""What counts as an address, and the one form each has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.addresses import AddressBook

BOOK = AddressBook()


@pytest.mark.parametrize(
    ("given_text", "normal"),
    [
        ("Anna.Petrova@Example.COM", "Anna.Petrova@example.com"),
        ("  anna@example.com ", "anna@example.com"),
        ("a+tag@sub.example.co.uk", "a+tag@sub.example.co.uk"),
        ("почта@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"),
        ("o'brien_1@x-y.example", "o'brien_1@x-y.example"),
        ("bounce@carillon.test", "bounce@carillon.test"),
    ],
)
def test_a_mail_address_keeps_its_local_part_and_lower_cases_its_domain(given_text: str, normal: str) -> None:
    assert normal == BOOK.normal("email", given_text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@example.com",
        "anna@",
        "anna@localhost",
        "anna@@example.com",
        "an na@example.com",
        "a..b@example.com",
        ".a@example.com",
        "anna@-x.com",
        "anna@x..com",
        "anna@127.0.0.1",
        "anna@example.com\nBcc: all@example.com",
        "anna\r\n@example.com",
        "<anna@example.com>",
        "a" * 65 + "@example.com",
        "a@" + ".".join(["b" * 60] * 5) + ".com",
        "anna@\ud800.com",
        "\ud800@example.com",
    ],
)
def test_what_is_no_mail_address_has_no_form(text: str) -> None:
    assert BOOK.normal("email", text) is None


@pytest.mark.spec("NS-CH-OP-08")
@pytest.mark.parametrize(
    ("given_text", "normal"),
    [
        ("+7 (900) 123-45-67", "+79001234567"),
        ("8 900 123 45 67", "+79001234567"),
        ("79001234567", "+79001234567"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+1-202-555-0143", "+12025550143"),
    ],
)
def test_a_phone_has_one_form(given_text: str, normal: str) -> None:
    assert normal == BOOK.normal("sms", given_text)


@pytest.mark.parametrize(
    "text", ["", "anna", "12", "+7", "+999123456789", "+7900123456789012", "8900", "+79001234567 ext. 5"]
)
def test_what_is_no_phone_has_no_form(text: str) -> None:
    assert BOOK.normal("sms", text) is None


def test_national_numbers_are_read_by_the_given_region() -> None:
    assert AddressBook("GB").normal("sms", "020 7946 0958") == "+442079460958"


def test_a_token_stays_as_it_is() -> None:
    assert BOOK.normal("push", "fcm:AbC_-9") == "fcm:AbC_-9"


@pytest.mark.parametrize("text", ["", " x", "a b", "x\n", "т", "x" * 4097])
def test_an_empty_overlong_or_broken_token_has_no_form(text: str) -> None:
    assert BOOK.normal("push", text) is None


def test_an_unknown_channel_has_no_addresses() -> None:
    assert BOOK.normal("pigeon", "anna@example.com") is None


@given(st.sampled_from(["email", "sms", "push"]), st.text(max_size=40))
def test_the_normal_form_of_a_normal_form_is_itself(channel: str, text: str) -> None:
    normal = BOOK.normal(channel, text)
    assert normal is None or normal == BOOK.normal(channel, normal)
