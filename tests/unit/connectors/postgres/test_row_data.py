"""Data of messages become clear in the row; a key that is missing keeps the row waiting."""

from __future__ import annotations

import pytest

from connectors.cipher import Cipher, CipherError
from connectors.postgres.rows import NOTHING, clear
from schemas.records import MessageRow
from tests.sample_rows import decided, message

CIPHER = Cipher({"k1": bytes(64)}, current="k1")
SEALED = message(payload=CIPHER.seal(b'{"Name":"Ann"}'))
NEXT = Cipher({"k2": bytes(64)}, current="k2")
WITHDRAWN = Cipher({"k2": bytes(64)}, current="k2", withdrawn=["k1"])


@pytest.mark.parametrize(("cipher", "expected"), [(CIPHER, b'{"Name":"Ann"}'), (WITHDRAWN, NOTHING)])
def test_data_are_opened_or_end_with_their_key(cipher: Cipher, expected: bytes) -> None:
    row = clear(SEALED, cipher)
    assert isinstance(row, MessageRow)
    assert expected == row.payload


def test_what_a_missing_key_sealed_is_not_given_up() -> None:
    """Mutation: every unknown key is an end: rows lose their data for good."""
    with pytest.raises(CipherError, match="'k1'"):
        clear(SEALED, NEXT)


def test_data_in_clear_and_other_rows_are_as_they_are() -> None:
    for row in (message(payload=b'{"a":1}'), decided()):
        assert row == clear(row, NEXT)
    assert SEALED == clear(SEALED, None)


@pytest.mark.parametrize("payload", [b"\xff", b"", SEALED.payload[:-1] + b"x"])
def test_bytes_that_nobody_sealed_are_left_for_the_database_to_refuse(payload: bytes) -> None:
    """Mutation: every error is raised. One such row then holds back all behind it for ever."""
    row = message(payload=payload)
    assert row == clear(row, CIPHER)
