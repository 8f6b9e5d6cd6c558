"""What a route says of itself in the OpenAPI document: what it takes, what it answers, how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from connectors.http.problems import ProblemError

JSON = "application/json"
ANY_TEXT: Final[Mapping[str, Any]] = {"type": "string"}


class Header(NamedTuple):
    """A header or query parameter of a request that the route reads; never required.

    `schema`: its form; any text otherwise.
    """

    name: str
    about: str
    example: str
    schema: Mapping[str, Any] = ANY_TEXT


class Part(NamedTuple):
    """A part of the path that is a UUID."""

    name: str
    about: str
    example: str

    def told(self) -> dict[str, Any]:
        """Its part of the document."""
        return {
            "name": self.name,
            "in": "path",
            "required": True,
            "description": self.about,
            "schema": {"type": "string", "format": "uuid"},
            "example": self.example,
        }


class Query(NamedTuple):
    """A query parameter of a form of its own; a list comes as the parameter again and again."""

    name: str
    about: str
    example: Any
    schema: dict[str, Any]
    required: bool = False
    style: str = "form"

    def told(self) -> dict[str, Any]:
        """Its part of the document."""
        return {
            "name": self.name,
            "in": "query",
            "description": self.about,
            "required": self.required,
            "style": self.style,
            "explode": True,
            "schema": self.schema,
            "example": self.example,
        }


class Body(NamedTuple):
    """A JSON body. `form`: the type it is decoded into, whose schema is derived; `examples` by name."""

    form: Any
    about: str
    examples: dict[str, Any]


class Answer(NamedTuple):
    """An answer that is no problem. `form`: the type that is encoded, as for `Body`."""

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
    parts: tuple[Part, ...] = ()
    queries: tuple[Header | Query, ...] = ()
    has_plain_errors: bool = False
