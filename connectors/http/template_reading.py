"""Reads requests about templates, and tells in problems what cannot be done."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import msgspec

from connectors.http import template_bodies
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError
from connectors.postgres.errors import PostgresUnavailableError, RowsRefusedError
from connectors.templates import faults as f
from schemas.errors import RenderFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp import web

    from connectors.templates.shelf import Stored

RETRY = {"Retry-After": "1"}
LONGEST_KEY = 255
UNKNOWN_VERSION = 0
LANGUAGE, NAME = re.compile(template_bodies.LANGUAGE), re.compile(template_bodies.NAME)
Form = TypeVar("Form")


@contextmanager
def told() -> Iterator[None]:
    """Say in problems what the desk says in errors."""
    try:
        yield
    except f.ShelfError as error:
        raise ProblemError(CODES[type(error)], [Fault("", told) for told in error.faults]) from None
    except RenderFailedError as error:
        raise ProblemError(Code.RENDER_FAILED, [Fault("", str(error))]) from None
    except RowsRefusedError:
        raise ProblemError(Code.INVALID_FIELD, [Fault("", "a text holds a character that is none")]) from None
    except PostgresUnavailableError:
        raise ProblemError(Code.DATABASE_UNAVAILABLE, headers=RETRY) from None
    except (BrokerUnavailableError, TimeoutError):
        raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY) from None


CODES: Final[Mapping[type[f.ShelfError], Code]] = {
    f.UnknownTemplateError: Code.NOT_FOUND,
    f.DuplicateTemplateError: Code.DUPLICATE,
    f.RenamedTemplateError: Code.INVALID_FIELD,
    f.ForeignTemplateError: Code.FORBIDDEN,
    f.StaleTemplateError: Code.STALE,
    f.TemplateInUseError: Code.IN_USE,
    f.InvalidTemplateError: Code.INVALID_TEMPLATE,
    f.OtherRequestError: Code.OTHER_REQUEST,
}


def decoded(raw: bytes, form: type[Form]) -> Form:
    """Read a body, or raise `ProblemError` with the place of its first fault."""
    try:
        return msgspec.json.decode(raw, type=form)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at ")
        if "`object`, got" in text and not where:
            raise ProblemError(Code.INVALID_JSON, [Fault("", "the body is no object")]) from None
        raise ProblemError(Code.INVALID_FIELD, [Fault(_pointer(where), text)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None


def _pointer(where: str) -> str:
    """`$.a[0]` as RFC 6901 has it; of keys, only the object that they are of is told."""
    path = where.strip("`").removeprefix("key in ").strip("`").removeprefix("$")
    return path.replace("[...]", "").replace("[", "/").replace("]", "").replace(".", "/")


def request_key(request: web.Request, author: str) -> str | None:
    """The caller's `Idempotency-Key`, told apart from that of others."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not 0 < len(given) <= LONGEST_KEY or not given.isprintable():
        raise wrong(f"Idempotency-Key: must have 1 to {LONGEST_KEY} printable characters")
    return f"{author}:{given}"


def expected_version(request: web.Request) -> int | None:
    """The version of `If-Match`; one that nobody gave is no version."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    number = given.removeprefix("W/").strip('"')
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else UNKNOWN_VERSION  # noqa: PLR2004


def template_id(request: web.Request) -> str:
    """The id in the path; one that is none is not found."""
    return uuid_of(request.match_info["id"])


def uuid_of(text: str) -> str:
    """A UUID in its one form; anything else is not found."""
    try:
        return str(UUID(text))
    except ValueError:
        raise ProblemError(Code.NOT_FOUND) from None


def number_of(request: web.Request, name: str, usual: int, most: int) -> int:
    """A number of the query from 1 on."""
    given = request.query.get(name)
    if given is None:
        return usual
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 11 else 0  # noqa: PLR2004
    if not 1 <= number <= most:
        raise wrong(f"{name}: must be 1 to {most}")
    return number


def word_of(request: web.Request, name: str, form: re.Pattern[str]) -> str | None:
    """A word of the query."""
    given = request.query.get(name)
    if given is not None and not form.fullmatch(given):
        raise wrong(f"{name}: is none")
    return given


def wrong(told: str) -> ProblemError:
    """A problem of the query or the headers."""
    return ProblemError(Code.INVALID_FIELD, [Fault("", told)])


def cursor_of(stored: Stored) -> str:
    """Where a page goes on that ends here."""
    template = stored.template
    place = (template.name, template.channel_type, template.language_code)
    return urlsafe_b64encode(msgspec.json.encode(place)).decode()


def place_of(cursor: str) -> tuple[str, str, str]:
    """What `cursor_of` wrote."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor), type=tuple[str, str, str])
    except (ValueError, msgspec.MsgspecError):
        raise wrong("cursor: is none that was given out") from None
