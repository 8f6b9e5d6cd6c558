"""What a withdrawn key sealed: each has its end with a reason, and no stage stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from schemas.ids import subject_key
from schemas.records import (
    ContactsAnswered,
    ContactsAsked,
    Device,
    FallbackGranted,
    FallbackPlanned,
    RequestDue,
)
from tests.requests import (
    ALARM,
    DAY,
    PHONES,
    REGISTERED,
    REQUEST,
    T0,
    USER,
    Desk,
    decision,
    ending,
    messages,
    tasks,
)

if TYPE_CHECKING:
    from agents.recipient import Input

OLD = b"withdrawn:k1"
MISSING = b"of a key that this worker lacks"
END = ("unopened", "crypto.keys", "a withdrawn key")


@pytest.mark.spec("NS-SEC-OP-01")
async def test_a_request_is_rejected_and_may_be_asked_again_under_its_key(desk: Desk) -> None:
    """Mutation: the key is remembered first: the second is a repeat."""
    answered = await desk.tell(REGISTERED, replace(REQUEST, data=OLD))
    assert ("rejected", *END) == ending(answered)
    assert 1 == len(tasks(await desk.tell(REQUEST)))


async def test_a_request_that_waited_is_rejected(desk: Desk) -> None:
    due = RequestDue(request=replace(REQUEST, data=OLD), due_at=T0, waited_for="scheduled")
    assert ("rejected", *END) == ending(await desk.tell(REGISTERED, due))


async def test_a_reserve_channel_is_not_used(desk: Desk) -> None:
    request = replace(REQUEST, data=OLD, notification_type=ALARM.code)
    plan = FallbackPlanned(
        request=request, message_ids=["m"], channels=["push"], after_ms=1, planned_at=T0, expires_at=T0 + DAY
    )
    answered = await desk.tell(REGISTERED, FallbackGranted(plan=plan))
    assert ("accepted", "unopened") == (decision(answered).outcome, decision(answered).reason)
    assert [] == messages(answered)


@pytest.mark.parametrize("data", [b"{}", b'{"OrderNumber":"A-1"}', b'sealed:{"OrderNumber":"A-1"}'])
async def test_data_of_earlier_versions_are_read(desk: Desk, data: bytes) -> None:
    answered = await desk.tell(REGISTERED, replace(REQUEST, data=data))
    assert "unopened" != decision(answered).reason


async def test_an_address_is_passed_over_and_what_was_known_stays(desk: Desk) -> None:
    """Mutation: it is stated as an address that is not valid: the good one is gone."""
    await desk.tell(
        REGISTERED, replace(REGISTERED, action="updated", changed_at=T0, email=OLD, language="de")
    )
    known = desk.known()
    assert known is not None
    assert (b"sealed:anna@example.com", "de") == (known.email and known.email.sealed, known.language)


async def test_an_answer_of_account_service_says_nothing_of_what_nobody_can_read(desk: Desk) -> None:
    call = ContactsAsked(request=REQUEST)
    answered = ContactsAnswered(call=call, verdict="found", email=OLD, language="de")
    await desk.tell(REGISTERED, answered)
    known = desk.known()
    assert known is not None
    assert b"sealed:anna@example.com" == (known.email and known.email.sealed)


async def test_a_list_of_devices_that_cannot_be_read_whole_switches_none_off(desk: Desk) -> None:
    """Mutation: what cannot be read is left out of the list: devices of old go off."""
    await desk.tell(REGISTERED, PHONES)
    lists = replace(PHONES, changed_at=T0, devices=[Device(token=OLD, platform="ios")])
    assert [] == await desk.tell(lists)
    assert 2 == len(desk.devices.rows[subject_key(USER)][0].active(T0, desk.outside.device_terms))


MISSED: list[tuple[str, Input]] = [
    ("a request", replace(REQUEST, data=MISSING)),
    (
        "one that waited",
        RequestDue(request=replace(REQUEST, data=MISSING), due_at=T0, waited_for="scheduled"),
    ),
    ("an address", replace(REGISTERED, action="updated", changed_at=T0, email=MISSING)),
    ("a device", replace(PHONES, devices=[Device(token=MISSING, platform="ios")])),
    ("sealed anew", replace(REGISTERED, action="resealed", email=MISSING)),
]


@pytest.mark.parametrize("value", [value for _, value in MISSED], ids=[name for name, _ in MISSED])
async def test_a_key_that_only_this_worker_lacks_is_a_defect_and_nothing_is_lost(
    desk: Desk, value: Input
) -> None:
    """The engine buries the record and stops at a ceiling; it is taken again when the key is there.

    Mutation: every unknown key is a withdrawn one.
    """
    await desk.tell(REGISTERED, PHONES)
    before = desk.known()
    with pytest.raises(ValueError, match="not sealed by this cipher"):
        await desk.tell(value)
    assert before == desk.known()
