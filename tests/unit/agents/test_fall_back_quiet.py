"""Quiet hours and the next channel: nobody gets two messages in the morning, nor one for what he has seen."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import QuietHours
from tests.fallbacks import ASKED, House
from tests.requests import ALARM, DAY, SECOND, T0, chosen

HOUR = 3600 * SECOND
AFTER = 600 * SECOND
END = T0 - T0 % DAY + 18 * HOUR
QUIET = QuietHours(start=12 * 60 + 40, end=18 * 60, timezone="UTC")
"""From five minutes after `T0`: the time to be seen in ends in them."""
CALM = replace(ASKED, lane="normal")
PUSHES = ["push", "push"]


async def house_of(**fields: Any) -> House:
    """Two messages on their way, of a type with these fields."""
    house = House()
    house.desk.outside.reference.types[:] = [replace(ALARM, **({"ttl_s": 86_400} | fields))]
    await house.begin(asked=CALM)
    return house


async def told(house: House, status: str, at: int) -> None:
    """The delivery stage says this of both."""
    house.desk.now = at
    for task in house.sent[:2]:
        house.deliver(task, status)
    await house.settle()


async def channels(house: House, at: int) -> list[str]:
    """All that was made for delivery until then."""
    await house.pass_time(at)
    return [task.channel for task in house.sent]


async def test_messages_that_wait_for_the_morning_do_not_come_together() -> None:
    """The first one waits in delivery. Mutations: ask in the night; ask when it is over."""
    house = await house_of(quiet_hours="12:40-18:00")
    assert PUSHES == await channels(house, T0 + AFTER)
    assert PUSHES == await channels(house, END + SECOND)
    await told(house, "sent", END + SECOND)
    assert PUSHES == await channels(house, END + AFTER)
    assert [*PUSHES, "sms"] == await channels(house, END + SECOND + AFTER)


async def test_while_the_first_one_does_not_go_the_next_has_its_time_from_the_morning_on() -> None:
    house = await house_of(quiet_hours="12:40-18:00")
    assert PUSHES == await channels(house, T0 + AFTER)
    assert PUSHES == await channels(house, END + AFTER - 1)
    assert [*PUSHES, "sms"] == await channels(house, END + AFTER)


@pytest.mark.parametrize("status", ["sent", "failed"])
async def test_what_was_sent_before_or_cannot_be_is_followed_at_the_end_of_the_night(status: str) -> None:
    house = await house_of(quiet_hours="12:40-18:00")
    await told(house, status, T0 + 10 * 60 * SECOND)
    assert PUSHES == await channels(house, END - 1)
    assert [*PUSHES, "sms"] == await channels(house, END)


async def test_who_sees_the_first_in_the_night_gets_no_second_one_in_the_morning() -> None:
    """Mutation: the next channel is made in the night, and waits in delivery."""
    house = await house_of(quiet_hours="12:40-18:00")
    await told(house, "sent", T0 + SECOND)
    await house.pass_time(END - HOUR)
    house.post(house.sent[0].message_id)
    await house.settle()
    assert PUSHES == await channels(house, END + DAY)
    assert {} == house.timers


@pytest.mark.parametrize("is_seen", [False, True])
async def test_quiet_hours_that_came_after_the_first_message_hold_the_next_one_too(is_seen: bool) -> None:
    house = await house_of()
    await told(house, "sent", T0 + SECOND)
    await house.desk.tell(chosen(kind="quiet_hours_changed", quiet=QUIET))
    assert PUSHES == await channels(house, T0 + HOUR)
    if is_seen:
        house.post(house.sent[0].message_id)
    assert PUSHES == await channels(house, END - 1)
    assert [*PUSHES, *([] if is_seen else ["sms"])] == await channels(house, END)


async def test_what_would_be_too_late_in_the_morning_is_told() -> None:
    known = await house_of(quiet_hours="12:40-18:00", ttl_s=3600)
    assert PUSHES == await channels(known, END + DAY)
    new = await house_of(ttl_s=3600)
    await told(new, "sent", T0 + SECOND)
    await new.desk.tell(chosen(kind="quiet_hours_changed", quiet=QUIET))
    assert PUSHES == await channels(new, T0 + HOUR - SECOND)
    assert [("accepted", "too_late"), ("accepted", "quiet_hours")] == [
        (house.rows[-1].outcome, house.rows[-1].reason) for house in (known, new)
    ]
    assert {} == known.timers == new.timers


async def test_no_night_holds_what_is_too_late_already() -> None:
    """Its time would end in the next night, and in the one after. Mutation: held for ever."""
    house = await house_of(quiet_hours="00:30-12:30", fallback_after_s=12 * 3600, ttl_s=13 * 3600)
    for half_day in range(1, 6):
        await house.pass_time(T0 + half_day * 12 * HOUR)
    assert {} == house.timers
    assert "too_late" == house.rows[-1].reason


async def test_what_is_urgent_wakes_people_by_the_next_channel_too() -> None:
    house = House()
    house.desk.outside.reference.types[:] = [replace(ALARM, quiet_hours="12:40-18:00")]
    await house.begin()
    assert [*PUSHES, "sms"] == await channels(house, T0 + AFTER)
