"""A server that answers as a test wants and keeps what it was asked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Vendor:
    """What it answers next, and what came."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answers(self, status: int, body: bytes = b"", **headers: str) -> None:
        """From now on; `_` of a header's name stands for a dash."""
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def take(self, request: web.Request) -> web.Response:
        """Keep the request and answer."""
        self.asked.append(Asked(request.raw_path, request.headers, await request.read()))
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """Serve on loopback inside the block."""
    one = Vendor()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.take)
    async with TestServer(app) as server:
        one.url = str(server.make_url("/"))
        yield one
