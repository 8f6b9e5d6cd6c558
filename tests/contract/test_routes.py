"""Every route of every application has a decision on who may call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.http.access import TABLE
from connectors.http.authority import Authority
from connectors.http.policies import (
    Anyone,
    ByLink,
    BySignature,
    Himself,
    NeedsRole,
    Operations,
    Policy,
    Public,
    Role,
)
from connectors.http.ports import EdgePorts, OpsPorts
from connectors.http.problems import PROBLEMS, Code
from connectors.http.routes import Guarded, Refused, edge_app, ops_app
from connectors.metrics import METRICS, HttpMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.records import SeenPosted

POLICIES = get_args(Policy)
OPEN_TO_STRANGERS = {
    ("POST", "/4.0/mark-notify/v1/seen"),
    ("POST", "/4.0/mark-notify/v1/seen/batch"),
    ("GET", "/api/v1/notifications/unsubscribe"),
    ("POST", "/api/v1/notifications/unsubscribe"),
    ("GET", "/api/v1/notifications/preferences"),
    ("POST", "/api/v1/notifications/preferences"),
    ("POST", "/api/v1/notifications/webhooks/{channel}/{provider}"),
    ("GET", "/api/v1/notifications/webhooks/{channel}/{provider}"),
    ("GET", "/api/v1/notifications/health"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/page.js"),
    ("GET", "/docs/page.css"),
    ("GET", "/api/v1/notifications/mailbox/page"),
    ("GET", "/api/v1/notifications/mailbox/page.js"),
    ("GET", "/api/v1/notifications/mailbox/page.css"),
}
"""Routes that anyone may call, each with a reason: SEEN-040 and SEEN-OP-09; the document is public; a link
carries its own proof (NS-API-OP-10), what a provider posts is signed (NS-API-OP-01); NS-API-063."""


async def publish(record: SeenPosted, headers: Mapping[str, bytes]) -> None:
    """Write nowhere."""


def apps() -> dict[str, web.Application]:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    authenticate = Authority(KeyBook(), []).authenticate
    return {
        "edge": edge_app(EdgePorts(publish, authenticate, lambda: 0, metrics)),
        "ops": ops_app(OpsPorts({}, {}, {}, registry, authenticate, metrics)),
    }


def routes(app: web.Application) -> list[tuple[str, str, object]]:
    return [
        (
            route.method,
            route.resource.canonical if route.resource else "",
            getattr(route.handler, "__self__", route.handler),
        )
        for route in app.router.routes()
    ]


def undecided(app: web.Application) -> list[tuple[str, str]]:
    """Routes whose handler neither passes `authenticate` under a policy nor only refuses."""
    return [
        (method, path)
        for method, path, handler in routes(app)
        if not isinstance(handler, Refused)
        and not (isinstance(handler, Guarded) and isinstance(handler.route.policy, POLICIES))
    ]


@pytest.mark.spec("NS-SEC-010")
@pytest.mark.parametrize("name", ["edge", "ops"])
def test_every_route_has_a_decision(name: str) -> None:
    assert undecided(apps()[name]) == []


def test_route_added_past_the_table_is_found() -> None:
    async def bare(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/bare", bare)
    assert ("GET", "/bare") in undecided(app)


@pytest.mark.spec("SEEN-OP-09 NS-API-OP-01 NS-SEC-010")
def test_only_the_listed_routes_are_open_to_strangers() -> None:
    found = {
        (method, path)
        for app in apps().values()
        for method, path, handler in routes(app)
        if isinstance(handler, Guarded)
        and isinstance(handler.route.policy, Anyone | ByLink | BySignature | Public)
    }
    assert found == OPEN_TO_STRANGERS


@pytest.mark.spec("NS-SEC-004")
def test_every_public_route_has_the_policy_of_its_row_in_the_access_table() -> None:
    rows = {(row.method, row.path): row.policy for row in TABLE}
    assert len(TABLE) == len(rows)
    served = {
        (method, path): handler.route.policy
        for method, path, handler in routes(apps()["edge"])
        if isinstance(handler, Guarded)
    }
    assert served.items() <= rows.items()


def test_what_users_call_names_whose_it_is_or_leaves_it_to_the_handler() -> None:
    """A path with the user's id is compared before any handler runs."""
    wrong = [
        row
        for row in TABLE
        if isinstance(row.policy, Himself) and (row.policy.user_in is not None) != ("{user_id}" in row.path)
    ]
    assert [] == wrong
    assert [] == [row for row in TABLE if isinstance(row.policy, NeedsRole) and Role.USER in row.policy.roles]


def test_operations_are_not_on_the_public_port() -> None:
    policies = [type(h.route.policy) for _, _, h in routes(apps()["edge"]) if isinstance(h, Guarded)]
    assert Operations not in policies


@pytest.mark.spec("NS-API-OP-03")
def test_every_problem_has_a_status_and_a_sentence() -> None:
    assert set(Code) == set(PROBLEMS)
    assert all(400 <= status < 600 and sentence.endswith(".") for status, sentence in PROBLEMS.values())


@pytest.mark.spec("SEEN-OP-20")
def test_metric_names_and_labels_keep_the_conventions() -> None:
    names = [metric.name for metric in METRICS]
    assert sorted(set(names)) == sorted(names)
    assert all(name.startswith("carillon_") for name in names)
    labels = {label for metric in METRICS for label in metric.labels}
    assert labels <= {
        *("channel", "provider", "verdict", "route", "status", "kind", "topic", "reason"),
        *(
            "operation",
            "tag",
            "destination",
            "decision",
            "result",
            "notification_type",
            "change",
            "cause",
            *("budget", "period"),
        ),  # budgets, tags, destinations and types as configured: SEEN-OP-20
    }
    assert all(metric.sentence.endswith(".") for metric in METRICS)
