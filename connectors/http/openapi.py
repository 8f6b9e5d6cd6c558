"""The OpenAPI document of a port, made from its table of routes, and the route that shows it."""

from __future__ import annotations

from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from aiohttp import web

from connectors.http.limits import limit_headers, refusals_by_limit
from connectors.http.openapi_security import SCHEMES, refusals, security
from connectors.http.operation import JSON, Answer, Header, Operation, Variable
from connectors.http.problems import (
    CONTENT_TYPE,
    PROBLEMS,
    Code,
    PlainError,
    Problem,
    ProblemError,
    json_response,
    told,
    told_plainly,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.http.policies import Caller
    from connectors.http.routes import Route
    from connectors.http.traces import Trace

PATH = "/openapi.json"
DOCUMENT: Final = web.AppKey("document", bytes)
FORM = "3.1.1"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
REQUEST_ID = "7b1d0b2e-3a52-4c0e-9d5f-2f4b1f0a9c11"
TRACED: Final = (
    Header("traceparent", "W3C trace context, which goes on.", f"00-{TRACE_ID}-b7ad6b7169203331-01"),
    Header("X-Request-Id", "A UUID; anything else counts as absent.", REQUEST_ID),
)
"""Headers that every route reads."""
ANSWERED: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "X-Request-Id": ("The caller's UUID, or one of ours.", {"type": "string", "format": "uuid"}),
    "Retry-After": ("Seconds after which to come back.", {"type": "integer", "minimum": 0}),
    "Idempotent-Replayed": ("The answer was given before under the same key.", {"const": "true"}),
    "RateLimit": ("The limit's name, `r` requests left, `t` seconds until one more.", {"type": "string"}),
    "RateLimit-Policy": ("The limit's name, `q` requests in `w` seconds.", {"type": "string"}),
    "ETag": ("The version in force, to be sent as `If-Match` with the next change.", {"type": "string"}),
    "Location": ("Where to read it, or what becomes of it.", {"type": "string"}),
    "Upgrade": ("What this path speaks.", {"const": "websocket"}),
    "WWW-Authenticate": ("Which credentials are asked for.", {"type": "string"}),
}
"""Headers of answers: a sentence and a schema each."""
EVERYWHERE: Final = (ProblemError(Code.INVALID_REQUEST), ProblemError(Code.INTERNAL))


class About(NamedTuple):
    """Which port a document describes."""

    title: str
    about: str


PUBLIC: Final = About("Carillon", "The public port, behind the client gateway.")
OPERATIONS: Final = About(
    "Carillon operations", "The operations port of a process, for the inner network only."
)
OPERATION: Final = Operation(
    "This document",
    "What this port takes and answers, made from the code that does it.",
    (Answer(200, "An OpenAPI document.", dict[str, Any], {"short": {"openapi": FORM, "paths": {}}}),),
)


