"""A fact about a user's contacts, checked once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.remember import remember
from schemas.records import ContactChanged
from tables.contacts import Address, Contacts
from tests.fakes import PlainAddresses, PlainCipher
from tests.requests import DAY, PHONES, REGISTERED, T0


def told(before: Contacts | None, change: ContactChanged) -> Contacts:
    return remember(before, change, PlainCipher(), PlainAddresses())


def test_addresses_are_kept_in_their_normal_form() -> None:
    known = told(None, REGISTERED)
    assert Address(sealed=b"sealed:anna@example.com", is_valid=True) == known.email
    assert Address(sealed=b"sealed:+79001234567", is_valid=True) == known.phone
    assert ("ru", T0 - DAY, T0 - DAY) == (known.language, known.registered_at, known.email_at)


def test_what_is_no_address_is_kept_as_given() -> None:
    known = told(None, replace(REGISTERED, email=b"sealed:Anna", phone=b"sealed:8"))
    assert Address(sealed=b"sealed:Anna", is_valid=False) == known.email
    assert Address(sealed=b"sealed:8", is_valid=False) == known.phone


@pytest.mark.spec("NS-CH-062")
def test_devices_keep_their_platform() -> None:
    devices = [
        Address(sealed=b"sealed:one", is_valid=True, platform="ios"),
        Address(sealed=b"sealed:two", is_valid=True, platform="web"),
    ]
    assert devices == told(None, PHONES).devices


def test_what_a_fact_does_not_state_stays() -> None:
    known = told(told(None, REGISTERED), PHONES)
    assert told(None, REGISTERED).email == known.email
    assert 2 == len(known.devices)


def test_an_empty_value_removes() -> None:
    gone = ContactChanged(
        user_id="u", action="updated", changed_at=T0, email=b"", phone=b"", devices=[], language=""
    )
    known = told(told(told(None, REGISTERED), PHONES), gone)
    assert (None, None, [], None) == (known.email, known.phone, known.devices, known.language)


def test_a_deletion_is_remembered() -> None:
    gone = ContactChanged(user_id="u", action="deleted", changed_at=T0)
    assert told(told(None, REGISTERED), gone).is_deleted
    assert told(None, gone).is_deleted


def test_an_action_outside_the_list_is_a_defect() -> None:
    with pytest.raises(ValueError, match="moved"):
        told(None, replace(REGISTERED, action="moved"))
