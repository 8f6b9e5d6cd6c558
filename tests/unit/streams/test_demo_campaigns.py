"""The CRM's scene of the demo, played against a small world that keeps the rules, and against broken ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from rich.console import Console

from streams.demo import campaigns as c

Labels = dict[str, dict[str, Any]]


class World:
    """Publishes, shows, remembers what was seen, withdraws. `away`: so many answers are a 503 first."""

    def __init__(self) -> None:
        self.labels: Labels = {}
        self.seen: set[tuple[str, str]] = set()
        self.away = 2

    async def publish(self, request: web.Request) -> web.Response:
        if self.away:
            self.away -= 1
            return web.Response(status=503)
        body = await request.json()
        found: Labels = {}
        for one in body.get("personal_communications", []):
            users = {(user["id_type"], user["id"]) for user in one["users"]}
            found[f"{body['campaign_label']}:{one['communication_id']}"] = {"users": users}
        if "filters" in body:
            found[body["campaign_label"]] = {"city": body["filters"]["filters"][0]["values"]}
        self.labels |= found
        return web.json_response({"audience_info": [{"audience_label": name} for name in found]})

    async def old_form(self, request: web.Request) -> web.Response:
        users = set(parse_qsl(urlsplit((await request.json())["yql_link"]).query))
        self.labels["promotion.new-in-town"] = {"users": users}
        return web.json_response({})

    async def unpublish(self, request: web.Request) -> web.Response:
        campaign = (await request.json())["campaign_label"]
        gone = [name for name in self.labels if name.partition(":")[0] == campaign]
        for name in gone:
            del self.labels[name]
        return web.json_response({"audience_info": [{"audience_label": name} for name in gone]})

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [{"status": "done", "processed": 3}]})

    async def mark(self, request: web.Request) -> web.Response:
        told = request.headers
        self.seen |= {("phone_id", told["X-Phone-Id"]), ("yandex_uid", told["X-Uid"])}
        return web.json_response({})

    async def shown(self, request: web.Request) -> web.Response:
        query = request.query
        ids = set(zip(query.getall("id_type"), query.getall("id"), strict=True))
        found = [
            name
            for name, label in self.labels.items()
            if (label.get("users", set()) & ids and not ("sale" in name and self.seen & ids))
            or query.get("context[city]") in label.get("city", ())
        ]
        return web.json_response({"labels": [{"audience_label": name} for name in found]})


async def played(world: World) -> list[c.Row]:
    app = web.Application()
    posts = (
        (c.PUBLISH, world.publish),
        (c.OLD_FORM, world.old_form),
        (c.UNPUBLISH, world.unpublish),
        (c.SEEN, world.mark),
    )
    app.add_routes([web.post(path, handler) for path, handler in posts])
    app.add_routes([web.get(c.STATUS, world.status), web.get(c.CAMPAIGNS, world.shown)])
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with TestServer(app) as server, ClientSession(str(server.make_url("/"))) as session:
        return await c.Scene(session, "ck_live_demo", "secret", 0.05, pause).played()


async def test_every_answer_is_as_it_must_be() -> None:
    rows = await played(World())
    assert [] == [row for row in rows if not row.is_right]
    assert ["Ana, by phone_id is shown", "Ana, by yandex_uid is shown"] * 2 == [
        row.asked for row in rows if row.asked.startswith("Ana,")
    ]
    assert ("Vera is shown", "promotion.new-in-town") == (rows[-1].asked, rows[-1].came)


def _forgets_the_phone(world: World) -> None:
    async def mark(request: web.Request) -> web.Response:
        world.seen |= {("yandex_uid", request.headers["X-Uid"])}
        return web.json_response({})

    world.mark = mark  # type: ignore[method-assign] # a world that is broken here


def _withdraws_nothing(world: World) -> None:
    async def unpublish(_request: web.Request) -> web.Response:
        return web.json_response({"audience_info": [{"audience_label": name} for name in world.labels]})

    world.unpublish = unpublish  # type: ignore[method-assign, assignment] # a world that is broken here


def _refuses(world: World) -> None:
    async def publish(_request: web.Request) -> web.Response:
        return web.Response(status=403)

    world.publish = publish  # type: ignore[method-assign, assignment] # a world that is broken here


@pytest.mark.parametrize(
    ("broken", "asked"),
    [
        (_forgets_the_phone, "Ana, by phone_id is shown"),
        (_withdraws_nothing, "CRM: withdraw spring"),
        (_refuses, "CRM: spring, to 3 ids"),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_follows(broken: Callable[[World], None], asked: str) -> None:
    world = World()
    broken(world)
    rows = await played(world)
    wrong = [row.asked for row in rows if not row.is_right]
    assert asked == wrong[0]
    console = Console(file=io.StringIO(), width=120)
    console.print(c.table(rows))
    text = console.file
    assert isinstance(text, io.StringIO)
    assert "NO" in text.getvalue()
