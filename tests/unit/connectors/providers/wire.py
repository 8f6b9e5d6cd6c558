"""A vendor's end of the wire: records what is posted and answers what a test lays out."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from schemas.records import Content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PHONE = "+79161234567"
TEXT = Content(body="Код: 1234 & «ещё»")


@dataclass(frozen=True)
class Answered:
    """One answer. `body`: JSON of it is sent, bytes as they are."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        raw = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
        return web.Response(status=self.status, body=raw, headers=self.headers)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        return dict(parse_qsl(self.body.decode("ascii"), strict_parsing=True))


@dataclass(frozen=True)
class Wire:
    """Where the vendor is, and what came."""

    url: str
    seen: list[Seen]


@asynccontextmanager
async def wire(*answers: Answered) -> AsyncIterator[Wire]:
    """Answer in turn; a request beyond the last answer gets 418, which no vendor says."""
    left, seen = deque(answers), list[Seen]()

    async def reply(request: web.Request) -> web.Response:
        seen.append(Seen(request.path_qs, dict(request.headers), await request.read()))
        return left.popleft().response() if left else web.Response(status=418)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", reply)
    async with TestServer(app) as server:
        yield Wire(str(server.make_url("/")), seen)
