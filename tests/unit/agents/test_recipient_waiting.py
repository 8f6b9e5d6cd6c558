"""The recipient stage: requests that wait for their time, or for an address."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.times import rfc3339
from tests.requests import (
    DAY,
    PHONES,
    REGISTERED,
    REQUEST,
    SECOND,
    T0,
    Desk,
    chosen,
    decision,
    ending,
    tasks,
    timer,
)


@pytest.mark.spec("NS-SND-003")
async def test_a_scheduled_request_waits_and_is_then_no_repeat_of_itself(desk: Desk) -> None:
    request = replace(REQUEST, scheduled_at=T0 + DAY * 30)
    due = timer(await desk.tell(REGISTERED, request))
    assert (request, T0 + DAY * 30, "scheduled") == (due.request, due.due_at, due.waited_for)
    desk.now = due.due_at
    answered = await desk.tell(due)
    assert ["email"] == decision(answered).channels
    assert due.due_at + DAY == tasks(answered)[0].expires_at


async def test_what_waits_says_until_when_and_for_what(desk: Desk) -> None:
    waiting = await desk.tell(replace(REQUEST, scheduled_at=T0 + DAY))
    assert ("waiting", None, "request.scheduled_at", rfc3339(T0 + DAY)) == ending(waiting)
    desk.now = T0 + DAY
    unreached = await desk.tell(timer(waiting))
    assert ("waiting", None, "contacts", rfc3339(T0 + DAY + 30 * SECOND)) == ending(unreached)
    rows = {(one.request_id, one.received_at, one.origin) for one in map(decision, (waiting, unreached))}
    assert 1 == len(rows)


async def test_a_repeat_of_a_waiting_request_is_one_until_a_window_after_its_release(desk: Desk) -> None:
    await desk.tell(REGISTERED, replace(REQUEST, scheduled_at=T0 + DAY * 30))
    for at in (T0, T0 + DAY * 30, T0 + DAY * 31):
        desk.now = at
        again = replace(REQUEST, request_id="r2", occurred_at=at)
        assert "repeated" == decision(await desk.tell(again)).outcome


@pytest.mark.spec("NS-SND-OP-01")
async def test_preferences_are_those_of_the_release(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, replace(REQUEST, scheduled_at=T0 + DAY)))
    await desk.tell(chosen(kind="unsubscribed", channel="email"), chosen(kind="unsubscribed", channel="push"))
    desk.now = due.due_at
    assert "no_channel_left" == decision(await desk.tell(due)).reason


@pytest.mark.spec("NS-SND-042 NS-SND-061")
async def test_a_user_without_contacts_waits_once(desk: Desk) -> None:
    due = timer(await desk.tell(REQUEST))
    assert (T0 + 30 * SECOND, "contact") == (due.due_at, due.waited_for)
    desk.now = due.due_at
    assert ("skipped", "no_contact", "contacts", "email,push") == ending(await desk.tell(due))


@pytest.mark.spec("NS-EVT-OP-07")
async def test_a_registration_that_comes_later_is_in_time(desk: Desk) -> None:
    due = timer(await desk.tell(REQUEST))
    await desk.tell(REGISTERED)
    desk.now = due.due_at
    assert ["email"] == decision(await desk.tell(due)).channels


async def test_a_scheduled_request_too_may_wait_for_a_contact(desk: Desk) -> None:
    due = timer(await desk.tell(replace(REQUEST, scheduled_at=T0 + DAY)))
    desk.now = due.due_at
    again = timer(await desk.tell(due))
    assert ("contact", desk.now + 30 * SECOND) == (again.waited_for, again.due_at)


async def test_what_waits_beyond_its_time_to_live_expires(desk: Desk) -> None:
    request = replace(REQUEST, notification_type="password_reset", occurred_at=T0 - 590 * SECOND)
    due = timer(await desk.tell(request))
    desk.now = due.due_at
    assert ("expired", "too_late", "type.ttl_s", "600") == ending(await desk.tell(REGISTERED, due))


async def test_a_type_that_is_gone_at_the_release_is_unknown(desk: Desk) -> None:
    due = timer(await desk.tell(replace(REQUEST, scheduled_at=T0 + DAY)))
    desk.outside.reference.types.clear()
    assert "unknown_type" == decision(await desk.tell(due)).reason


async def test_a_deleted_user_is_not_waited_for(desk: Desk) -> None:
    await desk.tell(REGISTERED, PHONES, replace(REGISTERED, action="deleted", changed_at=T0, email=None))
    assert ("skipped", "no_contact", "contacts.deleted_at", str(T0)) == ending(await desk.tell(REQUEST))
