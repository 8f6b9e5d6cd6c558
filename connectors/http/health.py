"""`GET /health`, for everybody: does the service work; without a word of how it is built (NS-API-OP-19)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from connectors.http.checks import Asks, answers
from connectors.http.operation import Answer, Operation
from connectors.http.problems import json_response

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH: Final = "/api/v1/notifications/health"
FRESH_S: Final = 1.0
"""Anybody may ask, so the checks run once a second at most, however many ask."""
OK, AWAY = 200, 503
State = Literal["ok", "degraded", "failing"]


@dataclass(frozen=True, slots=True)
class Vitals:
    """What `/health` asks. `needed`: nothing is taken without it; `partly`: some calls get a 503 then."""

    needed: Asks = field(default_factory=dict)
    partly: Asks = field(default_factory=dict)
    timeout_ms: int = 2_000


class Healthy(msgspec.Struct, frozen=True):
    """The state of the service."""

    status: Annotated[
        State, Meta(description="`degraded`: requests are taken, some of the other calls answer 503 for now.")
    ]
    checks: Annotated[dict[str, Literal["ok", "failing"]], Meta(description="Each by its name.")]


_WELL = Healthy("ok", {"kafka": "ok", "keys": "ok", "postgres": "ok", "tables_recovered": "ok"})
_PARTLY = Healthy("degraded", {**_WELL.checks, "postgres": "failing"})
_AWAY = Healthy("failing", {**_WELL.checks, "kafka": "failing"})
OPERATION: Final = Operation(
    "State of the service",
    "For everybody, without credentials: what is wrong stands in `/readyz` of the port of operations.",
    (
        Answer(OK, "Requests are taken.", Healthy, {"well": _WELL, "degraded": _PARTLY}),
        Answer(AWAY, "Something that every request needs is away.", Healthy, {"kafka away": _AWAY}),
    ),
)


class Health:
    """Answers what the checks found within the last second; who comes meanwhile waits for the same checks."""

    def __init__(self, ports: EdgePorts) -> None:
        self._vitals = ports.vitals
        self._found: asyncio.Task[Healthy] | None = None
        self._ends_at = 0.0

    async def __call__(self, _request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer the state and each check."""
        found = await self._fresh()
        return json_response(
            msgspec.json.encode(found), trace.request_id, AWAY if found.status == "failing" else OK
        )

    def _fresh(self) -> asyncio.Task[Healthy]:
        now = asyncio.get_running_loop().time()
        if self._found is None or (self._found.done() and now >= self._ends_at):
            self._found = asyncio.create_task(self._check())
        return self._found

    async def _check(self) -> Healthy:
        vitals = self._vitals
        found = await answers({**vitals.needed, **vitals.partly}, vitals.timeout_ms)
        self._ends_at = asyncio.get_running_loop().time() + FRESH_S
        bad = {name for name, detail in found.items() if detail is not None}
        status: State = "failing" if bad & vitals.needed.keys() else "degraded" if bad else "ok"
        return Healthy(status, {name: "failing" if name in bad else "ok" for name in found})
