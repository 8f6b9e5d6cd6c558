"""Bytes of a request → its body, or what is wrong with them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import asdict

from connectors.http.audience.bodies import MOST_COMMUNICATIONS, PersonalCommunication, PublishBody
from connectors.http.audience.slots import LARGEST_BODY, MOST_VALUES
from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import MultiMapping

BODY_S = 60.0
"""To send a body in: it holds a place meanwhile."""
LONGEST_TOKEN = 64
TOKEN_HEADER = "X-Idempotency-Token"  # noqa: S105 - the header's name
KEY_HEADER = "Idempotency-Key"
TOKEN_HEADERS = (TOKEN_HEADER, KEY_HEADER)
"""The specification's name, and the one that every other POST here takes."""
_PLACE = re.compile(r"\[(\d+|\.\.\.)\]")

B = TypeVar("B", bound=msgspec.Struct)
Bytes = bytes | bytearray | Raw


class Reader(Generic[B]):
    """Decodes one kind of body."""

    def __init__(self, form: type[B]) -> None:
        self._decoder = msgspec.json.Decoder(form)

    def __call__(self, raw: Bytes, place: str = "") -> B:
        """The body; `ProblemError` (400) with the first fault of its names, types and lengths.

        `place`: where the bytes stand in the whole body.
        """
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise _fault(error, place) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ProblemError(Code.INVALID_JSON) from None


class _Outer(PublishBody, frozen=True, kw_only=True):
    """A publish request whose personal communications are not looked into yet."""

    personal_communications: list[Raw] | UnsetType = UNSET  # type: ignore[assignment] # narrower than it will be


class PublishReader:
    """Decodes a publish request item by item: a call of the decoder holds up all other threads."""

    def __init__(self) -> None:
        self._outer = Reader(_Outer)
        self._item = Reader(PersonalCommunication)

    def __call__(self, raw: Bytes) -> PublishBody:
        """As `Reader`; too many items are a 413 before any of them is decoded (AUD-OP-22)."""
        outer: Any = self._outer(raw)
        items = outer.personal_communications
        if items is UNSET:
            return PublishBody(**asdict(outer))
        where = "/personal_communications"
        if len(items) > MOST_COMMUNICATIONS:
            raise ProblemError(Code.TOO_LARGE, [Fault(where, f"has more than {MOST_COMMUNICATIONS} items")])
        decoded = [self._item(item, f"{where}/{number}") for number, item in enumerate(items)]
        return PublishBody(**{**asdict(outer), "personal_communications": decoded})


def _fault(error: msgspec.ValidationError, place: str) -> ProblemError:
    text, _, where = str(error).partition(" - at `")
    path = where.removesuffix("`").removeprefix("$")
    pointer = _PLACE.sub(r"/\1", path).replace(".", "/")
    return ProblemError(Code.INVALID_FIELD, [Fault(place + pointer, text)])


async def whole_body(request: web.Request, most: int = LARGEST_BODY) -> bytearray:
    """The body, if it has at most `most` bytes and `MOST_VALUES` commas; else a 413, and no more is read.

    A 408 when it takes longer than `BODY_S`.
    """
    if (request.content_length or 0) > most:
        raise ProblemError(Code.TOO_LARGE)
    raw, commas = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.content.iter_any():
                raw += part
                commas += part.count(b",")
                if len(raw) > most or commas > MOST_VALUES:
                    raise ProblemError(Code.TOO_LARGE)
    except TimeoutError:
        raise ProblemError(Code.REQUEST_TIMEOUT) from None
    return raw


def idempotency_key(headers: MultiMapping[str], request_id: str) -> str:
    """The token if there is one, under either name, else the id of the request (AUD-OP-10)."""
    tokens = {token for name in TOKEN_HEADERS for token in headers.getall(name, [])}
    if not tokens:
        return request_id
    token = tokens.pop()
    if tokens:
        raise _unusable("two tokens came; which one names the request?")
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise _unusable(f"{TOKEN_HEADER} must have 1 to {LONGEST_TOKEN} characters")
    if not _is_text(token):
        raise _unusable(f"{TOKEN_HEADER} must be UTF-8")
    return token


def _unusable(why: str) -> ProblemError:
    return ProblemError(Code.INVALID_FIELD, [Fault("", why)])


def _is_text(token: str) -> bool:
    """Whether it can be written; aiohttp stands in for bytes that are no UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in token)
