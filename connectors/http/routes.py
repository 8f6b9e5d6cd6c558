"""The tables of routes, and the one way from a route to its answer: trace, authenticate, handle, count.

A route without a policy or without its part of the OpenAPI document cannot be written down; a test looks for
routes that do not come from the tables.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

import structlog
from aiohttp import web

from connectors.http import openapi, ops, seen, seen_batch, send, send_batch, send_cancel, send_state
from connectors.http.audience import handlers
from connectors.http.audience import operations as of
from connectors.http.authority import Anyone, NeedsKey, Operations, Policy
from connectors.http.campaigns import handlers as campaigns
from connectors.http.campaigns import operations as of_campaigns
from connectors.http.operation import Operation
from connectors.http.ports import EdgePorts, OpsPorts
from connectors.http.problems import Code, ProblemError, plain_response, problem_response
from connectors.http.traces import Trace, traced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from connectors.http.authority import Caller

    Handle = Callable[[web.Request, Caller, Trace], Awaitable[web.Response]]

CLIENT_GONE = 499
_log = structlog.get_logger(__name__)


Ports = TypeVar("Ports", bound=EdgePorts | OpsPorts)


class Route(NamedTuple, Generic[Ports]):
    """One route. `name`: its metric label and operation id; `policy`: its decision on who may call it.

    `make` gives the handler; `operation` is what clients read of it.
    """

    name: str
    method: str
    path: str
    policy: Policy
    make: Callable[[Ports], Handle]
    operation: Operation


AUDIENCE: Final = NeedsKey("audience")
CAMPAIGNS: Final = NeedsKey("campaigns")
EDGE: Final[tuple[Route[EdgePorts], ...]] = (
    Route("seen", "POST", seen.PATH, Anyone(), seen.SeenPost, seen.OPERATION),
    Route("seen_batch", "POST", seen_batch.PATH, Anyone(), seen_batch.BatchPost, seen_batch.OPERATION),
    Route("send", "POST", send.PATH, NeedsKey("send"), send.SendPost, send.OPERATION),
    Route(
        "send_batch", "POST", send_batch.PATH, NeedsKey("send"), send_batch.BatchPost, send_batch.OPERATION
    ),
    Route(
        "cancel", "POST", send_cancel.PATH, NeedsKey("send"), send_cancel.CancelPost, send_cancel.OPERATION
    ),
    Route("message", "GET", send_state.PATH, NeedsKey("stats"), send_state.StateGet, send_state.OPERATION),
    Route("publish", "POST", of.PUBLISH_PATH, AUDIENCE, handlers.Publish, of.PUBLISH),
    Route("unpublish", "POST", of.UNPUBLISH_PATH, AUDIENCE, handlers.Unpublish, of.UNPUBLISH),
    Route("status", "GET", of.STATUS_PATH, AUDIENCE, handlers.Status, of.STATUS),
    Route("AdminPublish", "POST", of.ADMIN_PATH, AUDIENCE, handlers.AdminPublish, of.ADMIN),
    Route("campaigns", "GET", of_campaigns.PATH, CAMPAIGNS, campaigns.ByQuery, of_campaigns.BY_QUERY),
    Route("campaigns_of_body", "POST", of_campaigns.PATH, CAMPAIGNS, campaigns.ByBody, of_campaigns.BY_BODY),
    Route("openapi", "GET", openapi.PATH, Anyone(), openapi.Shown, openapi.OPERATION),
)
"""The public port."""

OPS: Final[tuple[Route[OpsPorts], ...]] = (
    Route("livez", "GET", "/livez", Operations(), ops.Live, ops.LIVE),
    Route("readyz", "GET", "/readyz", Operations(), ops.Ready, ops.READY),
    Route("version", "GET", "/version", Operations(), ops.Version, ops.VERSION),
    Route("metrics", "GET", "/metrics", Operations(), ops.Metrics, ops.METRICS),
    Route("openapi", "GET", openapi.PATH, Operations(), openapi.Shown, openapi.OPERATION),
)
"""The operations port."""


def edge_app(ports: EdgePorts) -> web.Application:
    """Build the public application."""
    return app_of(EDGE, ports, openapi.PUBLIC)


def ops_app(ports: OpsPorts) -> web.Application:
    """Build the application of the operations port."""
    return app_of(OPS, ports, openapi.OPERATIONS)


def app_of(routes: Sequence[Route[Ports]], ports: Ports, about: openapi.About) -> web.Application:
    """Build an application of these routes and no others, with their document."""
    app = web.Application(client_max_size=seen_batch.LARGEST_BODY)
    app[openapi.DOCUMENT] = openapi.encoded(about, routes)
    allowed: dict[str, list[str]] = {}
    for route in routes:
        app.router.add_route(route.method, route.path, Guarded(route, ports).answer)
        allowed.setdefault(route.path, []).append(route.method)
    for path, methods in allowed.items():
        refusal = ProblemError(Code.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(methods)})
        app.router.add_route("*", path, Refused(refusal).answer)
    app.router.add_route("*", "/{anything:.*}", Refused(ProblemError(Code.NOT_FOUND)).answer)
    return app


class Guarded:
    """A route as aiohttp calls it. It answers with a response or a problem, and lets no exception through."""

    def __init__(self, route: Route[Ports], ports: Ports) -> None:
        self.route = route
        self._handle = route.make(ports)
        self._authenticate = ports.authenticate
        self._metrics = ports.metrics
        self._refused = plain_response if route.operation.has_plain_errors else problem_response

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
            return await self._handle(request, caller, trace)
        except ProblemError as problem:
            return self._refused(problem, trace.trace_id)
        except web.HTTPRequestEntityTooLarge:
            return self._refused(ProblemError(Code.TOO_LARGE), trace.trace_id)
        except (ConnectionError, web.RequestPayloadError):  # the body never came whole
            return self._refused(ProblemError(Code.INVALID_JSON), trace.trace_id)
        except Exception:  # noqa: BLE001 - the last place before the caller, who gets the trace id only
            _log.exception("request_failed", route=self.route.name, trace_id=trace.trace_id)
            return self._refused(ProblemError(Code.INTERNAL), trace.trace_id)


class Refused:
    """Answers what no route takes. Discloses nothing, so it needs no authentication."""

    def __init__(self, problem: ProblemError) -> None:
        self._problem = problem

    async def answer(self, request: web.Request) -> web.Response:
        """Answer 404 or 405."""
        return problem_response(self._problem, traced(request.headers).trace_id)
