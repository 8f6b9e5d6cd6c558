"""Account Service is asked when contacts are missing; requests wait for it in order, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.ask_account import AccountTerms
from schemas.records import CancelAsked, ContactsAnswered, ContactsAsked, FallbackGranted, FallbackPlanned
from tests.fakes import MemoryOutside
from tests.requests import (
    ALARM,
    DAY,
    PHONES,
    REGISTERED,
    REQUEST,
    SECOND,
    T0,
    USER,
    Desk,
    decision,
    ending,
    reference,
    tasks,
    timer,
)

CACHE_MS = 900 * SECOND
LATER = replace(REQUEST, request_id="r2", idempotency_key="k2", origin="t/0/8")
FOUND: dict[str, Any] = {
    "email": b"sealed:Anna@example.com",
    "phone": b"sealed:+79001234567",
    "language": "en",
}


@pytest.fixture
def desk() -> Desk:
    """A stage that has an Account Service to ask."""
    return Desk(outside=MemoryOutside(reference=reference(), account_terms=AccountTerms(CACHE_MS)))


def said(call: Any, verdict: str = "found", **contacts: Any) -> ContactsAnswered:
    assert isinstance(call, ContactsAsked)
    return ContactsAnswered(call=call, verdict=verdict, **contacts)


@pytest.mark.spec("NS-EVT-040 NS-EVT-OP-07")
async def test_of_an_unknown_user_account_service_is_asked_and_its_answer_is_used(desk: Desk) -> None:
    """NS-EVT-040. Mutation: nobody is asked."""
    (call,) = await desk.tell(REQUEST)
    assert ContactsAsked(request=REQUEST) == call
    answered = await desk.tell(said(call, **FOUND))
    assert [b"sealed:anna@example.com"] == [task.address for task in tasks(answered)]
    assert ("accepted", None) == ending(answered)[:2]
    assert {} == desk.asking.rows


async def test_what_events_told_is_not_asked(desk: Desk) -> None:
    await desk.tell(REGISTERED)
    desk.now = T0 + DAY // 2
    assert ["email"] == decision(await desk.tell(REQUEST)).channels


@pytest.mark.spec("NS-EVT-OP-07")
async def test_an_answer_is_believed_for_its_time_and_then_asked_again(desk: Desk) -> None:
    """NS-EVT-OP-07. Mutation: an answer is never asked again, or each time."""
    (call,) = await desk.tell(REQUEST)
    await desk.tell(said(call, **FOUND))
    desk.now = T0 + CACHE_MS - 1
    assert ["email"] == decision(await desk.tell(LATER)).channels
    desk.now = T0 + CACHE_MS
    (again,) = await desk.tell(replace(LATER, idempotency_key="k3", origin="t/0/9"))
    assert isinstance(again, ContactsAsked)


@pytest.mark.spec("NS-EVT-OP-07 NS-OPS-OP-05")
async def test_an_old_answer_is_used_while_the_service_is_away_and_the_row_says_so(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    await desk.tell(said(call, **FOUND))
    desk.now = T0 + CACHE_MS
    (again,) = await desk.tell(LATER)
    answered = await desk.tell(said(again, "away"))
    assert [b"sealed:anna@example.com"] == [task.address for task in tasks(answered)]
    assert ("accepted", "account_away") == ending(answered)[:2]


async def test_without_any_address_a_request_waits_for_the_service_until_it_expires(desk: Desk) -> None:
    """Mutation: it is skipped after one wait: an outage of a minute would lose it."""
    (call,) = await desk.tell(REQUEST)
    waiting = await desk.tell(said(call, "away"))
    assert ("waiting", None, "account") == ending(waiting)[:3]
    due = timer(waiting)
    for _ in range(3):
        desk.now = due.due_at
        (call,) = await desk.tell(due)
        due = timer(await desk.tell(said(call, "away")))
    desk.now = T0 + DAY
    assert ("expired", "too_late") == ending(await desk.tell(due))[:2]


async def test_when_it_is_back_the_waiting_request_goes_on(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    due = timer(await desk.tell(said(call, "away")))
    desk.now = due.due_at
    (again,) = await desk.tell(due)
    assert ("accepted", None) == ending(await desk.tell(said(again, **FOUND)))[:2]


async def test_a_user_it_does_not_know_is_waited_for_as_before_and_then_skipped(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    due = timer(await desk.tell(said(call, "unknown")))
    assert "contact" == due.waited_for
    desk.now = due.due_at
    assert ("skipped", "no_contact") == ending(await desk.tell(due))[:2]


async def test_an_event_that_comes_after_the_answer_counts_though_it_is_older(desk: Desk) -> None:
    """A registration is told by an event that may be behind. Mutation: only times are compared."""
    (call,) = await desk.tell(REQUEST)
    due = timer(await desk.tell(said(call, "unknown")))
    await desk.tell(replace(REGISTERED, changed_at=T0 - SECOND))
    desk.now = due.due_at
    assert ["email"] == decision(await desk.tell(due)).channels


@pytest.mark.parametrize("verdict", ["hidden", "lapsed"])
async def test_a_question_that_a_crash_hid_is_put_again(desk: Desk, verdict: str) -> None:
    (call,) = await desk.tell(REQUEST)
    assert [call] == await desk.tell(said(call, verdict))
    assert ("accepted", None) == ending(await desk.tell(said(call, **FOUND)))[:2]
    assert {} == desk.asking.rows


async def test_who_comes_while_others_ask_lines_up_behind_them(desk: Desk) -> None:
    """Mutation: no table `asking`: a later request would overtake an earlier one of its lane."""
    (first,) = await desk.tell(REQUEST)
    (second,) = await desk.tell(LATER)
    await desk.tell(said(first, **FOUND))
    (third,) = await desk.tell(replace(LATER, idempotency_key="k3", origin="t/0/9"))
    assert isinstance(third, ContactsAsked)
    other_lane = replace(LATER, lane="low", idempotency_key="k4", origin="t/0/10")
    assert ["email"] == decision(await desk.tell(other_lane)).channels
    await desk.tell(said(second, **FOUND), said(third, **FOUND))
    assert {} == desk.asking.rows


async def test_a_cancel_that_comes_meanwhile_holds(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    cancel = CancelAsked(
        request_id=REQUEST.request_id, source="shop", user_id=USER, asked_at=T0, received_at=T0
    )
    await desk.tell(cancel)
    answered = await desk.tell(said(call, **FOUND))
    assert ("cancelled", []) == (decision(answered).outcome, tasks(answered))


async def test_a_request_that_expired_meanwhile_is_not_sent(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    desk.now = T0 + DAY
    assert ("expired", "too_late") == ending(await desk.tell(said(call, **FOUND)))[:2]


async def test_for_its_language_alone_a_push_asks_unless_the_request_names_one(desk: Desk) -> None:
    """NS-SND-OP-04."""
    await desk.tell(PHONES, replace(REGISTERED, language=None))
    push = replace(REQUEST, notification_type=ALARM.code, data=b"{}")
    assert ["push"] == decision(await desk.tell(replace(push, language="ru"))).channels
    (call,) = await desk.tell(replace(push, idempotency_key="k2", origin="t/0/9"))
    assert ["push"] == decision(await desk.tell(said(call, language="en"))).channels


@pytest.mark.spec("NS-EVT-OP-07")
async def test_a_deleted_user_is_not_asked_about_and_no_answer_brings_him_back(desk: Desk) -> None:
    (call,) = await desk.tell(REQUEST)
    await desk.tell(replace(REGISTERED, action="deleted", changed_at=T0))
    assert ("skipped", "no_contact") == ending(await desk.tell(said(call, **FOUND)))[:2]
    assert ("skipped", "no_contact") == ending(await desk.tell(LATER))[:2]
    known = desk.known()
    assert known is not None
    assert known.email is None


async def test_the_address_of_a_channel_that_may_follow_is_asked_for_in_time(desk: Desk) -> None:
    """Mutation: only when no chosen channel has an address: nobody asks when the push was not seen."""
    await desk.tell(PHONES)
    push = replace(REQUEST, notification_type=ALARM.code, data=b"{}", language="ru")
    (call,) = await desk.tell(push)
    (plan, *_) = await desk.tell(said(call, **FOUND))
    assert isinstance(plan, FallbackPlanned)
    assert ["sms"] == [task.channel for task in tasks(await desk.tell(FallbackGranted(plan=plan)))]


async def test_the_longer_it_is_away_the_more_seldom_a_request_looks(desk: Desk) -> None:
    """Mutation: each 30 s: an outage of an hour would end with more looks than requests."""
    (call,) = await desk.tell(REQUEST)
    pauses = []
    for waited in (0, 60, 1_200, 40_000):
        desk.now = T0 + waited * SECOND
        due = timer(await desk.tell(said(call, "away")))
        pauses.append((due.due_at - desk.now) // SECOND)
        (call,) = await desk.tell(due)
    assert [30, 30, 300, 600] == pauses


async def test_a_user_who_came_back_is_asked_about(desk: Desk) -> None:
    await desk.tell(REGISTERED, replace(REGISTERED, action="deleted", changed_at=T0 - SECOND))
    await desk.tell(replace(REGISTERED, changed_at=T0, email=None, language="ru"))
    (call,) = await desk.tell(REQUEST)
    assert isinstance(call, ContactsAsked)
