"""A stolen, expired, wrong or another one's credential gets nowhere: the table of docs/security.md.

Each attempt is a request to a running application, which answers with its status and code.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry
from yarl import URL

from connectors.http import openapi
from connectors.http.authority import Authority
from connectors.http.policies import Himself, NeedsRole, OnlyGateway
from connectors.http.ports import EdgePorts
from connectors.http.problems import json_response
from connectors.http.quotas import Counted, Quotas
from connectors.http.routes import Route, app_of
from connectors.metrics import HttpMetrics
from tests.unit.connectors.http.attempts import (
    ADMIN,
    ATTEMPTS,
    GATE,
    MINE,
    NO,
    STAFF,
    WELCOME,
    YOURS,
    Attempt,
    bearer,
    book,
)
from tests.unit.connectors.http.edge import NOW, SECRET, Edge, Served
from tests.unit.connectors.http.issuer import (
    NOW_S,
    RSA_STRANGE,
    Desk,
    token,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.traces import Trace

PAGE = Path(__file__).parents[4] / "docs" / "security.md"


def shows(_ports: EdgePorts) -> Any:
    async def handle(_request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        return json_response(
            msgspec.json.encode({"only": caller.only, "by": caller.actor_id}), trace.request_id
        )

    return handle


@asynccontextmanager
async def door(
    quotas: Quotas | None = None, desk: Desk | None = None
) -> AsyncIterator[tuple[TestClient[Any, Any], CollectorRegistry]]:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    authority = Authority(book(), [SECRET], (desk or Desk()).tokens(), metrics, lambda: NOW)
    authenticate = Counted(authority, quotas or Quotas(per_user=9_999), lambda: NOW).authenticate
    told = openapi.OPERATION
    app = app_of(
        [
            Route(
                "mine",
                "GET",
                "/users/{user_id}",
                Himself("user_id", NeedsRole(ADMIN.roles, "preferences")),
                shows,
                told,
            ),
            Route("staff", "GET", STAFF, ADMIN, shows, told),
            Route("gate", "GET", GATE, OnlyGateway(), shows, told),
        ],
        EdgePorts(Edge().publish, authenticate, lambda: NOW, metrics),
        openapi.PUBLIC,
    )
    async with TestClient(Served(app)) as client:
        yield client, registry


async def answered(client: TestClient[Any, Any], attempt: Attempt) -> str:
    async with client.get(URL(attempt.path, encoded=True), headers=attempt.headers) as response:
        body = await response.json(content_type=None)
        return f"{response.status} {body['code']}" if response.status != 200 else "200"


@pytest.mark.spec("NS-API-003 NS-API-OP-01 NS-API-004 NS-API-OP-02 NS-SEC-004 NS-SEC-010 NS-SEC-011")
async def test_what_is_right_gets_in_and_nothing_of_the_table_does() -> None:
    async with door() as (client, _):
        tried = [*WELCOME, *ATTEMPTS]
        found = [(attempt.what, await answered(client, attempt)) for attempt in tried]
    assert [(attempt.what, attempt.answer) for attempt in tried] == found


def test_the_page_shows_the_table() -> None:
    rows = re.findall(r"^\| (.+?) \| (4\d\d) `(\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert [(attempt.what, *attempt.answer.split()) for attempt in ATTEMPTS] == rows
    assert len({attempt.what for attempt in ATTEMPTS}) == len(ATTEMPTS)


async def test_a_credential_given_twice_is_none() -> None:
    """Whoever passed them on may have looked at the other one."""
    async with door() as (client, _):
        given = [("Authorization", "Bearer ck_live_good1"), ("Authorization", "Bearer ck_live_good1")]
        async with client.get(STAFF, headers=given) as response:
            assert 401 == response.status


async def test_a_refused_token_says_why_in_the_metrics_and_not_to_the_caller() -> None:
    async with door() as (client, registry):
        late = Attempt("", bearer(token(exp=NOW_S - 31)), "")
        strange = Attempt("", bearer(token(RSA_STRANGE)), "")
        assert [NO, NO] == [await answered(client, late), await answered(client, strange)]
    name = "carillon_http_credentials_refused_total"
    counts = [registry.get_sample_value(name, {"reason": reason}) for reason in ("expired", "signature")]
    assert [1.0, 1.0] == counts


@pytest.mark.spec("NS-API-OP-02")
async def test_what_the_handler_learns_of_a_user_binds_him_to_himself() -> None:
    found = []
    async with door() as (client, _):
        for headers in (bearer(token()), bearer(token(roles=["admin", "user"])), bearer("ck_live_good1")):
            async with client.get(MINE, headers=headers) as response:
                found.append(await response.json())
    assert [
        {"only": "u-1", "by": "user:u-1"},
        {"only": None, "by": "user:u-1"},
        {"only": None, "by": "key:good1"},
    ] == found


async def test_before_the_issuers_keys_were_read_a_token_is_told_to_come_again() -> None:
    desk = Desk()
    desk.is_away = True
    async with door(desk=desk) as (client, _):
        assert "503 credentials_unavailable" == await answered(client, Attempt("", bearer(token()), ""))


@pytest.mark.spec("NS-SEC-012 NS-SEC-OP-04")
@pytest.mark.parametrize(
    ("quotas", "headers", "expected"),
    [
        (Quotas(per_user=2), bearer(token()), ["200", "200", "429 throttled"]),
        (Quotas(per_service=2), bearer("ck_live_good1"), ["200", "200", "429 throttled"]),
        (Quotas(per_address=2, is_direct=True), bearer("x"), [NO, NO, "429 throttled"]),
        (Quotas(per_address=2, is_direct=True), bearer("ck_live_x"), [NO, NO, "429 throttled"]),
        (Quotas(per_address=2, is_direct=True), bearer("ck_live_good1"), ["200"] * 3),
        (Quotas(per_address=2), bearer("x"), [NO] * 3),
        (
            Quotas(per_address=2),
            {**bearer("x"), "X-Gateway-Secret": SECRET, "X-Forwarded-For": "192.0.2.7, 10.0.0.1"},
            [NO, NO, "429 throttled"],
        ),
        (
            Quotas(per_address=2),
            {**bearer("x"), "X-Gateway-Secret": "guess", "X-Forwarded-For": "192.0.2.7"},
            [NO] * 3,
        ),
    ],
    ids=["user", "service", "peer", "guessed keys", "key", "unknown", "forwarded", "unproven"],
)
async def test_who_comes_too_often_waits(
    quotas: Quotas, headers: dict[str, str], expected: list[str]
) -> None:
    async with door(quotas) as (client, _):
        attempt = Attempt("", headers, "")
        assert expected == [await answered(client, attempt) for _ in range(3)]


async def test_a_flood_of_guesses_from_an_address_is_stopped_before_anything_is_verified() -> None:
    desk = Desk()
    async with door(Quotas(per_address=1, is_direct=True), desk) as (client, _):
        await answered(client, Attempt("", bearer("x"), ""))
        found = await answered(client, Attempt("", bearer(token()), ""))
    assert ("429 throttled", 0) == (found, desk.asked)


async def test_every_counted_answer_tells_where_the_caller_stands() -> None:
    async with door(Quotas(per_user=60)) as (client, _):
        async with client.get(MINE, headers=bearer(token())) as response:
            told = {name: response.headers[name] for name in ("RateLimit", "RateLimit-Policy")}
        async with client.get(YOURS, headers=bearer(token())) as response:
            assert 403 == response.status
    assert {"RateLimit": '"user";r=59;t=1', "RateLimit-Policy": '"user";q=60;w=60'} == told
