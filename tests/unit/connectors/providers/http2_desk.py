"""A server over HTTP/2 whose answers wait for a gate, and calls to it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from connectors.fake.http2_server import Http2Answer, Http2Request, Http2Server
from connectors.providers.http2_call import Http2Calls
from connectors.providers.port import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from connectors.providers.http2_link import Http2Reply
    from schemas.words import Verdict


class Desk:
    """Answers with the beginning of what came, when `gate` is open; counts what is under way."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.bodies: list[bytes] = []
        self.under_way = self.most = 0
        self.server = Http2Server(self.handle)

    async def handle(self, request: Http2Request) -> Http2Answer:
        self.bodies.append(request.body)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0.001)  # work
        finally:
            self.under_way -= 1
        return Http2Answer(200, {"echo": request.headers[":path"]}, request.body[:10])

    async def came(self, requests: int) -> None:
        async with asyncio.timeout(5):
            while len(self.bodies) < requests:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def calling(
    connection: Callable[[], asyncio.Protocol], timeout_ms: int = 2_000
) -> AsyncIterator[Http2Calls]:
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    calls = Http2Calls(f"http://127.0.0.1:{port_of(server)}/base", timeout_ms=timeout_ms)
    try:
        yield calls
    finally:
        await calls.close()
        server.close()


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def post(calls: Http2Calls, body: bytes = b"hello") -> Http2Reply | Answer:
    return await calls.post("/path", {"name": "value"}, body)


def verdict(reply: Http2Reply | Answer) -> Verdict | int:
    return reply.verdict if isinstance(reply, Answer) else reply.status
