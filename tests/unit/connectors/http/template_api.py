"""The API of templates over a store in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from connectors.access.actor import Actor
from connectors.http.ports import Trial
from connectors.memory_templates import MemoryTemplates
from connectors.postgres.audit import Change
from connectors.templates.desk import Desk
from tests.unit.connectors.http.edge import NOW, Edge, edge, entry

PATH = "/api/v1/notifications/templates"
KEY, TEST_KEY = "ck_live_editor", "ck_test_editor"
BODY: dict[str, Any] = {
    "name": "welcome_email",
    "channel_type": "email",
    "language_code": "ru",
    "subject": "Welcome to the platform",
    "body": "Hello, {{.UserName}}! Thank you for registering...",
    "variables": {"UserName": "string"},
}
SMS: dict[str, Any] = {
    "name": "code",
    "channel_type": "sms",
    "body": "{{ Code }}",
    "variables": {"Code": "string"},
}


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any

    @property
    def told(self) -> tuple[int, str, list[str]]:
        return self.status, self.body["code"], [each["detail"] for each in self.body["errors"]]


class Api:
    def __init__(self, one: Edge, memory: MemoryTemplates) -> None:
        self.client, self.memory = one.client, memory
        self.published = 0
        self.trials: list[Trial] = []
        self.fails: Exception | None = None
        self.noted: list[tuple[Actor, Change]] = []
        self.noting_fails: Exception | None = None

    async def send(self, trial: Trial) -> str | None:
        self.trials.append(trial)
        return "m-1" if "@" in trial.recipient else None

    async def note_down(self, actor: Actor, change: Change) -> None:
        if self.noting_fails:
            raise self.noting_fails
        self.noted.append((actor, change))

    async def publish(self) -> None:
        self.published += 1
        if self.fails:
            raise self.fails

    async def __call__(self, method: str, path: str = "", json: Any = None, **headers: str) -> Answer:
        given = {"Authorization": f"Bearer {KEY}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        body: dict[str, Any] = (
            {"data": json} if isinstance(json, bytes) else {"json": json} if json is not None else {}
        )
        async with self.client.request(method, PATH + path, headers=given, **body) as found:
            return Answer(
                found.status,
                await found.json(content_type=None) if found.status != 204 else None,
                found.headers,
            )

    async def made(self, **changes: Any) -> str:
        answer = await self("POST", json=BODY | changes)
        assert 201 == answer.status, answer.body
        return f"/{answer.body['id']}"


@asynccontextmanager
async def template_api(**changes: Any) -> AsyncIterator[Api]:
    memory = MemoryTemplates(lambda: NOW)
    apis: list[Api] = []

    async def publish() -> None:
        await apis[0].publish()

    keys = [entry(KEY, "templates"), entry(TEST_KEY, "templates"), entry("ck_live_other", "send")]

    async def send(trial: Trial) -> str | None:
        return await apis[0].send(trial)

    async def note_down(actor: Actor, change: Change) -> None:
        await apis[0].note_down(actor, change)

    desk = Desk(memory.opened, publish)
    ports = {"templates": desk, "send_trial": send, "credentials": keys, "note_down": note_down}
    async with edge(**ports, **changes) as one:
        apis.append(Api(one, memory))
        yield apis[0]
