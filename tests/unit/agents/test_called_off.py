"""Of a withdrawn campaign nothing is made any more, whatever its request waited for (CRM-OP-03)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.ports import Rules
from schemas.records import ContactsAnswered, ContactsAsked, FallbackGranted, FallbackPlanned
from tables.caps import Limits
from tests.fakes import MemoryOutside
from tests.requests import DAY, REGISTERED, REQUEST, T0, Desk, decision, ending, reference, tasks, timer

OF_SPRING = replace(REQUEST, campaign_label="spring")
ENDED = ("cancelled", "campaign_withdrawn", "campaigns.withdrawn", "spring")


def withdraw(desk: Desk) -> None:
    desk.outside.reference.withdrawn.add("spring")


@pytest.mark.spec("CRM-OP-03")
async def test_a_request_that_comes_later_ends_at_once_and_its_repeat_is_one(desk: Desk) -> None:
    withdraw(desk)
    assert ENDED == ending(await desk.tell(REGISTERED, OF_SPRING))
    assert "repeated" == decision(await desk.tell(replace(OF_SPRING, request_id="r2"))).outcome
    other = replace(REQUEST, request_id="r3", idempotency_key="k3", campaign_label="summer")
    assert "accepted" == decision(await desk.tell(other)).outcome


async def test_it_takes_no_place_of_the_user_s_caps() -> None:
    """Mutation tried: left to delivery, as it was: the next one is capped."""
    limited = Rules(limits=Limits(per_day=1))
    desk = Desk(MemoryOutside(reference(), rules=limited))
    withdraw(desk)
    await desk.tell(REGISTERED, OF_SPRING)
    assert tasks(await desk.tell(replace(REQUEST, request_id="r2", idempotency_key="k2")))


@pytest.mark.spec("CRM-OP-03")
async def test_a_request_that_waited_ends_at_its_time(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, replace(OF_SPRING, scheduled_at=T0 + DAY)))
    withdraw(desk)
    desk.now = due.due_at
    assert ENDED == ending(await desk.tell(due))
    assert {} == desk.pending.rows


async def test_one_whose_user_is_being_asked_about_ends_with_the_answer(desk: Desk) -> None:
    withdraw(desk)
    call = ContactsAsked(request=OF_SPRING)
    answer = ContactsAnswered(call=call, verdict="found", email=b"sealed:anna@example.com")
    assert ENDED == ending(await desk.tell(answer))


async def test_no_further_channel_follows_though_nobody_saw_the_first(desk: Desk) -> None:
    """What went out stays accepted. Mutation tried: left to delivery: a task of the next channel is made."""
    withdraw(desk)
    plan = FallbackPlanned(
        request=OF_SPRING,
        message_ids=["m"],
        channels=["push"],
        after_ms=1_000,
        planned_at=T0,
        expires_at=T0 + DAY,
    )
    answered = await desk.tell(REGISTERED, FallbackGranted(plan=plan))
    assert [] == tasks(answered)
    assert ("accepted", "campaign_withdrawn", "fallback.campaigns.withdrawn", "spring") == ending(answered)
