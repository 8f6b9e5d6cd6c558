"""Operations: `/livez`, `/readyz` with every check by name, `/version`, `/metrics`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from connectors.http.checks import Asks, answers
from connectors.http.operation import Answer, Operation
from connectors.http.problems import json_response

if TYPE_CHECKING:
    from connectors.http.policies import Caller
    from connectors.http.ports import OpsPorts
    from connectors.http.traces import Trace

WELL = 200
UNWELL = 503


class Check(msgspec.Struct, omit_defaults=True):
    """One check."""

    ok: bool
    detail: Annotated[str, Meta(description="What is wrong; absent when nothing is.")] | None = None


class Checked(msgspec.Struct):
    """What the checks found."""

    status: Literal["ok", "failing"]
    checks: Annotated[dict[str, Check], Meta(description="Each by its name.")]


_WELL = Answer(
    WELL, "Every check that counts holds.", Checked, {"well": Checked("ok", {"kafka": Check(ok=True)})}
)
_AWAY = Checked("failing", {"kafka": Check(ok=False, detail="no answer in time")})
_UNWELL = Answer(UNWELL, "A check fails.", Checked, {"kafka away": _AWAY})
_VERSION = Answer(WELL, "Names and versions.", dict[str, str], {"carillon": {"version": "0.1.0"}})
_SHOWN = Answer(
    WELL,
    "The text form of Prometheus; docs/metrics.md lists them.",
    str,
    {"one": "carillon_http_requests_in_flight 0.0\n"},
    "text/plain",
)
LIVE = Operation("Alive?", "Fails only for what a restart repairs.", (_WELL, _UNWELL))
READY = Operation("Ready?", "Whether work may be sent here, and if not, why.", (_WELL, _UNWELL))
VERSION = Operation("What runs here", "The versions of what runs here.", (_VERSION,))
METRICS = Operation("Metrics", "Every metric of this process.", (_SHOWN,))


class _Checks:
    """Runs named checks side by side; 200 when all hold, else 503. Those `aside` do not count."""

    def __init__(self, checks: Asks, timeout_ms: int, aside: Asks | None = None) -> None:
        self._aside = aside or {}
        self._checks = {**checks, **self._aside}
        self._timeout_ms = timeout_ms

    async def __call__(self, _request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer with the state of each check; `detail` only where something is wrong."""
        found = await answers(self._checks, self._timeout_ms)
        checks = {name: Check(detail is None, detail) for name, detail in found.items()}
        is_well = all(check.ok for name, check in checks.items() if name not in self._aside)
        body = msgspec.json.encode(Checked("ok" if is_well else "failing", checks))
        return json_response(body, trace.request_id, WELL if is_well else UNWELL)


class Live(_Checks):
    """`GET /livez`: fails only for what a restart repairs."""

    def __init__(self, ports: OpsPorts) -> None:
        super().__init__(ports.live, ports.check_timeout_ms)


class Ready(_Checks):
    """`GET /readyz`: whether work may be sent here."""

    def __init__(self, ports: OpsPorts) -> None:
        super().__init__(ports.ready, ports.check_timeout_ms, ports.aside)


class Version:
    """`GET /version`."""

    def __init__(self, ports: OpsPorts) -> None:
        self._body = msgspec.json.encode(dict(ports.version))

    async def __call__(self, _request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer what runs here."""
        return json_response(self._body, trace.request_id)


class Metrics:
    """`GET /metrics`, in the text form of Prometheus."""

    def __init__(self, ports: OpsPorts) -> None:
        self._registry = ports.registry

    async def __call__(self, _request: web.Request, _caller: Caller, _trace: Trace) -> web.Response:
        """Answer every metric of the registry, collected in a thread: requests go on meanwhile."""
        body = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
