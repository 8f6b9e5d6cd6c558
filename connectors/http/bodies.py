"""A strict body: read at once when it is right, and every fault of it told when it is not."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from connectors.http.problems import Code, Fault, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp import web

BODY_S = 60.0
"""To send a body in, as for audiences."""
LATE = partial(ProblemError, Code.REQUEST_TIMEOUT)
_PLACE = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_REGEX = re.compile(r" matching regex .*")


async def whole(request: web.Request, late: Callable[[], ProblemError] = LATE) -> bytes:
    """The body; `late` when it takes longer than `BODY_S`. Mostly it came with the headers."""
    if request.content.is_eof():
        return await request.read()
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise late() from None


def refusal(raw: bytes, form: type[msgspec.Struct]) -> ProblemError:
    """The problem of a body that is no `form`: all that is wrong with it. Called for refused bodies only."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ProblemError(Code.INVALID_JSON)
    found = list(faults(body, form))
    return ProblemError(Code.INVALID_FIELD, found) if found else ProblemError(Code.INVALID_JSON)


def faults(body: Any, form: type[msgspec.Struct], at: str = "") -> Iterator[Fault]:
    """Every fault of a decoded value that is to be a `form` and knows no other fields; `at`: its pointer."""
    if not isinstance(body, dict):
        yield Fault(at, "is no object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(form)}
    for name, field in fields.items():
        if name in body:
            yield from _fault(body[name], field.type, f"{at}/{name}")
        elif field.required:
            yield Fault(f"{at}/{name}", "is missing")
    yield from (Fault(f"{at}/{_escaped(name)}", "is not known") for name in body if name not in fields)


def _fault(value: Any, kind: Any, at: str) -> Iterator[Fault]:
    """At most one, and where in the value it is."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        steps = _STEP.findall(place[1]) if place else ()
        inner = "".join(f"/{_escaped(name or number)}" for name, number in steps)
        yield Fault(at + inner, _detail(_PLACE.sub("", text)))


def _detail(text: str) -> str:
    """What msgspec says, without regular expressions: what a text must be, the document says."""
    return _REGEX.sub(" of the form that the document names", text.replace("`", ""))


def _escaped(name: str) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
