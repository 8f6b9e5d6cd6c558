"""Account Service hangs over a question about a user nobody told of, and the worker is killed (NS-EVT-OP-07).

He is asked about again, and gets his message once; another user's message did not wait for it.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

NEW, OLD = "account-new", "account-old"
PHONES = {NEW: phone(801), OLD: phone(802)}
ENDED = """
select r.outcome, r.reason, m.status
from notification_requests r join notification_messages m using (request_id)
where r.idempotency_key = $1 and m.status = 'sent'
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What was found. `others`: calls of the other user's provider before the kill."""

    others: int
    questions: int
    row: Any
    messages: int
    clear: list[str]


@pytest.fixture(scope="module")
def told(house: House) -> Told:
    """The whole story."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_played(house))


async def _played(house: House) -> Told:
    url = f"{house.fake_url}/api/v1/users/{user(NEW)}/contacts"
    contacts = {"phone": PHONES[NEW], "language": "ru"}
    async with aiohttp.ClientSession() as session, session.put(url, json=contacts) as answer:
        assert 204 == answer.status
    await house.script(fault="hang", channel="account", recipient=user(NEW), times=1)
    await house.send(Sent("user.events", known(OLD, phone=PHONES[OLD]), user(OLD)))
    await house.read_by("intake", "recipient")
    await house.send(_asked(NEW))
    await house.called(user(NEW), 1)
    await house.send(_asked(OLD))
    others = len(await house.called(PHONES[OLD], 1))
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    (row,) = await house.rows(ENDED, [f"{NEW}-key"], 1)
    records = await house.topics("channel.sms", "outcomes", "rows", suffix=".changelog")
    raw = [(name, one.value or b"") for name, found in records.items() for one in found]
    return Told(
        others=others,
        questions=len(await house.called(user(NEW), 2)),
        row=tuple(row),
        messages=len({one["message_id"] for one in house.ledger if one["recipient"] == PHONES[NEW]}),
        clear=[name for name, value in raw if PHONES[NEW].encode() in value],
    )


def _asked(name: str) -> Sent:
    value = {
        "user_id": user(name),
        "notification_type": "hidden_repeat",
        "data": {"Text": name},
        "idempotency_key": f"{name}-key",
    }
    return Sent("notification.send.request", value, user(name))


@pytest.mark.spec("NS-EVT-041")
def test_a_question_that_a_kill_hid_is_put_again_and_the_message_is_one(told: Told) -> None:
    """Mutation: `resume` takes a hidden answer for none."""
    assert (2, ("accepted", None, "sent"), 1) == (told.questions, told.row, told.messages)


def test_another_user_does_not_wait_for_it(told: Told) -> None:
    assert 1 == told.others


def test_what_account_service_said_stands_nowhere_in_clear(told: Told) -> None:
    assert [] == told.clear
