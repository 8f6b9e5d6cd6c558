"""Listens with an application on the running loop, and stops in order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DRAIN_S = 10.0


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, drain_s: float = DRAIN_S
) -> AsyncIterator[int]:
    """Serve inside the block and yield the port (0 takes a free one).

    At its end nothing new is accepted, running requests have `drain_s` to finish, then connections are cut.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
