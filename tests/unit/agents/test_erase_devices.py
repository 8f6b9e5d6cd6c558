"""Devices of a user who is deleted, and tokens of a key that was withdrawn."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.records import ContactChanged, DeviceRow, DevicesDue, DevicesOff, TokenClaimed
from tables.contacts import Address, Contacts
from tests.requests import PHONES, REGISTERED, T0, USER, Desk
from tests.unit.agents.test_equip import of, played, pushed_to, registered, said


def gone(at: int) -> ContactChanged:
    return ContactChanged(user_id=USER, action="deleted", changed_at=at)


@pytest.mark.spec("NS-SEC-OP-02")
async def test_devices_go_with_their_rows_and_tokens(desk: Desk) -> None:
    await desk.tell(REGISTERED, PHONES)
    told = await desk.tell(gone(T0))
    rows = [one for one in told if isinstance(one, DeviceRow)]
    tokens = [one for one in told if isinstance(one, TokenClaimed)]
    assert ([True, True], [True, True]) == (
        [one.is_forgotten for one in rows],
        [one.is_released for one in tokens],
    )
    assert {} == desk.devices.rows


async def test_no_timer_names_a_user_whose_devices_are_gone(desk: Desk) -> None:
    """Mutation: it stays until the device would have been idle."""
    (due,) = of(DevicesDue, await desk.tell(registered()))
    told = await desk.tell(gone(T0))
    assert [DevicesOff(user_id=USER, due_at=due.due_at)] == of(DevicesOff, told)


async def test_an_earlier_timer_takes_the_place_of_the_one_before(desk: Desk) -> None:
    (due,) = of(DevicesDue, await desk.tell(registered()))
    told = await desk.tell(said("switched", T0 + 1, is_active=False))
    (sooner,) = of(DevicesDue, told)
    assert [DevicesOff(user_id=USER, due_at=due.due_at)] == of(DevicesOff, told)
    assert sooner.due_at < due.due_at


async def test_what_was_asked_before_a_deletion_reaches_no_device_of_the_life_after_it(desk: Desk) -> None:
    """Mutation: the devices of now are put beside the contacts of then."""
    await desk.tell(gone(T0), replace(REGISTERED, changed_at=T0 + 2))
    await played(desk, registered("two", at=T0 + 3))
    assert [[], [b"sealed:two"]] == [await pushed_to(desk, "old"), await pushed_to(desk, "new", T0 + 3)]


async def test_devices_of_an_earlier_version_are_taken_over_without_what_nobody_can_read(desk: Desk) -> None:
    old = [
        Address(sealed=b"withdrawn:k1", is_valid=True),
        Address(sealed=b"sealed:two", is_valid=True),
    ]
    desk.contacts.put(subject_key(USER), Contacts(devices=old, devices_at=T0 - 1))
    answered = await desk.tell(registered(at=T0))
    assert [b"sealed:two", b"sealed:one"] == [row.token for row in of(DeviceRow, answered)]
