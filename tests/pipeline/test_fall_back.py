"""SEEN-OP-01 on the real stages and routes: what nobody saw goes out by SMS once, whatever crashes."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from schemas.records import Device, RequestReceived
from tests.pipeline.fallback_line import STAGES, Line
from tests.requests import ALARM, REGISTERED, REQUEST, SECOND, T0

AFTER = (ALARM.fallback_after_s or 0) * SECOND
PEOPLE = 12


def who(number: int) -> str:
    return f"user-{number}"


def asked(number: int) -> RequestReceived:
    return replace(
        REQUEST,
        user_id=who(number),
        request_id=f"request-{number}",
        idempotency_key=f"alarm-{number}",
        notification_type=ALARM.code,
        origin=f"notification.send.request/0/{number}",
    )


async def pushed() -> Line:
    """Everybody has a push that was sent."""
    line = Line()
    for number in range(PEOPLE):
        devices = [Device(token=b"sealed:%d" % number, platform="ios")]
        line.tell(replace(REGISTERED, user_id=who(number), devices=devices), asked(number))
    await line.run()
    assert PEOPLE == len(line.tasks("push"))
    for task in line.tasks("push"):
        line.sent(task)
    await line.run()
    return line


async def test_seen_in_time_nothing_follows_and_no_timer_is_left() -> None:
    line = await pushed()
    assert PEOPLE == line.timers()
    for task in line.tasks("push"):
        line.post(task)
    await line.run()
    assert 0 == line.timers()
    line.now += 2 * AFTER
    await line.run()
    assert ([], 0) == (line.tasks("sms"), line.questions())


@pytest.mark.spec("SEEN-OP-01")
async def test_unseen_each_gets_one_sms_in_the_lane_of_its_request() -> None:
    line = await pushed()
    line.now = T0 + AFTER
    await line.run()
    assert sorted(map(who, range(PEOPLE))) == sorted(task.user_id for task in line.tasks("sms"))
    assert {REQUEST.lane} == {task.lane for task in line.tasks("sms")}
    line.now += 2 * AFTER
    await line.run()
    assert PEOPLE == len(line.tasks("sms"))


@pytest.mark.spec("SEEN-OP-01 NS-CH-OP-01")
async def test_what_a_provider_reported_while_nobody_read_keeps_the_sms_away() -> None:
    """The timer is due before any of it is read; of the last one nothing is reported."""
    line = await pushed()
    *reported, unseen = line.tasks("push")
    for task in reported:
        line.report(task)
    line.now = T0 + AFTER
    await line.run("status", "seen", "recipient")
    assert (PEOPLE, []) == (line.questions(), line.tasks("sms"))
    await line.run()
    assert [unseen.user_id] == [task.user_id for task in line.tasks("sms")]


@pytest.mark.parametrize("seed", range(5))
async def test_crashes_at_any_turn_lose_and_repeat_nothing(seed: int) -> None:
    """Of most a client or the provider posts before the time is over, while nobody reads; turns crash."""
    line, chance = await pushed(), random.Random(seed)  # noqa: S311
    posts = {1: line.post, 2: line.report}
    saw = {task.user_id for task in line.tasks("push") if int(task.user_id[5:]) % 3}
    for task in line.tasks("push"):
        posts.get(int(task.user_id[5:]) % 3, lambda _: None)(task)
    line.now = T0 + AFTER
    for _ in range(150):
        await line.turn(chance.choice(STAGES), crash=chance.random() < 0.4)
    await line.run()
    found = sorted(task.user_id for task in line.tasks("sms"))
    assert sorted({who(number) for number in range(PEOPLE)} - saw) == found
    assert 0 == line.timers()
