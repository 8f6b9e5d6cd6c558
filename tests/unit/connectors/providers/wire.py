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
    from collections.abc import AsyncIterator, Mapping

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
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        return dict(parse_qsl(self.body.decode("ascii"), strict_parsing=True))


@dataclass
class Wire:
    """Where the vendor is, what came, and what it says: the answers laid out in turn, then one for good."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    left: deque[Answered] = field(default_factory=deque)
    last: Answered = field(default_factory=lambda: Answered(418))  # which no vendor says

    def answers(self, status: int, body: Any = b"", **headers: str) -> None:
        """From now on; `_` of a header's name stands for a dash."""
        self.last = Answered(status, body, {name.replace("_", "-"): text for name, text in headers.items()})

    async def take(self, request: web.Request) -> web.Response:
        """Keep the request and answer."""
        self.seen.append(Seen(request.raw_path, request.headers, await request.read()))
        return (self.left.popleft() if self.left else self.last).response()


@asynccontextmanager
async def wire(*answers: Answered) -> AsyncIterator[Wire]:
    """Serve on loopback inside the block."""
    vendor = Wire(left=deque(answers))
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", vendor.take)
    async with TestServer(app) as server:
        vendor.url = str(server.make_url("/"))
        yield vendor
