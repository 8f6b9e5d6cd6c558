"""What a withdrawn key sealed: each has its end with a reason, and no stage stands still."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import FallbackGranted, FallbackPlanned, RequestDue
from tests.requests import ALARM, DAY, REGISTERED, REQUEST, T0, Desk, decision, ending, messages, tasks

OLD = b"of a withdrawn key"
END = ("unopened", "crypto.keys", "not sealed by this cipher")


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


async def test_an_address_is_no_valid_one(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, email=OLD, phone=None))
    (message,) = messages(await desk.tell(REQUEST))
    assert ("failed", "invalid_contact", OLD) == (message.status, message.reason, message.recipient)
