"""After a rotation contacts and tokens are sealed by the newest key, and nothing else of them changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from agents.remember import remember
from connectors.addresses import AddressBook
from connectors.cipher import Cipher
from schemas.codec import SchemaBook
from schemas.ids import subject_key
from schemas.records import ContactChanged, DeviceRow
from streams.engine.layout import Layout, Phase
from streams.resealing import Walk, count, known_of, last_values, sealed_anew, steady, tokens_anew
from streams.scaling.plan import ScaleError
from tables.contacts import Address, Contacts
from tables.devices import Devices, KnownDevice
from tests.fakes import MemoryOutside
from tests.requests import Desk
from tests.unit.streams.scaling.test_homes import row

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
DEVICE = KnownDevice(
    device_id="d",
    platform="ios",
    token=OLD.seal(b"token"),
    token_hash="h",
    created_at=1,
    used_at=1,
    changed_at=1,
)


def after(known: Contacts, before: Contacts) -> Contacts:
    """What the stage makes of the facts of `before` when it knows `known`."""
    facts, _ = sealed_anew("u", before, BOTH)
    for fact in facts:
        assert isinstance(fact, ContactChanged)
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
        count((address.sealed for _, address in known_of(one)), BOTH, counts)
    assert {"k1": 3} == counts


def test_what_account_service_said_is_sealed_anew_and_stays_its_word() -> None:
    """Mutation: what is written is a fact as of an event: it stands over any later answer."""
    told = Contacts().asked({"email": KNOWN.email, "language": "ru"}, 8)
    found = after(told, told)
    assert (True, "k2") == (found.is_told("email"), BOTH.key_id_of(found.email.sealed) if found.email else "")
    again = Address(sealed=NEW.seal(b"new@example.com"), is_valid=True)
    assert again == found.asked({"email": again}, 9).email


def test_another_address_of_the_very_same_time_is_never_replaced() -> None:
    """Producers that stamp whole seconds. Mutation: it is an update: the older value is back."""
    newer = replace(KNOWN, email=Address(sealed=NEW.seal(b"new@example.com"), is_valid=True))
    assert newer.email == after(newer, KNOWN).email


async def test_a_task_without_the_user_makes_no_row() -> None:
    """Mutation: a row is put whatever is known: a scaled stage has one in two partitions, for good."""
    desk = Desk(MemoryOutside(cipher=BOTH, addresses=AddressBook()))
    facts, _ = sealed_anew("u", KNOWN, BOTH)
    assert [] == await desk.tell(*facts)
    assert {} == desk.contacts.rows
    desk.contacts.put(subject_key("u"), KNOWN)
    assert [] == await desk.tell(*facts)
    assert after(KNOWN, KNOWN) == desk.contacts.get(subject_key("u"))
    assert [] == [*Walk(BOTH, SchemaBook()).facts({b"\2user:u": row(after(KNOWN, KNOWN))})]


async def test_rows_are_counted_as_the_changelog_leaves_them() -> None:
    """Mutation: a tombstone is passed over, or other tables' rows are read."""

    async def records() -> AsyncIterator[tuple[bytes, bytes | None]]:
        yield b"\2user:gone", row(KNOWN)
        yield b"\2user:u", row(replace(KNOWN, phone=None))
        yield b"\2user:gone", None
        yield b"\1user:u" + bytes(16), b"of another table"
        yield b"\2user:u", row(KNOWN)
        yield b"\6user:u", row(Devices(known=[DEVICE]))

    walk = Walk(BOTH, SchemaBook())
    facts = [*walk.facts(await last_values(records()))]
    assert [("u", "resealed", 5), ("u", "resealed", 7), ("u", "resealed", 1)] == [
        (fact.user_id, fact.action, fact.changed_at) for fact in facts
    ]
    assert ({"k1": 2}, {"k1": 1}, 0) == (walk.by_key, walk.tokens_by_key, walk.unopened)


async def told(desk: Desk, devices: Devices) -> list[Any]:
    """What follows of the facts of these devices."""
    facts, _ = tokens_anew("u", devices, BOTH)
    return list(await desk.tell(*facts))


@pytest.mark.spec("NS-SEC-003 NS-SEC-OP-01")
async def test_a_push_token_is_of_the_newest_key_and_so_is_its_row() -> None:
    """Nothing is claimed, and no time is another. Mutation: it is a registration."""
    desk = Desk(MemoryOutside(cipher=BOTH, addresses=AddressBook()))
    key, before = subject_key("u"), Devices(known=[DEVICE], looks_at=2)
    desk.devices.put(key, before)
    for rows in (1, 0):
        followed = await told(desk, before)
        assert [DeviceRow] * rows == [type(one) for one in followed]
        assert [b"token"] * rows == [NEW.open(one.token) for one in followed]
    after = desk.devices.get(key)
    assert after is not None
    assert before == replace(after, known=[replace(one, token=DEVICE.token) for one in after.known])
    assert ([], 0) == tokens_anew("u", after, BOTH)


async def test_another_token_a_device_that_is_gone_and_a_withdrawn_key_stay_as_they_are() -> None:
    """Mutation: a row is put whatever is known; the token of the fact is taken, whatever it says."""
    desk = Desk(MemoryOutside(cipher=BOTH, addresses=AddressBook()))
    key, before = subject_key("u"), Devices(known=[DEVICE], looks_at=2)
    assert ([], {}) == (await told(desk, before), desk.devices.rows)
    newer = replace(before, known=[replace(DEVICE, token=NEW.seal(b"another"), used_at=2, changed_at=2)])
    desk.devices.put(key, newer)
    assert ([], newer) == (await told(desk, before), desk.devices.get(key))
    assert ([], 1) == tokens_anew("u", before, NEW)


def test_nothing_is_sealed_anew_while_the_stage_is_scaled() -> None:
    steady(None)
    steady(Layout(2, 4, Phase.DONE))
    with pytest.raises(ScaleError, match="from 2 to 4"):
        steady(Layout(2, 4, Phase.MOVE))
