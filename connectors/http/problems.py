"""Every error answer, RFC 9457: a closed list of codes, each with its status and its sentence."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTENT_TYPE = "application/problem+json"
SERVER = "carillon"


class Code(StrEnum):
    """What went wrong; the status and the sentence are in `PROBLEMS`."""

    INVALID_REQUEST = "invalid_request"
    INVALID_JSON = "invalid_json"
    INVALID_FIELD = "invalid_field"
    CREDENTIALS_IN_URL = "credentials_in_url"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    IDENTITY_INCOMPLETE = "identity_incomplete"
    INVALID_TEMPLATE = "invalid_template"
    RENDER_FAILED = "render_failed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    KEY_REPEATED = "key_repeated"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    IN_USE = "in_use"
    STALE = "stale"
    TOO_LARGE = "too_large"
    NO_UPGRADE = "no_upgrade"
    UNKNOWN_LABEL = "unknown_label"
    NO_RESOLVER = "no_resolver"
    OTHER_REQUEST = "other_request"
    THROTTLED = "throttled"
    BUSY = "busy"
    BROKER_UNAVAILABLE = "broker_unavailable"
    CREDENTIALS_UNAVAILABLE = "credentials_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    CATCHING_UP = "catching_up"
    INTERNAL = "internal"


PROBLEMS: dict[Code, tuple[int, str]] = {
    Code.INVALID_REQUEST: (400, "The request is no HTTP that is understood here."),
    Code.INVALID_JSON: (400, "The body is no JSON object in UTF-8."),
    Code.INVALID_FIELD: (400, "A field is missing or has a wrong type or length."),
    Code.CREDENTIALS_IN_URL: (
        400,
        "A credential stands in the address, which is logged on its way; change it and send it as a header.",
    ),
    Code.UNAUTHENTICATED: (401, "The request carries no valid credentials."),
    Code.FORBIDDEN: (403, "The credentials do not allow this."),
    Code.IDENTITY_INCOMPLETE: (403, "The gateway's headers do not name the session's user."),
    Code.INVALID_TEMPLATE: (400, "The template could not be sent as it is."),
    Code.RENDER_FAILED: (400, "The template cannot be rendered with this data."),
    Code.NOT_FOUND: (404, "There is nothing under this path."),
    Code.METHOD_NOT_ALLOWED: (405, "This path does not take this method."),
    Code.KEY_REPEATED: (409, "One idempotency key stands at two requests for one user."),
    Code.REQUEST_TIMEOUT: (408, "The body did not come in time."),
    Code.CONFLICT: (409, "It contradicts what is there already, or what came under the same token."),
    Code.DUPLICATE: (409, "There is one of this name already."),
    Code.IN_USE: (409, "Something else needs it."),
    Code.STALE: (412, "Another version is in force than the one this change was made for."),
    Code.TOO_LARGE: (413, "The body is too large."),
    Code.NO_UPGRADE: (426, "This path speaks WebSocket: ask for an upgrade."),
    Code.UNKNOWN_LABEL: (404, "No such label or request is known."),
    Code.NO_RESOLVER: (502, "No resolver says whom the query selects; nothing was published."),
    Code.OTHER_REQUEST: (422, "The idempotency key belongs to another request."),
    Code.THROTTLED: (429, "Too many requests; come back after Retry-After seconds."),
    Code.BUSY: (503, "Too many requests at once; come back after Retry-After seconds."),
    Code.BROKER_UNAVAILABLE: (503, "The broker did not confirm the record; it may be sent again."),
    Code.CREDENTIALS_UNAVAILABLE: (503, "Credentials cannot be checked at the moment; come again."),
    Code.DATABASE_UNAVAILABLE: (503, "The database cannot be used at the moment; come again."),
    Code.CATCHING_UP: (
        503,
        "What the answer needs has not been read yet; come back after Retry-After seconds.",
    ),
    Code.INTERNAL: (500, "An unexpected error; the trace id finds it in the logs."),
}


class Fault(msgspec.Struct, frozen=True):
    """One wrong field, or another reason."""

    pointer: Annotated[str, Meta(description="RFC 6901, from the body's root; empty: the whole request.")]
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """An error (RFC 9457)."""

    type: Annotated[str, Meta(description="`urn:carillon:problem:` and the code.")]
    title: Annotated[str, Meta(description="The code's sentence, for people.")]
    status: Annotated[int, Meta(description="The status of the answer.")]
    detail: Annotated[str, Meta(description="What is wrong with this request, in one line, for people.")]
    code: Annotated[Code, Meta(description="For programs; the list is closed.")]
    errors: Annotated[tuple[Fault, ...], Meta(description="What is wrong in particular; often empty.")]
    trace_id: Annotated[
        str, Meta(pattern="^[0-9a-f]{32}$", description="W3C trace id; finds the request in our logs.")
    ]


class ProblemError(Exception):
    """Ends a request with a problem. `headers` go into the answer."""

    def __init__(
        self, code: Code, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.headers = headers or {}


def told(problem: ProblemError, trace_id: str) -> Problem:
    """The document of a problem."""
    status, sentence = PROBLEMS[problem.code]
    return Problem(
        type=f"urn:carillon:problem:{problem.code}",
        title=sentence,
        status=status,
        detail=_in_one_line(problem),
        code=problem.code,
        errors=tuple(problem.errors),
        trace_id=trace_id,
    )


def problem_response(problem: ProblemError, trace_id: str) -> web.Response:
    """Turn a problem into its answer."""
    return web.Response(
        status=PROBLEMS[problem.code][0],
        body=msgspec.json.encode(told(problem, trace_id)),
        content_type=CONTENT_TYPE,
        headers={"Server": SERVER, **problem.headers},
    )


class PlainError(msgspec.Struct, frozen=True):
    """An error of an old form (AUD-OP-05)."""

    code: Code
    message: str


def told_plainly(problem: ProblemError) -> PlainError:
    """Code and sentence, with what is wrong in particular."""
    return PlainError(problem.code, _in_one_line(problem))


def _in_one_line(problem: ProblemError) -> str:
    details = (f" {fault.pointer} {fault.detail}".rstrip() for fault in problem.errors)
    return PROBLEMS[problem.code][1] + ";".join(details)


def plain_response(problem: ProblemError, _trace_id: str) -> web.Response:
    """As `problem_response`, for routes of an old form."""
    return web.Response(
        status=PROBLEMS[problem.code][0],
        body=msgspec.json.encode(told_plainly(problem)),
        content_type="application/json",
        headers={"Server": SERVER, **problem.headers},
    )


def json_response(
    body: bytes, request_id: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Wrap an encoded JSON body; `headers` beside those that every answer has."""
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={"Server": SERVER, "X-Request-Id": request_id, **(headers or {})},
    )
