"""What was not seen in time goes out by the next channel, once (SEEN-OP-01)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import ContactChanged
from schemas.topics import TAPPED
from tests.fallbacks import ASKED, House
from tests.requests import ALARM, PHONES, REGISTERED, SECOND, T0, USER, chosen

AFTER = 600 * SECOND
SENT_AT = T0 + 5 * SECOND


def channels(house: House) -> list[str]:
    return [task.channel for task in house.sent]


async def sent_house(*facts: Any) -> House:
    """Both phones have a push."""
    house = House()
    await house.begin(*facts)
    assert ["push", "push"] == channels(house)
    house.desk.now = SENT_AT
    for task in house.sent:
        house.deliver(task, "sent")
    await house.settle()
    return house


@pytest.mark.spec("SEEN-OP-01")
async def test_a_push_that_nobody_sees_is_followed_by_one_sms() -> None:
    house = await sent_house()
    await house.pass_time(SENT_AT + AFTER - 1)
    assert ["push", "push"] == channels(house)
    await house.pass_time(SENT_AT + AFTER)
    assert ["push", "push", "sms"] == channels(house)
    await house.pass_time(SENT_AT + 10 * AFTER)
    assert ["push", "push", "sms"] == channels(house)
    assert ({}, {}) == (house.timers, house.status.waits.rows)  # type: ignore[attr-defined]


async def test_why_tells_of_the_request_and_of_the_message() -> None:
    house = await sent_house()
    await house.pass_time(SENT_AT + AFTER)
    first, row = house.rows
    assert ("accepted", "not_seen_in_time", "type.fallback_after_s", "600", ["push", "sms"]) == (
        row.outcome,
        row.reason,
        row.rule,
        row.value,
        row.channels,
    )
    assert (first.request_id, first.received_at, first.origin) == (
        row.request_id,
        row.received_at,
        row.origin,
    )
    assert first.decided_at < row.decided_at
    assert "not_seen_in_time" == house.queued[-1].reason
    assert [True, True, False] == [message.is_awaited for message in house.queued]


@pytest.mark.parametrize("tag", ["notification", TAPPED])
async def test_one_that_is_seen_in_time_is_followed_by_nothing_and_the_timer_is_gone(tag: str) -> None:
    house = await sent_house()
    house.post(house.sent[1].message_id, tag)
    await house.settle()
    assert ({}, {}) == (house.timers, house.status.waits.rows)  # type: ignore[attr-defined]
    await house.pass_time(SENT_AT + 10 * AFTER)
    assert ["push", "push"] == channels(house)


async def test_a_status_of_the_provider_counts_as_a_receipt() -> None:
    house = await sent_house()
    house.deliver(house.sent[0], "delivered")
    await house.settle()
    await house.pass_time(SENT_AT + AFTER)
    assert ["push", "push"] == channels(house)


async def test_another_users_word_is_none() -> None:
    house = await sent_house()
    house.post(house.sent[0].message_id, user_id="somebody else")
    house.post("a message that is none")
    await house.pass_time(SENT_AT + AFTER)
    assert ["push", "push", "sms"] == channels(house)


async def test_a_post_that_was_taken_before_the_time_was_over_counts_however_late_it_is_read() -> None:
    """The seen stage lags behind. Mutation tried: what is asked is granted at once: an SMS is sent."""
    house = await sent_house()
    house.post(house.sent[0].message_id)
    house.desk.now = SENT_AT + AFTER
    assert await house.fire()
    await house.settle()
    assert ["push", "push"] == channels(house)
    assert {} == house.status.waits.rows  # type: ignore[attr-defined]


async def test_time_runs_from_the_sending_and_from_the_request_while_nothing_is_sent() -> None:
    late = await sent_house()
    await late.pass_time(T0 + AFTER)
    never = House()
    await never.begin()
    await never.pass_time(T0 + AFTER)
    assert (["push", "push"], ["push", "push", "sms"]) == (channels(late), channels(never))


async def test_when_every_push_failed_nobody_waits() -> None:
    house = House()
    await house.begin()
    house.deliver(house.sent[0], "failed")
    await house.settle()
    await house.pass_time(SENT_AT)
    assert ["push", "push"] == channels(house)
    house.deliver(house.sent[1], "failed")
    await house.settle()
    await house.pass_time(SENT_AT)
    assert ["push", "push", "sms"] == channels(house)


async def test_a_repeat_of_the_request_plans_and_sends_nothing() -> None:
    house = await sent_house()
    house.requests.append(replace(ASKED, request_id="r2", origin="again"))
    await house.settle()
    assert 1 == len(house.timers)
    await house.pass_time(SENT_AT + AFTER)
    house.requests.append(replace(ASKED, request_id="r3", origin="and again"))
    await house.settle()
    assert ["push", "push", "sms"] == channels(house)


UNSUBSCRIBED = chosen(kind="unsubscribed", channel="sms")
OFF = chosen(kind="type", notification_type=ALARM.code, channels=["push", "sms"], is_enabled=False)
ONLY_PUSH = chosen(kind="type", notification_type=ALARM.code, channels=["push"])
ONLY_MAIL = chosen(kind="type", notification_type=ALARM.code, channels=["email"])
GONE = ContactChanged(user_id=USER, action="deleted", changed_at=T0)


@pytest.mark.parametrize(
    ("change", "reason", "rule"),
    [
        (OFF, "type_disabled", "fallback.preferences.is_enabled"),
        (ONLY_PUSH, "no_channel_left", "fallback.preferences.allowed_channels"),
        (GONE, "no_contact", "fallback.contacts"),
    ],
)
async def test_what_the_user_said_meanwhile_holds(change: Any, reason: str, rule: str) -> None:
    house = await sent_house()
    await house.desk.tell(change)
    await house.pass_time(SENT_AT + AFTER)
    row = house.rows[-1]
    assert ["push", "push"] == channels(house)
    assert ("accepted", reason, rule, ["push"]) == (row.outcome, row.reason, row.rule, row.channels)


@pytest.mark.parametrize("change", [UNSUBSCRIBED, ONLY_MAIL])
async def test_the_next_channel_is_the_next_that_is_allowed(change: Any) -> None:
    house = await sent_house()
    await house.desk.tell(change)
    await house.pass_time(SENT_AT + AFTER)
    assert ["push", "push", "email"] == channels(house)


async def test_an_unknown_phone_leaves_the_channel_after_it() -> None:
    house = House()
    await house.desk.tell(replace(REGISTERED, phone=b""), PHONES)
    house.requests.append(ASKED)
    await house.settle()
    await house.pass_time(T0 + AFTER)
    assert ["push", "push", "email"] == channels(house)


async def test_nothing_follows_after_the_time_to_live() -> None:
    """A worker that was away for long."""
    house = await sent_house()
    await house.pass_time(T0 + ALARM.ttl_s * SECOND)
    row = house.rows[-1]
    assert ["push", "push"] == channels(house)
    assert ("accepted", "too_late", "fallback.type.ttl_s") == (row.outcome, row.reason, row.rule)


async def test_a_type_that_is_gone_is_told() -> None:
    house = await sent_house()
    house.desk.outside.reference.types.clear()
    await house.pass_time(SENT_AT + AFTER)
    assert ("accepted", "unknown_type") == (house.rows[-1].outcome, house.rows[-1].reason)


async def test_a_reserve_channel_that_was_used_at_once_is_not_followed_by_another() -> None:
    house = House()
    await house.desk.tell(REGISTERED)
    house.requests.append(ASKED)
    await house.settle()
    assert (["sms"], {}) == (channels(house), house.timers)


async def test_a_type_without_the_time_waits_for_nobody() -> None:
    house = House()
    house.desk.outside.reference.types[:] = [replace(ALARM, fallback_after_s=None)]
    await house.begin()
    assert (["push", "push"], {}) == (channels(house), house.timers)
    assert [False, False] == [message.is_awaited for message in house.queued]


async def test_where_no_reserve_is_allowed_nobody_waits() -> None:
    house = House()
    await house.begin(ONLY_PUSH)
    assert {} == house.timers


async def test_the_requests_own_channels_hold_for_the_next_one_too() -> None:
    """`channels` restricts and never widens (NS-API-OP-16). Mutation tried: left out: fails, an SMS."""
    house = House()
    await house.begin(asked=replace(ASKED, channels=["push", "email"]))
    house.desk.now = SENT_AT
    for task in house.sent:
        house.deliver(task, "sent")
    await house.settle()
    await house.pass_time(SENT_AT + AFTER)
    assert ["push", "push", "email"] == channels(house)
