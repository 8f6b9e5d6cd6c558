"""The OpenAPI documents are true: schemathesis drives both ports by them, and finds what is planted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from connectors.access.desk import KeyDesk
from connectors.access.key_book import KeyBook
from connectors.access.memory_keys import MemoryKeys
from connectors.http.access import PREFERENCES, PREFIX, SENDING, STATISTICS
from connectors.http.authority import Authority
from connectors.http.openapi import OPERATIONS, PUBLIC, encoded
from connectors.http.policies import Anyone, ByLink, BySignature, NeedsKey, Public
from connectors.http.ports import BrokerUnavailableError, EdgePorts, OpsPorts
from connectors.http.problems import Code, ProblemError, json_response
from connectors.http.quotas import Counted, Quotas
from connectors.http.routes import EDGE, OPS, Route, app_of, edge_app, ops_app
from connectors.http.seen import OPERATION, PATH, SeenPost
from connectors.metrics import HttpMetrics
from connectors.postgres.errors import PostgresUnavailableError
from connectors.postgres.why import Explanation
from schemas.inputs import decoder_of
from tests.choices import MemoryChoices
from tests.devices import AnybodysDevices
from tests.fakes import PlainCipher
from tests.fuzz.documented import driven
from tests.unit.connectors.http.edge import NOW, SECRET, SHOP, SHOP_KEY, entry
from tests.unit.connectors.http.issuer import Desk, token
from tests.unit.connectors.http.test_send_state import MESSAGE, REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.traces import Trace
    from schemas.records import SeenPosted

SEEN = f"POST {PATH}"
DRAWN = 40
FEW = 3
AWAY_EVERY = 5
KEY = NeedsKey("send")
KEY_OF_SCREEN = "ck_live_screen"
SCREEN = {"Authorization": f"Bearer {KEY_OF_SCREEN}"}
CLIENT = {"X-Gateway-Secret": SECRET, "X-Auth-Kind": "client", "X-User-Id": "u-1"}


class Broker:
    """Confirms posts, but for one in five."""

    def __init__(self) -> None:
        self.asked = 0
        self.produced: list[tuple[str, bytes]] = []

    async def __call__(self, record: SeenPosted, headers: Mapping[str, bytes]) -> None:  # noqa: ARG002 - the port's
        self.asked += 1
        if self.asked % AWAY_EVERY == 0:
            raise BrokerUnavailableError

    async def reachable(self) -> str | None:
        self.asked += 1
        return "no broker" if self.asked % AWAY_EVERY == 0 else None

    async def produce(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, bytes]) -> None:  # noqa: ARG002 - the port's
        self.asked += 1
        if self.asked % AWAY_EVERY == 0:
            raise BrokerUnavailableError
        self.produced.append((topic, value))

    async def explain(self, asked: UUID) -> Explanation:
        self.asked += 1
        if self.asked % AWAY_EVERY == 0:
            raise PostgresUnavailableError("away")
        found = ((REQUEST,), (MESSAGE,)) if self.asked % 2 else ((), ())
        return Explanation(str(asked), *found)


async def done() -> None:
    """Nothing to publish."""


def edge_ports(broker: Broker | None = None) -> EdgePorts:
    broker = broker or Broker()
    keys = KeyBook([entry(SHOP, "send", "stats"), entry(KEY_OF_SCREEN, "preferences", "devices")])
    authority = Authority(keys, [SECRET], Desk().tokens(), None, lambda: NOW)
    counted = Counted(authority, Quotas(per_user=9_999_999), lambda: NOW)
    return EdgePorts(
        broker,
        counted.authenticate,
        lambda: NOW,
        HttpMetrics(CollectorRegistry()),
        produce=broker.produce,
        explain=broker.explain,
        keys=KeyDesk(MemoryKeys(), done, lambda: NOW),
        choices=MemoryChoices(),
        devices=AnybodysDevices(),
        cipher=PlainCipher(),
    )


@pytest.mark.parametrize("headers", [{}, CLIENT], ids=["a stranger", "the gateway"])
def test_the_public_port_does_what_its_document_says(headers: dict[str, str]) -> None:
    routes = [route for route in EDGE if isinstance(route.policy, Anyone | ByLink | BySignature | Public)]
    found = driven(edge_app(edge_ports()), encoded(PUBLIC, routes), DRAWN, headers)
    assert {} == found.faults
    assert {(SEEN, 200), (SEEN, 400), (SEEN, 405), (SEEN, 503), ("GET /openapi.json", 200)} <= found.answered


def test_what_needs_a_key_does_what_its_document_says_and_what_is_accepted_can_be_read() -> None:
    broker = Broker()
    routes = [r for r in EDGE if r.policy in {SENDING, STATISTICS} and r.name != "delivery_stats"]
    found = driven(edge_app(edge_ports(broker)), encoded(PUBLIC, routes), DRAWN // 4, SHOP_KEY)
    assert {} == found.faults
    asked = {f"{route.method} {route.path}": {202, 400, 503} for route in routes if route.method == "POST"}
    asked |= {f"{route.method} {route.path}": {200, 404, 503} for route in routes if route.method == "GET"}
    expected = {(label, status) for label, statuses in asked.items() for status in statuses}
    assert set() == expected - found.answered
    assert broker.produced
    for topic, value in broker.produced:
        decoder_of(topic)(value)


def test_the_routes_of_keys_do_what_their_document_says() -> None:
    keys = [route for route in EDGE if route.name.startswith("key_")]
    headers = {"Authorization": f"Bearer {token(sub='ann', roles=['admin'])}"}
    app = app_of(keys, edge_ports(), PUBLIC)
    found = driven(app, encoded(PUBLIC, keys), FEW, headers)
    assert {} == found.faults
    expected = {("POST", "", 201), ("POST", "", 409), ("GET", "", 200), ("DELETE", "/{key_id}", 404)}
    assert {(f"{method} {PREFIX}/keys{path}", status) for method, path, status in expected} <= found.answered


def test_preferences_do_what_their_document_says() -> None:
    """Two refuse what their schema takes: none knows what is mandatory, a name given twice, a zone."""
    everything = [route for route in EDGE if route.policy == PREFERENCES]
    answered: set[tuple[str, int]] = set()
    for is_choice, also_taken in ((True, ["400"]), (False, [])):
        routes = [route for route in everything if (route.name in {"choose", "quiet_hours"}) == is_choice]
        app = app_of(routes, edge_ports(), PUBLIC)
        found = driven(app, encoded(PUBLIC, routes), DRAWN // 2, SCREEN, also_taken)
        assert {} == found.faults
        answered |= found.answered
    paths = {f"{route.method} {route.path}" for route in everything}
    assert paths == {label for label, status in answered if status in {200, 204}}
    assert {status for _, status in answered} >= {400, 404, 503}


def test_the_operations_port_does_what_its_document_says() -> None:
    registry = CollectorRegistry()
    checks = {"kafka": Broker().reachable}
    authenticate = Authority(KeyBook(), []).authenticate
    ports = OpsPorts(checks, checks, {"version": "0.1.0"}, registry, authenticate, HttpMetrics(registry))
    found = driven(ops_app(ports), encoded(OPERATIONS, OPS), DRAWN // 4)
    assert {} == found.faults
    assert {f"GET {route.path}" for route in OPS} == {
        label for label, status in found.answered if status == 200
    }
    assert ("GET /readyz", 503) in found.answered


def changed(change: Callable[[web.Response, Trace], web.Response]) -> Callable[[EdgePorts], Any]:
    """A maker of handlers that answer as `SeenPost`, but for what `change` makes of it."""

    def make(ports: EdgePorts) -> Any:
        right = SeenPost(ports)

        async def handle(request: web.Request, caller: Caller, trace: Trace) -> web.Response:
            return change(await right(request, caller, trace), trace)

        return handle

    return make


def another_status(response: web.Response, _trace: Trace) -> web.Response:
    response.set_status(202)
    return response


def another_type(response: web.Response, _trace: Trace) -> web.Response:
    response.content_type = "text/plain"
    return response


def another_body(_response: web.Response, trace: Trace) -> web.Response:
    return json_response(b"[]", trace.request_id)


def a_header_less(response: web.Response, _trace: Trace) -> web.Response:
    del response.headers["X-Request-Id"]
    return response


def another_code(_response: web.Response, _trace: Trace) -> web.Response:
    raise ProblemError(Code.NOT_FOUND)


def a_defect(_response: web.Response, _trace: Trace) -> web.Response:
    raise ProblemError(Code.INTERNAL)


def take_all(_ports: EdgePorts) -> Any:
    async def handle(_request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        return json_response(b"{}", trace.request_id)

    return handle


def narrowed(ports: EdgePorts) -> Any:
    """Takes only what has a time, which the document says is optional."""
    right = SeenPost(ports)

    async def handle(request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        if b"seen_at" not in await request.read():
            raise ProblemError(Code.INVALID_FIELD)
        return await right(request, caller, trace)

    return handle


PLANTED: dict[str, tuple[Callable[[EdgePorts], Any], str]] = {
    "status": (changed(another_status), "status_code_conformance"),
    "type": (changed(another_type), "content_type_conformance"),
    "body": (changed(another_body), "response_schema_conformance"),
    "header": (changed(a_header_less), "response_headers_conformance"),
    "code": (changed(another_code), "status_code_conformance"),
    "defect": (changed(a_defect), "not_a_server_error"),
    "lenient": (take_all, "negative_data_rejection"),
    "strict": (narrowed, "positive_data_acceptance"),
    "unguarded": (SeenPost, "ignored_auth"),
}


def test_what_is_planted_is_found_and_nothing_else() -> None:
    makers = {"right": SeenPost, "guarded": SeenPost, **{name: make for name, (make, _) in PLANTED.items()}}
    short = OPERATION._replace(headers=())
    routes = [Route(name, "POST", f"/{name}", Anyone(), make, short) for name, make in makers.items()]
    routes[1] = routes[1]._replace(policy=KEY)
    told = [route._replace(policy=KEY) if route.name == "unguarded" else route for route in routes]
    found = driven(app_of(routes, edge_ports(), PUBLIC), encoded(PUBLIC, told), FEW)
    planted = {(check, f"POST /{name}") for name, (_, check) in PLANTED.items()}
    assert set() == planted - found.faults.keys()
    assert [] == [fault for fault in found.faults if fault[1] in {"POST /right", "POST /guarded"}]
    assert {("POST /right", 200), ("POST /guarded", 401)} <= found.answered
