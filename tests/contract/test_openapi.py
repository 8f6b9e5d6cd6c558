"""The OpenAPI documents and the routes agree, and examples are what the code takes."""

from __future__ import annotations

from collections import UserDict
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from connectors.http import openapi
from connectors.http.identity import HEADERS, identified
from connectors.http.openapi import OPERATIONS, PUBLIC, document, encoded
from connectors.http.operation import Header
from connectors.http.policies import (
    Anyone,
    AtLogin,
    ByLink,
    BySignature,
    Himself,
    NeedsKey,
    NeedsRole,
    OnlyGateway,
    Operations,
    Public,
    Role,
)
from connectors.http.problems import PROBLEMS, Code, ProblemError
from connectors.http.routes import EDGE, OPS, Guarded, Route
from connectors.http.seen import OPERATION
from tests.contract.test_routes import apps, routes
from tests.unit.connectors.http.edge import KEY, SECRET, edge

if TYPE_CHECKING:
    from connectors.http.policies import Policy

ADMIN = frozenset({Role.ADMIN})
TABLES: dict[str, tuple[Route[Any], ...]] = {"edge": EDGE, "ops": OPS}
DOCUMENTS = {"edge": document(PUBLIC, EDGE), "ops": document(OPERATIONS, OPS)}
ROUTES = [pytest.param(route, id=f"{name} {route.name}") for name, table in TABLES.items() for route in table]


@pytest.mark.spec("NS-API-001")
@pytest.mark.parametrize("name", TABLES)
def test_every_route_has_its_operation_and_every_operation_its_route(name: str) -> None:
    served = {
        (method, path) for method, path, handler in routes(apps()[name]) if isinstance(handler, Guarded)
    }
    paths = DOCUMENTS[name]["paths"]
    assert served == {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_a_route_cannot_be_written_down_without_its_operation() -> None:
    given: Any = ("new", "GET", "/new", Anyone(), openapi.Shown)
    with pytest.raises(TypeError, match="operation"):
        Route(*given)


@pytest.mark.parametrize("name", TABLES)
def test_operations_have_ids_of_their_own(name: str) -> None:
    ids = [one["operationId"] for methods in DOCUMENTS[name]["paths"].values() for one in methods.values()]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("route", ROUTES)
def test_examples_are_what_the_code_takes_and_answers(route: Route[Any]) -> None:
    operation = route.operation
    told = [answer for answer in operation.answers if answer.form is not None]
    sides: list[Any] = [*told, *([operation.body] if operation.body else [])]
    for side in sides:
        assert side.examples or side.form is None
        for value in side.examples.values():
            assert value == msgspec.json.decode(msgspec.json.encode(value), type=side.form)


@pytest.mark.parametrize("route", ROUTES)
def test_an_operation_is_told_in_sentences(route: Route[Any]) -> None:
    operation = route.operation
    assert operation.about.endswith(".")
    assert all(answer.about.endswith(".") for answer in operation.answers)
    assert all(header.about.endswith(".") for header in operation.headers)


@pytest.mark.parametrize(
    ("policy", "statuses", "ways"),
    [
        (Public(), set(), []),
        (ByLink(), {"429"}, []),
        (AtLogin(NeedsRole(frozenset())), set(), [{"person": ["user"]}]),
        (BySignature(), set(), []),
        (Anyone(), {"503"}, [{}, {"gatewaySecret": []}, {"apiKey": ["gateway"]}]),
        (OnlyGateway(), {"401", "503"}, [{"gatewaySecret": []}, {"apiKey": ["gateway"]}]),
        (NeedsKey("send"), {"401", "403", "429", "503"}, [{"apiKey": ["send"]}]),
        (NeedsRole(ADMIN), {"401", "403", "429", "503"}, [{"person": ["admin"]}]),
        (
            Himself("user_id", NeedsRole(ADMIN, "preferences")),
            {"401", "403", "429", "503"},
            [{"person": ["admin", "user"]}, {"apiKey": ["preferences"]}],
        ),
        (Operations(), set(), []),
    ],
)
def test_a_policy_says_who_may_call_and_what_others_are_answered(
    policy: Policy, statuses: set[str], ways: list[Any]
) -> None:
    route = Route("shown", "GET", "/shown", policy, openapi.Shown, openapi.OPERATION)
    told = document(PUBLIC, [route])["paths"]["/shown"]["get"]
    assert (ways, {"200", "400", "500"} | statuses) == (told["security"], set(told["responses"]))


def test_a_header_is_promised_when_every_problem_of_the_status_has_it() -> None:
    waiting = ProblemError(Code.BROKER_UNAVAILABLE, headers={"Retry-After": "1"})
    always = openapi.OPERATION._replace(refusals=(waiting,))
    sometimes = openapi.OPERATION._replace(refusals=(waiting, ProblemError(Code.BROKER_UNAVAILABLE)))
    made = [
        document(PUBLIC, [Route("shown", "GET", "/shown", Public(), openapi.Shown, operation)])
        for operation in (always, sometimes)
    ]
    told = [one["paths"]["/shown"]["get"]["responses"]["503"]["headers"]["Retry-After"] for one in made]
    assert [True, False] == [header["required"] for header in told]


def test_every_problem_says_its_codes() -> None:
    answers = DOCUMENTS["edge"]["paths"]["/4.0/mark-notify/v1/seen"]["post"]["responses"]
    told = {
        (status, code)
        for status, answer in answers.items()
        for media, content in answer["content"].items()
        if media == "application/problem+json"
        for code in content["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }
    of_the_policy = (Code.CREDENTIALS_IN_URL, Code.CREDENTIALS_UNAVAILABLE)
    codes = {
        Code.INVALID_REQUEST,
        Code.INTERNAL,
        *of_the_policy,
        *(refusal.code for refusal in OPERATION.refusals),
    }
    assert {(str(PROBLEMS[code][0]), code.value) for code in codes} == told


class Asked(UserDict[str, str]):
    """Headers that remember which of them were asked for."""

    def __init__(self, kind: str) -> None:
        super().__init__({"X-Auth-Kind": kind})
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default) if key == "X-Auth-Kind" else "1"


def test_the_gateways_headers_are_those_that_are_read() -> None:
    asked = [Asked(kind) for kind in ("client", "driver", "none")]
    for headers in asked:
        identified(headers)
    assert {header.name for header in HEADERS} == set().union(*(headers.names for headers in asked))
    assert all(isinstance(header, Header) for header in HEADERS)


async def test_anyone_may_read_the_document_and_finds_no_secret() -> None:
    async with edge() as one, one.client.get("/openapi.json") as response:
        found = await response.read()
    assert (200, encoded(PUBLIC, EDGE)) == (response.status, found)
    assert [] == [secret for secret in (SECRET, KEY) if secret.encode() in found]
