"""Bytes of a request → its body, or what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from aiohttp import web

LARGEST_BODY = 16 << 20
LONGEST_TOKEN = 64
TOKEN_HEADER = "X-Idempotency-Token"  # noqa: S105 - the header's name
_PLACE = re.compile(r"\[(\d+|\.\.\.)\]")

B = TypeVar("B", bound=msgspec.Struct)


class Reader(Generic[B]):
    """Decodes one kind of body."""

    def __init__(self, form: type[B]) -> None:
        self._decoder = msgspec.json.Decoder(form)

    def __call__(self, raw: bytes) -> B:
        """The body; `ProblemError` (400) with the first fault of its names, types and lengths."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise _fault(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ProblemError(Code.INVALID_JSON) from None


def _fault(error: msgspec.ValidationError) -> ProblemError:
    text, _, where = str(error).partition(" - at `")
    path = where.removesuffix("`").removeprefix("$")
    pointer = _PLACE.sub(r"/\1", path).replace(".", "/")
    return ProblemError(Code.INVALID_FIELD, [Fault(pointer, text)])


async def whole_body(request: web.Request) -> bytes:
    """The body, if it is not over `LARGEST_BODY`; else a 413, before the rest of it is read (AUD-OP-21)."""
    if (request.content_length or 0) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    raw = bytearray()
    async for part in request.content.iter_any():
        raw += part
        if len(raw) > LARGEST_BODY:
            raise ProblemError(Code.TOO_LARGE)
    return bytes(raw)


def idempotency_key(token: str | None, request_id: str) -> str:
    """The token if there is one, else the id of the request (AUD-OP-10)."""
    if token is None:
        return request_id
    if not 1 <= len(token) <= LONGEST_TOKEN:
        raise ProblemError(
            Code.INVALID_FIELD, [Fault("", f"{TOKEN_HEADER} must have 1 to {LONGEST_TOKEN} characters")]
        )
    return token
