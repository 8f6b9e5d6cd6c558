"""A push nobody sees is followed by one SMS, over kills of the worker; a seen one is not (SEEN-OP-01)."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.topics import SHOWN
from streams.settings import Settings
from streams.why import explain, told
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

PEOPLE = 8
SAW = frozenset(range(0, PEOPLE, 2))
MESSAGES = """
select idempotency_key, status from notification_messages
where notification_type = 'unseen' and channel_type = $1 and status in ('sent', 'delivered')
"""


def name(number: int) -> str:
    return f"unseen-{number}"


def token(number: int) -> str:
    return f"device-of-unseen-{number}"


@dataclass(frozen=True, slots=True)
class Ended:
    """Rows of messages that were sent or seen, by channel; provider calls per phone; `why` of one of each."""

    pushes: list[Any]
    texts: list[Any]
    called: Counter[str]
    why: dict[bool, str]


@pytest.fixture(scope="module")
def ended(house: House) -> Ended:
    """The worker is killed when the pushes are out, and again when the first SMS is.

    Half of the users see theirs while the worker is dead: it knows of it only afterwards.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_ended(house))


async def _ended(house: House) -> Ended:
    people = range(PEOPLE)
    await house.send(*(Sent("user.events", _known(number), user(name(number))) for number in people))
    await house.read_by("intake", "recipient")
    await house.send(*(_asked(number) for number in people))
    calls = {number: (await house.called(token(number), 1))[0] for number in people}
    await _killed(house)
    for number in SAW:
        message_id = calls[number]["idempotency_key"].partition(":")[0]
        assert 200 == await house.post_seen(user(name(number)), message_id, SHOWN)
    house.worker.start()
    await asyncio.gather(*(house.called(phone(700 + number), 1) for number in people if number == 1))
    await _killed(house)
    house.worker.start()
    texts = await house.rows(MESSAGES, ["sms"], PEOPLE - len(SAW))
    for stage in ("recipient", "status", "seen", "status", "recipient", "sink"):
        await house.read_by(stage)
    return Ended(
        await house.rows(MESSAGES, ["push"], PEOPLE),
        await house.rows(MESSAGES, ["sms"], len(texts)),
        Counter(row["recipient"] for row in house.ledger if row["taken"]),
        {number in SAW: await _why(house, name(number)) for number in (0, 1)},
    )


async def _killed(house: House) -> None:
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()


async def _why(house: House, key: str) -> str:
    settings = Settings(data_dir=house.folder / "why", **house.settings)
    return told(await explain(settings, key, is_key=True))


def _known(number: int) -> dict[str, Any]:
    devices = [{"token": token(number), "platform": "ios"}]
    return known(name(number), phone=phone(700 + number), devices=devices)


def _asked(number: int) -> Sent:
    value = {
        "user_id": user(name(number)),
        "notification_type": "unseen",
        "data": {"Text": "look"},
        "idempotency_key": name(number),
    }
    return Sent("notification.send.request", value, user(name(number)))


@pytest.mark.spec("SEEN-004")
def test_who_saw_nothing_has_one_sms_and_who_saw_it_has_none(ended: Ended) -> None:
    expected = {name(number) for number in range(PEOPLE) if number not in SAW}
    assert dict.fromkeys(expected, 1) == Counter(row["idempotency_key"] for row in ended.texts)
    assert 0 == sum(ended.called[phone(700 + number)] for number in SAW)
    assert all(ended.called[phone(700 + number)] for number in range(PEOPLE) if number not in SAW)


def test_what_was_seen_is_delivered_and_the_rest_is_sent(ended: Ended) -> None:
    saw = {name(number): "delivered" if number in SAW else "sent" for number in range(PEOPLE)}
    assert saw == {row["idempotency_key"]: row["status"] for row in ended.pushes}


def test_why_tells_both(ended: Ended) -> None:
    assert "not_seen_in_time" in ended.why[False]
    assert "decided by type.fallback_after_s = 25" in ended.why[False]
    assert "not_seen_in_time" not in ended.why[True]
    assert "seen as notification" in ended.why[True]
