"""Sending over HTTP: what got 202 is sent once over a kill of HTTP, and not at all if taken back in time."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from schemas.times import rfc3339
from tests.broker.faults.system import free_port
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

KEY = "ck_live_house"
ROOT = "/api/v1/notifications"
NOW, LATER, LATE = "sending-now", "sending-later", "sending-late"
PHONES = {NOW: phone(501), LATER: phone(502), LATE: phone(503)}
AHEAD_MS = 6_000


@dataclass(slots=True)
class Shop:
    """A service that sends; each call on a connection of its own, for the server is struck between them."""

    port: int

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of one answer."""
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"http://127.0.0.1:{self.port}{ROOT}{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, json=body) as answer,
        ):
            return answer.status, json.loads(await answer.read())

    async def send(self, who: str, **more: Any) -> str:
        """The id of an accepted request."""
        body = {"user_id": user(who), "notification_type": "hidden_repeat", "data": {"Text": who}}
        status, answer = await self.ask("POST", "/send", body | {"idempotency_key": who} | more)
        assert 202 == status, answer
        return str(answer["id"])

    async def cancel(self, asked: str, who: str) -> None:
        """Take a request back, be it in time or not."""
        status, answer = await self.ask("POST", f"/send/{asked}/cancel", {"user_id": user(who)})
        assert 202 == status, answer

    async def told(self, asked: str, wanted: str) -> dict[str, Any]:
        """What is told of an id, once it is in this state."""
        async with asyncio.timeout(60):
            while True:
                status, answer = await self.ask("GET", f"/stats/messages/{asked}")
                if status == 200 and answer["status"] == wanted:
                    return dict(answer)
                await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Course:
    """What came of it. `first` and `again`: ids of the request and of its repeat."""

    first: str
    again: str
    states: dict[str, dict[str, Any]]
    calls: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def course(house: House) -> Course:
    """All of it in one go: the house has one HTTP process, which gets a key and is killed."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_course(house))


async def _course(house: House) -> Course:
    await house.send(*(Sent("user.events", known(who, phone=PHONES[who]), user(who)) for who in PHONES))
    await house.read_by("intake", "recipient")
    before = house.http.settings
    keys = f"shop:{sha256(KEY.encode()).hexdigest()}:send+stats"
    told = before["http"] | {
        "port": free_port(),
        "ops_port": free_port(),
        "api_keys": f"{before['http']['api_keys']},{keys}",
    }
    await house.http.stop()
    house.http.settings = before | {"http": told}
    house.http.start()
    await house.http.until_ready()
    shop = Shop(told["port"])
    first = await shop.send(NOW)
    house.http.signal(signal.SIGKILL)
    await house.http.ended()
    house.http.start()
    await house.http.until_ready()
    again = await shop.send(NOW)
    due_at = int(time.time() * 1000) + AHEAD_MS
    planned = await shop.send(LATER, scheduled_at=rfc3339(due_at))
    await house.read_by("intake", "recipient")
    await shop.cancel(planned, LATER)
    gone = await shop.send(LATE)
    states = {"sent": await shop.told(first, "accepted"), "late": await shop.told(gone, "accepted")}
    await house.called(PHONES[LATE], 1)
    await shop.cancel(gone, LATE)
    states["cancelled"] = await shop.told(planned, "cancelled")
    async with asyncio.timeout(60):
        while not (states["late"])["cancels"]:
            states["late"] = await shop.told(gone, "accepted")
    await asyncio.sleep(max(0.0, due_at / 1000 - time.time()) + 1)
    await house.read_by("intake", "recipient", "delivery-sms")
    states["message"] = await shop.told(states["late"]["messages"][0]["message_id"], "sent")
    calls = {who: [row for row in house.ledger if row["recipient"] == PHONES[who]] for who in PHONES}
    return Course(first, again, states, calls)


def test_what_got_202_is_sent_once_over_a_kill_and_a_repeat(course: Course) -> None:
    assert course.first == course.again
    assert 1 == len(course.calls[NOW])


def test_what_was_taken_back_in_time_is_not_sent(course: Course) -> None:
    assert [] == course.calls[LATER]
    (request,) = course.states["cancelled"]["requests"]
    assert ("cancelled", "cancelled_by_sender", "cancel") == (
        request["outcome"],
        request["reason"],
        request["rule"],
    )


def test_what_went_before_its_cancel_is_told_with_both(course: Course) -> None:
    assert 1 == len(course.calls[LATE])
    (cancel,) = course.states["late"]["cancels"]
    assert ("noted", "nothing_waits", "shop") == (cancel["outcome"], cancel["reason"], cancel["source"])
    (message,) = course.states["message"]["messages"]
    assert "sent" in [line["status"] for line in message["history"]]
    assert "shop" == course.states["sent"]["requests"][0]["source"]