class Shown:
    """`GET /openapi.json`: the document of the application that the request came to."""

    def __init__(self, _ports: object) -> None:
        """Needs nothing."""

    async def __call__(self, request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer the document."""
        return json_response(request.app[DOCUMENT], trace.request_id)


def encoded(about: About, routes: Sequence[Route[Any]]) -> bytes:
    """The document as it is sent."""
    return msgspec.json.encode(document(about, routes))


def document(about: About, routes: Sequence[Route[Any]]) -> dict[str, Any]:
    """The document of these routes; equal code gives an equal one."""
    forms = [Problem, PlainError, *(form for route in routes for form in _forms(route.operation))]
    shapes, components = msgspec.json.schema_components(forms, ref_template="#/components/schemas/{name}")
    schemas = dict(zip(forms, shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": FORM,
        "info": {"title": about.title, "description": about.about, "version": version("carillon")},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "parameters": {header.name: _parameter(header) for header in TRACED},
            "securitySchemes": SCHEMES,
        },
    }


def _operation(route: Route[Any], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    """The part of one route."""
    told_of = route.operation
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": told_of.summary,
        "description": told_of.about,
        "security": security(route.policy),
        "parameters": [
            *({"$ref": f"#/components/parameters/{header.name}"} for header in TRACED),
            *(_parameter(header) for header in told_of.headers),
            *(_variable(variable) for variable in told_of.variables),
        ],
        "responses": _responses(route, schemas),
    }
    if told_of.body is not None:
        form, about, examples = told_of.body
        content = {JSON: {"schema": schemas[form], "examples": _examples(examples)}}
        found["requestBody"] = {"required": True, "description": about, "content": content}
    return found


def _responses(route: Route[Any], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    limited = limit_headers(route.policy)
    answers = {str(answer.status): _answer(answer, schemas, limited) for answer in route.operation.answers}
    by_policy = (*refusals(route.policy), *refusals_by_limit(route.policy))
    problems = sorted((*EVERYWHERE, *by_policy, *route.operation.refusals), key=_status)
    write = _refused_plainly if route.operation.has_plain_errors else _refused
    refused = {str(status): write(list(some), schemas) for status, some in groupby(problems, _status)}
    assert not answers.keys() & refused.keys(), f"{route.name}: a status is an answer or a problem, not both"
    return dict(sorted({**answers, **refused}.items()))


def _answer(answer: Answer, schemas: Mapping[Any, Any], limited: set[str]) -> dict[str, Any]:
    if answer.form is None:
        return {"description": answer.about, **_headers({"X-Request-Id", *answer.headers}, limited)}
    content = {"schema": schemas[answer.form], "examples": _examples(answer.examples)}
    headers = _headers({"X-Request-Id", *answer.headers}, limited) if answer.media == JSON else {}
    return {"description": answer.about, **headers, "content": {answer.media: content}}


def _refused(problems: Sequence[ProblemError], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    """All problems of one status: its codes and no others; a header that each of them has is promised."""
    codes = list(dict.fromkeys(problem.code for problem in problems))
    fitting = {
        "properties": {
            "status": {"const": _status(problems[0])},
            "code": {"enum": [code.value for code in codes]},
        }
    }
    names = [set(problem.headers) for problem in problems]
    return {
        "description": " ".join(PROBLEMS[code][1] for code in codes),
        **_headers(set.intersection(*names), set.union(*names)),
        "content": {
            CONTENT_TYPE: {
                "schema": {"allOf": [schemas[Problem], fitting]},
                "examples": _examples({problem.code.value: told(problem, TRACE_ID) for problem in problems}),
            }
        },
    }


def _refused_plainly(problems: Sequence[ProblemError], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    """The same in the form of `PlainError`; what no route sees is a problem all the same."""
    whole = _refused(problems, schemas)
    codes = [code.value for code in dict.fromkeys(problem.code for problem in problems)]
    schema = {"allOf": [schemas[PlainError], {"properties": {"code": {"enum": codes}}}]}
    examples = _examples({problem.code.value: told_plainly(problem) for problem in problems})
    whole["content"] = {JSON: {"schema": schema, "examples": examples}, **whole["content"]}
    return whole


def _headers(promised: set[str], possible: set[str]) -> dict[str, Any]:
    found = {}
    for name in sorted(promised | possible):
        about, schema = ANSWERED[name]
        found[name] = {"description": about, "required": name in promised, "schema": schema}
    return {"headers": found} if found else {}


def _variable(variable: Variable) -> dict[str, Any]:
    name, about, schema, example, where, is_needed, style = variable
    told = {"name": name, "in": where, "description": about, "schema": schema, "example": example}
    if style is not None:
        told |= {"style": style, "explode": True}
    return {**told, "required": True} if where == "path" or is_needed else told


def _parameter(header: Header) -> dict[str, Any]:
    name, about, example, schema = header
    return {"name": name, "in": "header", "description": about, "schema": schema, "example": example}


def _examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": msgspec.to_builtins(value)} for name, value in examples.items()}


def _forms(operation: Operation) -> list[Any]:
    answers = [answer.form for answer in operation.answers if answer.form is not None]
    return answers if operation.body is None else [*answers, operation.body.form]


def _status(problem: ProblemError) -> int:
    return PROBLEMS[problem.code][0]
