"""A message in the app on real processes: told at once, kept for who is away, served by any gateway."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from connectors.http.mailbox.gateway import PATH
from schemas.ids import subject_key
from schemas.topics import channel_topic
from tests.broker.faults.system import Program
from tests.broker.house.book import user
from tests.broker.house.house import PATIENCE_S, House, Sent
from tests.broker.house.issuer import token
from tests.broker.house.test_access import ask, beside

STATUS = """
SELECT m.status FROM notification_messages m WHERE m.idempotency_key = $1 AND m.status = $2
"""


@dataclass(slots=True)
class App:
    """A client of a user. It keeps its cursor and what it got, each time it got it."""

    who: str
    cursor: str = "0"
    got: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    ws: Any = None

    @asynccontextmanager
    async def connected(self, http: Program) -> AsyncIterator[App]:
        """While the block lasts. A gateway that is reading still is asked again."""
        url = f"http://127.0.0.1:{http.settings['http']['port']}{PATH}?cursor={self.cursor}"
        shown = ("carillon.v1", f"bearer.{token(sub=user(self.who), roles=['user'])}")
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        self.ws = await session.ws_connect(url, protocols=shown)
                        break
                    except aiohttp.WSServerHandshakeError:
                        await asyncio.sleep(0.1)
            try:
                yield self
            finally:
                await self.ws.close()

    async def hears(self, name: str) -> Any:
        """Frames until one of this kind came; messages are kept."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame = json.loads(await self.ws.receive_str())
                if "message_id" in frame:
                    self.got.append(frame["body"])
                    self.ids[frame["body"]] = frame["message_id"]
                    self.cursor = frame["cursor"]
                if name in frame:
                    return frame[name]

    async def says(self, act: str, body: str) -> None:
        """And hears that it is durable."""
        await self.ws.send_json({act: self.ids[body]})
        assert [self.ids[body]] == (await self.hears("done"))[act]


def told(who: str, text: str, key: str | None = None) -> Sent:
    value = {
        "user_id": user(who),
        "notification_type": "told_in_app",
        "data": {"Text": text},
        "idempotency_key": key or text,
    }
    return Sent("notification.send.request", value, user(who))


async def reached(house: House, text: str, status: str) -> bool:
    return len(await house.rows(STATUS, [text, status], 1)) == 1


@pytest.mark.spec("NS-CH-005 NS-CH-052 NS-CH-053 NS-CH-OP-09 NS-SND-OP-06")
async def test_a_message_is_told_confirmed_and_read_and_its_row_says_so(house: House) -> None:
    app = App("inbox-told")
    async with app.connected(house.http):
        await app.hears("counts")
        await house.send(told(app.who, "inbox-1"))
        assert {"total": 1, "unseen": 1, "unread": 1} == await app.hears("counts")
        assert ["inbox-1"] == app.got
        assert await reached(house, "inbox-1", "sent")
        await app.says("ack", "inbox-1")
        assert await reached(house, "inbox-1", "delivered")
        await app.says("read", "inbox-1")
        assert await reached(house, "inbox-1", "opened")


@pytest.mark.spec("NS-CH-055 NS-CH-OP-09 NS-CH-OP-10")
async def test_who_was_away_gets_what_he_missed_once_from_whichever_gateway_is_there(house: House) -> None:
    """The worker and the first gateway are killed meanwhile; then both gateways know the same."""
    app = App("inbox-away")
    async with app.connected(house.http):
        await app.hears("counts")
        await house.send(told(app.who, "away-1"))
        await app.hears("message_id")
    await house.send(told(app.who, "away-2"))
    house.worker.signal(signal.SIGKILL)
    house.http.signal(signal.SIGKILL)
    await asyncio.gather(house.worker.ended(), house.http.ended())
    house.worker.start()
    await house.send(told(app.who, "away-3"))
    assert await reached(house, "away-3", "sent")
    async with beside(house) as other:
        async with app.connected(other):
            while len(app.got) < 3:
                await app.hears("message_id")
            await app.says("archive", "away-1")
        house.http.start()
        await house.http.until_ready()
        async with app.connected(house.http):
            await house.send(told(app.who, "away-4"))
            while len(app.got) < 4:
                await app.hears("message_id")
    assert ["away-1", "away-2", "away-3", "away-4"] == app.got


@pytest.mark.spec("NS-SEC-OP-02")
async def test_of_an_erased_user_the_mailbox_is_emptied_and_he_who_looks_sees_it_go(house: House) -> None:
    app = App("inbox-erased")
    async with app.connected(house.http):
        await house.send(told(app.who, "Canary of the mailbox", "erased-in-app"))
        message_id = await app.hears("message_id")
        path = f"/users/{user(app.who)}/erasure"
        status, _ = await ask(house.http, token(), "POST", path, {})
        assert 202 == status
        assert [message_id] == await app.hears("gone")
    written = await house.topics("house.mailbox.changelog", channel_topic("in_app", "normal"))
    records = [one for each in written.values() for one in each]
    assert any(subject_key(user(app.who)) == one.key for one in records)
    assert [] == [one for one in records if b"Canary of the mailbox" in (one.value or b"")]
