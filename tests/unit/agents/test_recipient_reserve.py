"""The recipient stage: secrets, and reserve channels where no chosen one reaches."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from agents.render_channels import message_id
from schemas.records import Content, SendTask
from tests.requests import REGISTERED, REQUEST, Desk, decision, ending, messages, tasks, timer

SEALED_CODE = b'{"Code":{"$sealed":"c2VhbGVkOiIxMjM0Ig=="}}'  # base64 of `sealed:"1234"`
RESET_REQUEST = replace(REQUEST, notification_type="password_reset", data=SEALED_CODE)


def text(task: SendTask) -> str:
    return Content(**json.loads(task.content.removeprefix(b"sealed:"))).body


@pytest.mark.spec("NS-EVT-OP-09")
async def test_a_secret_is_rendered_and_never_shown(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, RESET_REQUEST)
    assert "Код 1234" == text(tasks(answered)[0])
    assert b'sealed:{"Code":"***"}' == messages(answered)[0].payload


async def test_a_variable_that_became_secret_on_the_way_is_masked(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, replace(RESET_REQUEST, data=b'{"Code":"1234"}'))
    assert b'sealed:{"Code":"***"}' == messages(answered)[0].payload
    assert "Код 1234" == text(tasks(answered)[0])


@pytest.mark.spec("NS-SND-042")
async def test_a_reserve_channel_takes_over_where_no_chosen_one_reaches(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, phone=None))
    answered = await desk.tell(RESET_REQUEST)
    assert ["email"] == [task.channel for task in tasks(answered)]
    assert message_id(RESET_REQUEST, "email", 0, 1) == tasks(answered)[0].message_id


@pytest.mark.spec("NS-SND-OP-14")
async def test_a_reserve_channel_takes_over_after_a_failure(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, phone=b"sealed:none"))
    answered = await desk.tell(RESET_REQUEST)
    told = [(one.channel, one.status) for one in messages(answered)]
    assert [("sms", "failed"), ("email", "pending")] == told
    assert ["sms", "email"] == decision(answered).channels


async def test_a_reserve_channel_is_left_alone_where_a_chosen_one_works(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, RESET_REQUEST)
    assert ["sms"] == [one.channel for one in messages(answered)]


async def test_nobody_waits_when_a_reserve_channel_fails_after_the_wait(desk: Desk) -> None:
    due = timer(await desk.tell(RESET_REQUEST))
    desk.now = due.due_at
    assert ("skipped", "no_contact", "contacts", "sms,email") == ending(await desk.tell(due))
