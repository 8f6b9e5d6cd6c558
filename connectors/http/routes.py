"""The tables of routes, and the one way from a route to its answer: trace, authenticate, handle, count.

A route without a policy cannot be written down; a test looks for routes that do not come from the tables.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import structlog
from aiohttp import web

from connectors.http.authority import Anyone, Operations, Policy
from connectors.http.ops import Live, Metrics, Ready, Version
from connectors.http.problems import Code, ProblemError, problem_response
from connectors.http.seen import LARGEST_BODY, PATH, SeenPost
from connectors.http.traces import Trace, traced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from connectors.http.authority import Authenticate, Caller
    from connectors.http.ports import EdgePorts, OpsPorts
    from connectors.metrics import HttpMetrics

    Handle = Callable[[web.Request, Caller, Trace], Awaitable[web.Response]]

CLIENT_GONE = 499
_log = structlog.get_logger(__name__)


class Route(NamedTuple):
    """One route. `name` is its metric label; `policy` its decision on who may call it."""

    name: str
    method: str
    path: str
    policy: Policy
    handle: Handle


def edge_routes(ports: EdgePorts) -> tuple[Route, ...]:
    """Return the routes of the public port."""
    return (Route("seen", "POST", PATH, Anyone(), SeenPost(ports)),)


def ops_routes(ports: OpsPorts) -> tuple[Route, ...]:
    """Return the routes of the operations port."""
    return (
        Route("livez", "GET", "/livez", Operations(), Live(ports)),
        Route("readyz", "GET", "/readyz", Operations(), Ready(ports)),
        Route("version", "GET", "/version", Operations(), Version(ports)),
        Route("metrics", "GET", "/metrics", Operations(), Metrics(ports)),
    )


def edge_app(ports: EdgePorts) -> web.Application:
    """Build the public application."""
    return _app(edge_routes(ports), ports.authenticate, ports.metrics)


def ops_app(ports: OpsPorts) -> web.Application:
    """Build the application of the operations port."""
    return _app(ops_routes(ports), ports.authenticate, ports.metrics)


def _app(routes: Iterable[Route], authenticate: Authenticate, metrics: HttpMetrics) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    allowed: dict[str, list[str]] = {}
    for route in routes:
        app.router.add_route(route.method, route.path, Guarded(route, authenticate, metrics).answer)
        allowed.setdefault(route.path, []).append(route.method)
    for path, methods in allowed.items():
        refusal = ProblemError(Code.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(methods)})
        app.router.add_route("*", path, Refused(refusal).answer)
    app.router.add_route("*", "/{anything:.*}", Refused(ProblemError(Code.NOT_FOUND)).answer)
    return app


class Guarded:
    """A route as aiohttp calls it. It answers with a response or a problem, and lets no exception through."""

    def __init__(self, route: Route, authenticate: Authenticate, metrics: HttpMetrics) -> None:
        self.route = route
        self._authenticate = authenticate
        self._metrics = metrics

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._metrics.began()
        status = CLIENT_GONE
        try:
            response = await self._handled(request, traced(request.headers))
            status = response.status
        finally:
            self._metrics.ended(self.route.name, status, loop.time() - began)
        return response

    async def _handled(self, request: web.Request, trace: Trace) -> web.Response:
        try:
            caller = await self._authenticate(request.headers, self.route.policy)
            return await self.route.handle(request, caller, trace)
        except ProblemError as problem:
            return problem_response(problem, trace.trace_id)
        except web.HTTPRequestEntityTooLarge:
            return problem_response(ProblemError(Code.TOO_LARGE), trace.trace_id)
        except (ConnectionError, web.RequestPayloadError):  # the body never came whole
            return problem_response(ProblemError(Code.INVALID_JSON), trace.trace_id)
        except Exception:  # noqa: BLE001 - the last place before the caller, who gets the trace id only
            _log.exception("request_failed", route=self.route.name, trace_id=trace.trace_id)
            return problem_response(ProblemError(Code.INTERNAL), trace.trace_id)


class Refused:
    """Answers what no route takes. Discloses nothing, so it needs no authentication."""

    def __init__(self, problem: ProblemError) -> None:
        self._problem = problem

    async def answer(self, request: web.Request) -> web.Response:
        """Answer 404 or 405."""
        return problem_response(self._problem, traced(request.headers).trace_id)
