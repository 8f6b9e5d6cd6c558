"""Devices of users in the recipient stage: whom pushes go to, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from schemas.ids import device_named, subject_key
from schemas.records import DeviceChanged, DeviceRow, DevicesDue, TokenClaimed
from tables.contacts import Address, Contacts
from tables.devices import DAY_MS, Devices, owner_key
from tests.requests import ALARM, PHONES, REGISTERED, REQUEST, T0, USER, Desk, messages, tasks

if TYPE_CHECKING:
    from agents.answer import Answered

OTHER = "9f8fad5b-d9cb-469f-a165-70867728950e"
ONE = "one"
PUSH = replace(REQUEST, notification_type=ALARM.code, data=b"{}")


def registered(token: str = ONE, user_id: str = USER, at: int = T0, **changes: Any) -> DeviceChanged:
    hashed = f"hash of {token}"
    said = DeviceChanged(
        user_id=user_id,
        device_id=device_named(user_id, "ios", hashed),
        action="registered",
        changed_at=at,
        platform="ios",
        token=f"sealed:{token}".encode(),
        token_hash=hashed,
    )
    return replace(said, **changes)


def said(action: str, at: int, token: str = ONE, user_id: str = USER, **changes: Any) -> DeviceChanged:
    whole = registered(token, user_id, at, action=action, **changes)
    return replace(whole, platform=None, token=None, token_hash=None)


def of(kind: type[Any], answered: list[Answered]) -> list[Any]:
    return [one for one in answered if isinstance(one, kind)]


async def played(desk: Desk, *values: Any) -> list[Answered]:
    """As told, and all that follows of it, until nothing does."""
    found: list[Answered] = []
    waiting: list[Any] = list(values)
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, DeviceChanged | TokenClaimed):
            followed = await desk.tell(value)
            found += followed
            waiting += followed
    return found


async def pushed_to(desk: Desk, key: str = "k", at: int = T0) -> list[bytes]:
    request = replace(PUSH, request_id=key, idempotency_key=key, origin=f"t/0/{key}", occurred_at=at)
    return [one.address for one in tasks(await desk.tell(request)) if one.channel == "push"]


@pytest.mark.spec("NS-CH-062 NS-CH-063")
async def test_a_registered_device_gets_pushes_and_its_row_and_claims_its_token(desk: Desk) -> None:
    answered = await desk.tell(registered())
    (row,), (claimed,), (due,) = of(DeviceRow, answered), of(TokenClaimed, answered), of(DevicesDue, answered)
    assert (registered().device_id, "ios", b"sealed:one", True) == (
        row.device_id,
        row.platform,
        row.token,
        row.is_active,
    )
    assert ("hash of one", USER, T0) == (claimed.token_hash, claimed.user_id, claimed.at)
    assert T0 + 270 * DAY_MS == due.due_at
    assert [b"sealed:one"] == await pushed_to(desk)


@pytest.mark.spec("NS-DATA-OP-15")
async def test_a_push_names_its_device_where_others_see_the_address(desk: Desk) -> None:
    """NS-DATA-OP-15. Mutation: the recipient of the row is the token."""
    await desk.tell(registered())
    answered = await desk.tell(PUSH)
    (message,), (task,) = messages(answered), tasks(answered)
    assert f"sealed:{registered().device_id}".encode() == message.recipient
    assert (b"sealed:one", registered().device_id) == (task.address, task.device_id)


async def test_a_launch_of_the_app_is_a_row_and_nothing_more(desk: Desk) -> None:
    await desk.tell(registered())
    (row,) = await desk.tell(registered(at=T0 + 5))
    assert isinstance(row, DeviceRow)
    assert (T0, T0 + 5) == (row.created_at, row.used_at)


@pytest.mark.spec("NS-CH-066")
async def test_a_refused_token_gets_no_more_and_others_do(desk: Desk) -> None:
    """NS-CH-066. Mutation: all devices of the user are switched off."""
    await desk.tell(registered("one"), registered("two"))
    (row,) = of(DeviceRow, await desk.tell(said("refused", T0 + 1)))
    assert not row.is_active
    assert [b"sealed:two"] == await pushed_to(desk)


async def test_a_refusal_of_before_the_last_registration_switches_nothing_off(desk: Desk) -> None:
    await desk.tell(registered(at=T0 + 2))
    assert [] == await desk.tell(said("refused", T0 + 1))


@pytest.mark.spec("NS-DATA-OP-10")
async def test_whoever_registers_a_token_last_has_it(desk: Desk) -> None:
    """NS-DATA-OP-10. Mutation: no claim."""
    await played(desk, registered(at=T0), registered(user_id=OTHER, at=T0 + 1))
    assert [] == await pushed_to(desk)
    owner = desk.owners.get(owner_key("hash of one"))
    assert owner is not None
    assert OTHER == owner.user_id


@pytest.mark.spec("NS-DATA-OP-10")
async def test_the_last_one_has_it_whichever_claim_came_first(desk: Desk) -> None:
    late, early = await desk.tell(registered(at=T0 + 1)), await desk.tell(registered(user_id=OTHER, at=T0))
    (lost,) = await desk.tell(*of(TokenClaimed, late), *of(TokenClaimed, early))
    assert isinstance(lost, DeviceChanged)
    assert (OTHER, "moved", T0 + 1) == (lost.user_id, lost.action, lost.changed_at)
    assert [b"sealed:one"] == await pushed_to(desk)


async def test_who_registered_again_meanwhile_claims_it_back(desk: Desk) -> None:
    """Mutation: no claim of a device that is on already. Both would then get the pushes of that screen."""
    first = of(TokenClaimed, await desk.tell(registered(at=T0)))
    second = of(TokenClaimed, await desk.tell(registered(user_id=OTHER, at=T0 + 1)))
    moved = await desk.tell(*first, *second)
    await desk.tell(registered(at=T0 + 2))
    await played(desk, *moved)
    assert [b"sealed:one"] == await pushed_to(desk)
    devices = desk.devices.get(subject_key(OTHER))
    assert devices is not None
    assert [False] == [one.is_active for one in devices.known]


async def test_who_lost_a_token_does_not_get_it_back_by_switching_it_on(desk: Desk) -> None:
    """Mutation: to switch on counts as a use. Only the device itself knows that it has the token."""
    await played(desk, registered(at=T0), registered(user_id=OTHER, at=T0 + 1))
    await played(desk, said("switched", T0 + 2))
    assert [] == await pushed_to(desk)


async def test_who_switches_off_and_on_gets_pushes_again(desk: Desk) -> None:
    await played(desk, registered(), said("switched", T0 + 1, is_active=False))
    assert [] == await pushed_to(desk, "off")
    await played(desk, said("switched", T0 + 2))
    assert [b"sealed:one"] == await pushed_to(desk, "on")


async def test_a_deletion_takes_devices_rows_and_claims_along(desk: Desk) -> None:
    await played(desk, registered())
    answered = await desk.tell(replace(REGISTERED, action="deleted", changed_at=T0 + 1))
    (row,), (released,) = of(DeviceRow, answered), of(TokenClaimed, answered)
    assert (True, True) == (row.is_forgotten, released.is_released)
    await desk.tell(released)
    assert ({}, {}) == (desk.devices.rows, desk.owners.rows)


async def test_a_deleted_user_gets_no_device_until_he_registers_again(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, action="deleted", changed_at=T0))
    assert [] == await desk.tell(registered(at=T0 + 1), replace(PHONES, changed_at=T0 + 1))
    await desk.tell(replace(REGISTERED, changed_at=T0 + 2))
    assert [] != await desk.tell(registered(at=T0 + 3))


@pytest.mark.spec("NS-CH-068 NS-CH-OP-12")
async def test_silence_ends_a_device_by_its_timer(desk: Desk) -> None:
    (due,) = of(DevicesDue, await desk.tell(registered()))
    desk.now = due.due_at
    off = await desk.tell(due)
    (row,), (forget,) = of(DeviceRow, off), of(DevicesDue, off)
    assert (False, False) == (row.is_active, row.is_forgotten)
    desk.now = forget.due_at
    gone = await desk.tell(forget)
    assert [True] == [one.is_forgotten for one in of(DeviceRow, gone)]
    assert [] == of(DevicesDue, gone)
    assert [] == await desk.tell(due, forget)


@pytest.mark.spec("NS-CH-OP-11")
async def test_a_list_of_account_service_registers_with_platform_and_normal_form(desk: Desk) -> None:
    """NS-CH-OP-11."""
    answered = await desk.tell(PHONES)
    assert [("ios", b"sealed:one"), ("web", b"sealed:two")] == [
        (row.platform, row.token) for row in of(DeviceRow, answered)
    ]
    assert [b"sealed:one", b"sealed:two"] == await pushed_to(desk)


async def test_devices_of_an_earlier_version_get_pushes_and_are_taken_over_with_the_first_change(
    desk: Desk,
) -> None:
    old = Contacts(devices=[Address(sealed=b"sealed:old", is_valid=True, platform="web")], devices_at=T0)
    desk.contacts.put(subject_key(USER), old)
    assert [b"sealed:old"] == await pushed_to(desk, "before")
    answered = await desk.tell(registered())
    assert 2 == len(of(DeviceRow, answered))
    assert [b"sealed:old", b"sealed:one"] == await pushed_to(desk, "after")
    known = desk.known()
    assert known is not None
    assert [] == known.devices


async def test_what_says_nothing_new_is_not_written(desk: Desk) -> None:
    await desk.tell(registered())
    rows = dict(desk.devices.rows)
    assert [] == await desk.tell(registered(), said("refused", T0 - 1))
    assert rows == desk.devices.rows
    assert isinstance(desk.devices.get(subject_key(USER)), Devices)


async def test_no_device_of_before_a_deletion_comes_back_with_the_user(desk: Desk) -> None:
    """Registrations come by another topic than deletions. Mutation: only `is_deleted` is looked at."""
    gone = replace(REGISTERED, action="deleted", changed_at=T0)
    await desk.tell(gone, replace(REGISTERED, changed_at=T0 + 2))
    assert [] == await desk.tell(registered(at=T0 - 1), replace(PHONES, changed_at=T0 - 1))
    assert [] != await desk.tell(registered(at=T0 + 1))


async def test_a_deletion_that_is_told_after_the_return_takes_older_devices_along(desk: Desk) -> None:
    """Mutation: nothing is done where the user is no longer deleted."""
    await played(desk, registered("one", at=T0), registered("two", at=T0 + 3))
    await desk.tell(replace(REGISTERED, changed_at=T0 + 2))
    answered = await desk.tell(replace(REGISTERED, action="deleted", changed_at=T0 + 1))
    assert [b"sealed:one"] == [row.token for row in of(DeviceRow, answered) if row.is_forgotten]
    assert [b"sealed:two"] == await pushed_to(desk, at=T0 + 3)
