"""A push finds a device that its provider knows no longer; then the worker is killed (NS-CH-060…069).

That device gets no more pushes, the user's other one does, and the API and Postgres say so.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.broker.house.book import user
from tests.broker.house.house import House, Sent

NAME, NEXT = "owner-of-two-devices", "next-owner"
GONE, STAYS = "bounce-device-of-the-house-x4Tq9A", "device-of-the-house-that-stays-k2pQ0r"
KEY = "ck_live_house_devices"
ENDED = """
select r.recipient, r.status, r.status_reason as reason from notification_messages r
where r.idempotency_key = $1 and r.status not in ('pending', 'unknown')
"""
OFF = "select id::text, user_id::text from device_tokens where not is_active and user_id = $1::uuid"


@dataclass(frozen=True, slots=True)
class Told:
    """What was found. `messages`: by token, counted once though a kill may repeat a call.

    `listed`: by the end of its token, whether a device is on.
    """

    first: list[tuple[str, str | None]]
    second: list[tuple[str, str | None]]
    messages: dict[str, int]
    listed: dict[str, bool]
    statuses: list[int]
    clear: list[str]


@pytest.fixture(scope="module")
def told(house: House) -> Told:
    """The whole story."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_played(house))


async def _played(house: House) -> Told:
    statuses = [(await api(house, "POST", "", _body(NAME, token)))[0] for token in (GONE, STAYS)]
    statuses.append((await api(house, "POST", "", _body(NAME, STAYS)))[0])
    await house.read_by("intake", "recipient")
    await house.send(_asked("first"))
    await house.called(GONE, 1)
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    first = await house.rows(ENDED, ["devices-first"], 2)
    await house.rows(OFF, [user(NAME)], 1)
    await house.send(_asked("second"))
    second = await house.rows(ENDED, ["devices-second"], 1)
    listed = (await api(house, "GET", f"/user/{user(NAME)}"))[1]
    await api(house, "POST", "", _body(NEXT, STAYS))
    await house.rows(OFF, [user(NAME)], 2)
    records = await house.topics("notification.preferences", "facts.devices", "channel.push", "rows")
    raw = [(name, one.value or b"") for name, found in records.items() for one in found]
    ledger = {(row["recipient"], row["message_id"]) for row in house.ledger}
    pushed = [token for token, _ in ledger]
    return Told(
        first=sorted((row["status"], row["reason"]) for row in first),
        second=[(row["status"], row["reason"]) for row in second],
        messages={token: pushed.count(token) for token in (GONE, STAYS)},
        listed={one["token_end"]: one["is_active"] for one in listed},
        statuses=statuses,
        clear=[name for name, value in raw if GONE.encode() in value or STAYS.encode() in value],
    )


def _body(name: str, token: str) -> dict[str, Any]:
    return {"user_id": user(name), "platform": "ios", "token": token}


async def api(house: House, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{house.http.settings['http']['port']}/api/v1/notifications/devices{path}"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, json=body) as answer,
    ):
        return answer.status, await answer.json()


def _asked(key: str) -> Sent:
    value = {
        "user_id": user(NAME),
        "notification_type": "pushed",
        "data": {"Text": key},
        "idempotency_key": f"devices-{key}",
    }
    return Sent("notification.send.request", value, user(NAME))


@pytest.mark.spec("NS-API-050 NS-API-OP-13")
def test_a_registration_is_new_once(told: Told) -> None:
    assert [201, 201] == told.statuses[:2]
    assert told.statuses[2] in {200, 201}  # the database may be a moment behind


@pytest.mark.spec("NS-CH-067")
def test_the_refused_device_fails_and_the_other_is_reached(told: Told) -> None:
    assert [("failed", "unregistered_device"), ("sent", None)] == told.first


@pytest.mark.spec("NS-CH-066")
def test_the_refused_device_gets_no_more_over_a_kill(told: Told) -> None:
    """Mutation: no `DeviceChanged` in `agents/react.py`."""
    assert [("sent", None)] == told.second
    assert {GONE: 1, STAYS: 2} == told.messages


def test_the_api_lists_it_as_off(told: Told) -> None:
    assert {GONE[-6:]: False, STAYS[-6:]: True} == told.listed


def test_no_token_stands_in_clear_on_the_way(told: Told) -> None:
    assert [] == told.clear
