"""Listens with an application on the running loop, and stops in order.

What aiohttp refuses by itself never reaches a route: it is answered here, with a problem as all else.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from connectors.http.problems import PROBLEMS, Code, ProblemError, problem_response
from connectors.http.shielding import shielded
from connectors.http.traces import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

CONTINUE = "100-continue"
DRAIN_S = 10.0
_log = structlog.get_logger(__name__)


class _Connection(web.RequestHandler):
    """Answers with a problem where aiohttp would answer in a text of its own."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's text, which may quote the request
    ) -> web.StreamResponse:
        """Answer what no application saw (400), or what got past ours; the connection is closed."""
        code = Code.INVALID_REQUEST if status == PROBLEMS[Code.INVALID_REQUEST][0] else Code.INTERNAL
        trace = traced(request.headers)
        if code is Code.INTERNAL:
            _log.error("request_failed", trace_id=trace.trace_id, exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun")
        answer = problem_response(ProblemError(code), trace.trace_id)
        answer.force_close()
        return shielded(answer)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Leave out bodies that cannot be unpacked: the client was told, and no stranger fills our log."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)


class _Server(web.Server):
    """Makes our connections instead of aiohttp's."""

    def __call__(self) -> _Connection:
        return _Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application on `_Server`."""

    async def _make_server(self) -> _Server:
        made = await super()._make_server()
        return _Server(
            partial(_answered, made.request_handler),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # noqa: SLF001 - aiohttp has no other way to another class of connections
        )


async def _answered(
    handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], request: web.BaseRequest
) -> web.StreamResponse:
    """Pass on to the application; refuse in our words what aiohttp would refuse before any route."""
    if (request.headers.get("Expect") or CONTINUE).lower() != CONTINUE:  # which aiohttp would quote
        return shielded(_refusal(Code.INVALID_REQUEST, request))
    try:
        return shielded(await handle(request))
    except web.HTTPNotFound:  # the request's target is no path
        return shielded(_refusal(Code.NOT_FOUND, request))


def _refusal(code: Code, request: web.BaseRequest) -> web.Response:
    return problem_response(ProblemError(code), traced(request.headers).trace_id)


@asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, drain_s: float = DRAIN_S
) -> AsyncIterator[int]:
    """Serve inside the block and yield the port (0 takes a free one).

    At its end nothing new is accepted, running requests have `drain_s` to finish, then connections are cut.
    """
    runner = Runner(app, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
