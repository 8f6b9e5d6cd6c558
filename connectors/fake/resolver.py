"""The fake resolver of audience queries: a link says itself whom it selects, and how the answer fails.

    https://yql.carillon.test/users?yandex_uid=4001&yandex_uid=4002&phone_id=5b2c
    https://yql.carillon.test/fault/503

Signatures are for real resolvers to check; what came is kept nowhere.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import orjson
from aiohttp import web

RESOLVE_PATH = "/resolve"
USERS_PATH = "/users"
FAULT_PATH = "/fault/"


async def resolve(request: web.Request) -> web.Response:
    """`POST /resolve`: `{"yql_link", ...}` → `{"users": [{"id_type", "id"}, ...]}`; 404 for other links."""
    try:
        link = urlsplit(orjson.loads(await request.read())["yql_link"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return web.Response(status=400)
    if link.path.startswith(FAULT_PATH):
        return web.Response(status=_status(link.path.removeprefix(FAULT_PATH)))
    if link.path != USERS_PATH:
        return web.Response(status=404)
    users = [{"id_type": id_type, "id": value} for id_type, value in parse_qsl(link.query)]
    return web.Response(body=orjson.dumps({"users": users}), content_type="application/json")


def _status(text: str) -> int:
    return int(text) if text in ("403", "429", "500", "503") else 404
