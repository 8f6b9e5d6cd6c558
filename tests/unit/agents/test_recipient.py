"""The recipient stage, told as stories of one user."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from agents.recipient import Memory, recipient
from agents.render_channels import message_id
from schemas.ids import subject_key
from schemas.records import Content, MessageQueued, NotificationType, RequestDecided, SendTask, Template
from tests.fakes import FakeEvent, FakeStream, MemoryOutside, MemoryReference, MemoryTable
from tests.requests import (
    DAY,
    ORDER,
    PHONES,
    PROMO,
    REGISTERED,
    REQUEST,
    SECOND,
    T0,
    TEMPLATES,
    USER,
    Desk,
    chosen,
    decision,
    ending,
    messages,
    reference,
    tasks,
)


def text(task: SendTask) -> str:
    return Content(**json.loads(task.content.removeprefix(b"sealed:"))).body


@pytest.mark.spec("NS-CH-032 NS-CH-063 NS-CH-067 NS-SND-014 NS-SND-016 NS-SND-017 NS-SND-OP-05")
async def test_a_request_becomes_a_message_for_each_address(desk: Desk) -> None:
    await desk.tell(REGISTERED, PHONES)
    answered = await desk.tell(REQUEST)
    assert [MessageQueued, SendTask] * 3 + [RequestDecided] == [type(one) for one in answered]
    assert ["email", "push", "push"] == [task.channel for task in tasks(answered)]
    assert ["Заказ A-1", "A-1", "A-1"] == [text(task) for task in tasks(answered)]
    assert ("accepted", None, "type.default_channels", "email,push") == ending(answered)
    assert ["email", "push"] == decision(answered).channels


@pytest.mark.spec("NS-SND-017")
async def test_a_message_and_its_task_carry_the_whole_story(desk: Desk) -> None:
    message, task, _ = await desk.tell(REGISTERED, replace(REQUEST, scheduled_at=T0 - SECOND))
    expected = MessageQueued(
        message_id=message_id(REQUEST, "email", 0, 0),
        request_id=REQUEST.request_id,
        user_id=USER,
        channel="email",
        lane="high",
        notification_type="order_confirmation",
        category="transactional",
        source="shop",
        idempotency_key="order-1",
        recipient=b"sealed:anna@example.com",
        payload=b'sealed:{"OrderNumber":"A-1"}',
        created_at=T0,
        expires_at=T0 + DAY,
        language="ru",
        template="order",
        template_version=3,
        scheduled_at=T0 - SECOND,
    )
    assert expected == message
    assert isinstance(task, SendTask)
    shared = set(MessageQueued.__struct_fields__) & set(SendTask.__struct_fields__)
    assert {name: getattr(expected, name) for name in shared} == {
        name: getattr(task, name) for name in shared
    }
    assert (expected.recipient, "repeat", 1, 0) == (
        task.address,
        task.unknown_policy,
        task.attempt,
        task.epoch,
    )


async def test_a_replay_writes_the_same(desk: Desk) -> None:
    assert await desk.tell(REGISTERED, PHONES, REQUEST) == await Desk().tell(REGISTERED, PHONES, REQUEST)


@pytest.mark.spec("NS-SND-043")
async def test_a_repeat_names_the_first_request(desk: Desk) -> None:
    await desk.tell(REGISTERED, REQUEST)
    answered = await desk.tell(replace(REQUEST, request_id="r2", origin="payment.events/1/2"))
    assert ("repeated", "duplicate", "requests", REQUEST.request_id) == ending(answered)
    assert ("r2", []) == (decision(answered).request_id, messages(answered))


async def test_the_same_record_twice_does_not_take_the_first_ones_row(desk: Desk) -> None:
    first = decision(await desk.tell(REGISTERED, REQUEST))
    second = decision(await desk.tell(replace(REQUEST, origin="notification.send.request/0/8")))
    third = decision(await desk.tell(replace(REQUEST, origin="notification.send.request/0/9")))
    assert "repeated" == second.outcome == third.outcome
    assert 3 == len({first.request_id, second.request_id, third.request_id})


@pytest.mark.parametrize("changed", [{"source": "kiosk"}, {"idempotency_key": "order-2"}])
async def test_another_source_or_key_is_no_repeat(desk: Desk, changed: dict[str, str]) -> None:
    await desk.tell(REGISTERED, REQUEST)
    answered = await desk.tell(replace(REQUEST, **changed))
    assert "accepted" == decision(answered).outcome
    assert message_id(REQUEST, "email", 0, 0) != messages(answered)[0].message_id


@pytest.mark.spec("NS-SND-OP-11")
async def test_after_the_window_the_same_key_is_new(desk: Desk) -> None:
    await desk.tell(REGISTERED, REQUEST)
    for late, outcome in ((DAY, "repeated"), (DAY + 31 * SECOND, "accepted")):
        desk.now = T0 + late
        answered = await desk.tell(replace(REQUEST, request_id="r2", occurred_at=desk.now))
        assert outcome == decision(answered).outcome


@pytest.mark.spec("NS-SND-061")
async def test_an_address_that_is_none_fails_its_message_and_no_other(desk: Desk) -> None:
    answered = await desk.tell(replace(REGISTERED, email=b"sealed:anna"), PHONES, REQUEST)
    first, *others = messages(answered)
    assert ("failed", "invalid_contact", b"sealed:anna") == (first.status, first.reason, first.recipient)
    assert ["pending", "pending"] == [one.status for one in others]
    assert ["push", "push"] == [task.channel for task in tasks(answered)]


@pytest.mark.spec("NS-SND-OP-04 NS-SND-060")
async def test_a_missing_template_fails_the_channel(desk: Desk) -> None:
    desk.outside.reference.templates[:] = [t for t in TEMPLATES if t.channel_type != "email"]
    answered = await desk.tell(REGISTERED, PHONES, REQUEST)
    first = messages(answered)[0]
    assert ("failed", "no_template", None) == (first.status, first.reason, first.template)
    assert 2 == len(tasks(answered))


@pytest.mark.spec("NS-SND-062")
async def test_a_template_that_cannot_be_rendered_fails_the_channel_and_says_why(desk: Desk) -> None:
    answered = await desk.tell(REGISTERED, replace(REQUEST, data=b"{}"))
    (only,) = messages(answered)
    told = (only.status, only.reason, only.detail, only.template_version)
    assert ("failed", "render_failed", "missing variable 'OrderNumber'", 3) == told
    assert ("accepted", ["email"]) == (decision(answered).outcome, decision(answered).channels)


async def test_a_channel_is_rendered_once_for_all_its_devices(desk: Desk) -> None:
    await desk.tell(PHONES, REQUEST)
    assert 1 == desk.outside.renderer.turns


@pytest.mark.spec("NS-SND-015 NS-SND-OP-04 NS-TPL-004")
@pytest.mark.parametrize(
    ("asked", "on_file", "expected"),
    [
        (None, "ru", "Заказ A-1"),
        (None, "en", "Order A-1"),
        ("en", "ru", "Order A-1"),
        ("ru", "en", "Заказ A-1"),
        ("en-GB", None, "Order A-1"),
        ("EN", None, "Order A-1"),
        ("de", "en", "Заказ A-1"),
        (None, None, "Заказ A-1"),
    ],
)
async def test_the_request_decides_the_language_then_the_user_then_the_default(
    desk: Desk, asked: str | None, on_file: str | None, expected: str
) -> None:
    await desk.tell(replace(REGISTERED, language=on_file))
    answered = await desk.tell(replace(REQUEST, language=asked))
    assert expected == text(tasks(answered)[0])


@pytest.mark.spec("NS-SND-OP-12")
async def test_advertising_is_not_risked_twice(desk: Desk) -> None:
    consent = chosen(kind="consent_granted", purpose="marketing")
    answered = await desk.tell(REGISTERED, consent, replace(REQUEST, notification_type="promo"))
    assert ["hold"] == [task.unknown_policy for task in tasks(answered)]
    desk.outside.reference.types[:] = [replace(PROMO, unknown_policy="ask")]
    again = replace(REQUEST, notification_type="promo", idempotency_key="2")
    assert ["ask"] == [task.unknown_policy for task in tasks(await desk.tell(again))]


async def test_a_refusal_leaves_no_trace_in_the_memory(desk: Desk) -> None:
    wrong = replace(REQUEST, notification_type="no_such_type")
    assert ("rejected", "unknown_type", "types", "no_such_type") == ending(await desk.tell(REGISTERED, wrong))
    assert {} == desk.requests.rows
    assert "accepted" == decision(await desk.tell(REQUEST)).outcome


async def test_a_type_that_comes_while_it_is_waited_for_is_used() -> None:
    class Late(MemoryReference):
        async def find_type(self, code: str) -> NotificationType | None:
            self.types.append(ORDER)
            return await super().find_type(code)

        async def find_template(self, name: str, channel: str, language: str) -> Template | None:
            self.templates.extend(TEMPLATES)
            return await super().find_template(name, channel, language)

    desk = Desk(outside=MemoryOutside(reference=Late()))
    assert ["email"] == decision(await desk.tell(REGISTERED, REQUEST)).channels


async def test_one_batch_sees_its_own_facts() -> None:
    inputs = [REGISTERED, *(chosen(kind="unsubscribed", channel=name) for name in ("email", "push")), REQUEST]
    stream = FakeStream([FakeEvent(value, subject_key(USER)) for value in inputs], T0)
    outside = MemoryOutside(reference=reference())
    memory = Memory(*(MemoryTable[bytes, Any]() for _ in Memory.__struct_fields__))
    found = [one async for one in recipient(stream, memory, outside)]
    assert ["skipped"] == [one.outcome for one in found if isinstance(one, RequestDecided)]
