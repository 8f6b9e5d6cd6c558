"""Processes that publish and show campaigns, and a client that asks them over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import aiohttp

from connectors.http.audience.bodies import MOST_USERS
from tests.broker.faults.system import Program, free_port

PATH = "/inapp-communications/v1/campaigns"
AUDIENCE = "/communications-audience/v1"
SEEN = "/4.0/mark-notify/v1/seen"
KEY, SECRET = "ck_live_campaigns", "gateway-of-campaigns"
ALLOWED = {"Authorization": f"Bearer {KEY}"}
PATIENCE_S = 120.0
DATES = {"start_date": "2020-01-01T00:00:00Z", "end_date": "2090-01-01T00:00:00Z"}


@dataclass
class Served:
    """A broker, a worker of the stages that matter here, and an HTTP process."""

    worker: Program
    http: Program


def own(folder: Path, name: str) -> dict[str, Any]:
    """A static id: a killed worker comes back to its tasks at once."""
    key = f"one:{sha256(KEY.encode()).hexdigest()}:audience+campaigns"
    return {
        "data_dir": str(folder / f"{name}-data"),
        "http": {
            "port": free_port(),
            "ops_port": free_port(),
            "gateway_secret": SECRET,
            "api_keys": key,
            "campaigns": "needed",
        },
        "engine": {"worker_name": f"campaigns-{name}", "static_id": True},
        "log": {"format": "json"},
    }


@dataclass
class Reader:
    """A client of the HTTP process."""

    served: Served
    session: aiohttp.ClientSession

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.served.http.settings['http']['port']}"

    async def publish(self, campaign: str, *users: tuple[str, str]) -> str:
        """A campaign for these users, labelled to the end; its label."""
        await self.post(campaign, campaign, users)
        async with asyncio.timeout(PATIENCE_S):
            while [one["status"] for one in await self.status(campaign_label=campaign)] != ["done"]:
                await asyncio.sleep(0.2)  # a key has 5 a second
        return f"{campaign}:spring-sale"

    async def post(self, request_id: str, campaign: str, users: Sequence[tuple[str, str]]) -> Any:
        """One publish request, of as many personal communications as it takes; its answer."""
        people = [{"id_type": kind, "id": name} for kind, name in users]
        body = {
            "id": request_id,
            "campaign_label": campaign,
            "communication": {**DATES, "communication_id": "new-in-town"},
            "personal_communications": [
                {"users": people[first : first + MOST_USERS], "communication_id": "spring-sale"}
                for first in range(0, len(people), MOST_USERS)
            ],
        }
        return await self.asked("POST", f"{AUDIENCE}/publish", body)

    async def withdraw(self, campaign: str) -> None:
        body = {"id": f"{campaign}-gone", "campaign_label": campaign}
        await self.asked("POST", f"{AUDIENCE}/unpublish", body)

    async def seen(self, **headers: str) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"X-Gateway-Secret": SECRET, "X-Auth-Kind": "client", "X-User-Id": "u-campaigns"}
        await self.asked("POST", SEEN, {"tag": "promotions", "id": "spring-sale"}, **own | given)

    async def shown(self, *ids: tuple[str, str]) -> list[str] | int:
        """Labels shown, or the status that is none of 200."""
        params = [pair for kind, name in ids for pair in (("id_type", kind), ("id", name))]
        async with self.session.get(self.base + PATH, params=params) as answer:
            if answer.status != 200:
                return answer.status
            return [label["audience_label"] for label in (await answer.json())["labels"]]

    async def asked(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What any other endpoint answers with 200."""
        status, found = await self.answered(method, path, body, headers)
        assert 200 == status, found
        return found

    async def answered(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[int, Any]:
        """Status and body; asked again where it says: not now."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.session.request(
                    method, self.base + path, json=body, headers=headers
                ) as answer:
                    if answer.status not in {429, 503}:
                        return answer.status, await answer.json(content_type=None)
                await asyncio.sleep(0.5)

    async def until(self, expected: list[str], *ids: tuple[str, str]) -> float:
        """Seconds until this is shown."""
        loop = asyncio.get_running_loop()
        began, found = loop.time(), None
        while (found := await self.shown(*ids)) != expected:
            assert loop.time() - began < PATIENCE_S, found
            await asyncio.sleep(0.01)
        return loop.time() - began

    async def status(self, **query: str) -> list[Any]:
        """What is told of a label, a campaign or a request."""
        told = await self.asked("GET", f"{AUDIENCE}/status?{urlencode(query)}")
        items: list[Any] = told["items"]
        return items
