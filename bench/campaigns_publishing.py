"""Publishes campaigns to numbered users, and finds out when they are labelled and when that shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import aiohttp
import orjson

from connectors.http.audience.operations import PUBLISH_PATH, STATUS_PATH
from connectors.http.campaigns.operations import PATH

DATES = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2090-01-01T00:00:00Z"}
MOST = 1_000
POLL_S, STATUS_POLL_S = 0.005, 0.01
PATIENCE_S = 240.0
OK, AWAY = 200, 503


class Done(NamedTuple):
    """Seconds from the post to `done`, ms from `done` to the first answer with the last user's label."""

    labelled_s: float
    shown_ms: float


class Publisher:
    """A caller of one HTTP process."""

    def __init__(self, port: int, keys: Sequence[str]) -> None:
        """`keys`: status is asked for with one after the other, each of which has a limit of 5 a second."""
        self._base = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {keys[0]}"}
        self._asking = cycle({"Authorization": f"Bearer {key}"} for key in keys)

    async def publish(self, campaign: str, first: int, count: int) -> Done:
        """One request for so many users; every one is known by his phone."""
        numbers = [str(number) for number in range(first, first + count)]
        items = [
            {
                "users": [{"id_type": "phone_id", "id": one} for one in numbers[at : at + MOST]],
                "communication_id": "spring-sale",
            }
            for at in range(0, count, MOST)
        ]
        communication = {**DATES, "communication_id": "spring-sale"}
        body = orjson.dumps(
            {
                "id": campaign,
                "campaign_label": campaign,
                "communication": communication,
                "personal_communications": items,
            }
        )
        async with aiohttp.ClientSession(self._base, headers=self._headers) as session:
            began = time.monotonic()
            await self._posted(session, body)
            await self._until_done(session, campaign)
            done = time.monotonic()
            await self._until_shown(session, numbers[-1], f"{campaign}:spring-sale")
            return Done(done - began, (time.monotonic() - done) * 1000)

    async def _posted(self, session: aiohttp.ClientSession, body: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with session.post(PUBLISH_PATH, data=body) as answer:
                    if answer.status != AWAY:
                        assert answer.status == OK, await answer.text()
                        return
                await asyncio.sleep(1.0)

    async def _until_done(self, session: aiohttp.ClientSession, campaign: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                params, headers = {"campaign_label": campaign}, next(self._asking)
                async with session.get(STATUS_PATH, params=params, headers=headers) as answer:
                    items = (await answer.json()).get("items", [])
                if items and all(item["status"] == "done" for item in items):
                    return
                await asyncio.sleep(STATUS_POLL_S)

    async def _until_shown(self, session: aiohttp.ClientSession, user: str, label: str) -> None:
        params = {"id_type": "phone_id", "id": user}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with session.get(PATH, params=params) as answer:
                    found = (await answer.json()).get("labels", [])
                if any(one["audience_label"] == label for one in found):
                    return
                await asyncio.sleep(POLL_S)
