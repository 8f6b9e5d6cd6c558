"""Forms in both of their codings, and what stands behind a path."""

from __future__ import annotations

import pytest

from connectors.providers.receipts.forms import MOST_FIELDS, form_in, query_in
from schemas.errors import DecodeError
from tests.vendor_posts import by_sms_ru

PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


def test_a_form_in_parts_is_as_one_that_is_urlencoded() -> None:
    assert [("a", "1"), ("a", "1")] == form_in(PART + PART + b"--b--\r\n") == form_in(b"a=1&a=1")


def test_a_value_has_its_lines_and_may_be_empty() -> None:
    found = form_in(by_sms_ru("sms_status\n1\n103\n5", "").body)
    assert [("data[0]", "sms_status\n1\n103\n5"), ("data[1]", "")] == found[:2]


def test_a_file_has_no_name_of_a_field() -> None:
    with pytest.raises(DecodeError):
        form_in(PART.replace(b" name=", b" filename=") + b"--b--\r\n")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"a=1&" * (MOST_FIELDS + 1),
        b"--",
        b"--\r\n",
        b"--b",
        PART,
        PART[:-1],
        PART + b"--b",
        PART * (MOST_FIELDS + 1) + b"--b--\r\n",
        PART.replace(b"1", b"\xff") + b"--b--\r\n",
        b"--" + b"b" * 71 + b"\r\n" + PART,
    ],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        form_in(body)


def test_behind_a_path_the_last_of_two_counts_and_too_many_are_none() -> None:
    assert {"a": "2", "b": ""} == query_in("a=1&b=&a=2")
    assert {} == query_in("a=1&" * (MOST_FIELDS + 1))
