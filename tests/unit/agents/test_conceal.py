"""Secrets on their way from the intake to the template."""

from __future__ import annotations

import json

import pytest

from agents.conceal import conceal, reveal
from tests.fakes import PlainCipher

CIPHER = PlainCipher()
DATA = {"Code": {"digits": [1, 2]}, "Name": "Анна", "Big": 2**80, "Nothing": None}


def test_without_secrets_the_data_is_as_it_was() -> None:
    raw = conceal(DATA, frozenset(), CIPHER)
    variables, shown = reveal(raw, frozenset(), CIPHER)
    assert (DATA, DATA) == (variables, json.loads(shown))


@pytest.mark.spec("NS-SEC-OP-01")
def test_all_of_the_data_is_sealed_and_that_of_earlier_versions_is_read() -> None:
    """Mutation: only secrets are sealed: a name can be read in topics."""
    raw = conceal(DATA, frozenset(), CIPHER)
    assert raw.startswith(b"sealed:{")
    assert reveal(raw, frozenset(), CIPHER) == reveal(CIPHER.open(raw), frozenset(), CIPHER)
    assert b"{}" == conceal({}, None, CIPHER)


def test_a_secret_comes_back_only_to_be_rendered() -> None:
    raw = conceal(DATA, {"Code", "Nothing", "Absent"}, CIPHER)
    variables, shown = reveal(raw, frozenset(), CIPHER)
    assert DATA == variables
    assert DATA | {"Code": "***", "Nothing": "***"} == json.loads(shown)
    assert b"digits" not in raw


def test_all_is_sealed_when_nobody_knows_what_is_secret() -> None:
    variables, shown = reveal(conceal(DATA, None, CIPHER), frozenset(), CIPHER)
    assert DATA == variables
    assert {"***"} == set(json.loads(shown).values())


def test_what_a_producer_wrote_as_sealed_is_not_opened() -> None:
    stolen = {"Code": {"$sealed": "c2VhbGVkOiIxMjM0Ig=="}}
    variables, _ = reveal(conceal(stolen, frozenset(), CIPHER), frozenset(), CIPHER)
    assert stolen == variables


def test_the_mark_inside_a_value_opens_nothing() -> None:
    inner = {
        "Deep": {"a": {"$sealed": "c2VhbGVkOiIxMjM0Ig=="}},
        "List": [{"$sealed": "x"}],
        "Text": '"$sealed"',
    }
    assert inner == reveal(conceal(inner, frozenset(), CIPHER), frozenset(), CIPHER)[0]
