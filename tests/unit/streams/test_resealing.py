"""After a rotation contacts are sealed by the newest key, and nothing else of them changes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.remember import remember
from connectors.addresses import AddressBook
from connectors.cipher import Cipher
from streams.resealing import count, sealed_anew, stated
from tables.contacts import Address, Contacts

K1, K2 = bytes(64), bytes(range(64))
OLD = Cipher({"k1": K1}, current="k1")
BOTH = Cipher({"k2": K2, "k1": K1}, current="k2")
NEW = Cipher({"k2": K2}, current="k2")
KNOWN = Contacts(
    email=Address(sealed=OLD.seal(b"anna@example.com"), is_valid=True),
    phone=Address(sealed=OLD.seal(b"no phone"), is_valid=False),
    email_at=5,
    phone_at=7,
    language="ru",
    language_at=9,
)


def after(known: Contacts, before: Contacts) -> Contacts:
    """What the stage makes of the facts of `before` when it knows `known`."""
    facts, _ = sealed_anew("u", before, BOTH)
    for fact in facts:
        known = remember(known, fact, BOTH, AddressBook())
    return known


@pytest.mark.spec("NS-SEC-OP-01")
def test_every_address_is_of_the_newest_key_and_says_the_same() -> None:
    found = after(KNOWN, KNOWN)
    assert found.email is not None
    assert found.phone is not None
    assert (b"anna@example.com", b"no phone") == (NEW.open(found.email.sealed), NEW.open(found.phone.sealed))
    alike = replace(found, email=KNOWN.email, phone=KNOWN.phone)
    assert (True, False, KNOWN) == (found.email.is_valid, found.phone.is_valid, alike)
    assert ([], 0) == sealed_anew("u", found, BOTH)


def test_what_changed_meanwhile_and_who_was_deleted_stays_so() -> None:
    newer = replace(KNOWN, email=Address(sealed=NEW.seal(b"new@example.com"), is_valid=True), email_at=6)
    gone = KNOWN.delete(8)
    assert newer.email == after(newer, KNOWN).email
    assert gone == after(gone, KNOWN)


def test_what_no_key_opens_is_counted_and_left() -> None:
    assert ([], 2) == sealed_anew("u", KNOWN, NEW)


def test_addresses_are_counted_by_key() -> None:
    counts: dict[str, int] = {}
    for one in (KNOWN, replace(KNOWN, phone=None), replace(KNOWN, email=None, phone=None)):
        count((address.sealed for _, address in stated(one)), BOTH, counts)
    assert {"k1": 3} == counts


def test_what_account_service_said_is_left_to_its_next_answer() -> None:
    """Mutation: it is sealed anew, and stands as the word of an event over any later answer."""
    told = Contacts().asked({"email": KNOWN.email}, 8)
    assert ([], 0) == sealed_anew("u", told, BOTH)
    assert ["phone"] == [name for name, _ in stated(replace(KNOWN, asked_at=KNOWN.email_at))]
