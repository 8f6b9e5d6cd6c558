"""What a route says of itself in the OpenAPI document: what it takes, what it answers, how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from connectors.http.problems import ProblemError

JSON = "application/json"
ANY_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
A_UUID: Final[Mapping[str, Any]] = {"type": "string", "format": "uuid"}


class Header(NamedTuple):
    """A header of a request that the route reads; never required.

    `schema`: its form; any text otherwise.
    """

    name: str
    about: str
    example: str
    schema: Mapping[str, Any] = ANY_TEXT


class Variable(NamedTuple):
    """A variable of the path, or a parameter behind it (`query`); `schema` as OpenAPI writes it.

    `is_needed` counts behind the path only; `style`: the form of a list or a mapping there, if it has one.
    """

    name: str
    about: str
    schema: Mapping[str, Any]
    example: Any
    where: Literal["path", "query"] = "path"
    is_needed: bool = False
    style: Literal["form", "deepObject"] | None = None


class Body(NamedTuple):
    """A JSON body. `form`: the type it is decoded into, whose schema is derived; `examples` by name."""

    form: Any
    about: str
    examples: dict[str, Any]


class Answer(NamedTuple):
    """An answer that is no problem. `form`: the type that is encoded, as for `Body`; None: no body.

    `headers`: names of headers that it always has, beside `X-Request-Id`; each stands in `openapi.ANSWERED`.
    """

    status: int
    about: str
    form: Any
    examples: dict[str, Any]
    media: str = JSON
    headers: tuple[str, ...] = ()


class Operation(NamedTuple):
    """One route as clients see it. `refusals`: an example of each problem that its handler may raise.

    The document adds what every route may answer: a request that is no HTTP, a defect of ours, and what its
    policy refuses. `has_plain_errors`: code and message only, as an old form has them (AUD-OP-05).
    """

    summary: str
    about: str
    answers: tuple[Answer, ...]
    refusals: tuple[ProblemError, ...] = ()
    body: Body | None = None
    headers: tuple[Header, ...] = ()
    variables: tuple[Variable, ...] = ()
    has_plain_errors: bool = False
