"""`POST /4.0/mark-notify/v1/seen`: take a display fact, answer 200 once it is durable (SEEN-050…SEEN-056)."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from connectors.http.access import SEEN
from connectors.http.bodies import whole
from connectors.http.identity import HEADERS, STRANGER, Identity, identified
from connectors.http.limits import PER_USER, too_soon
from connectors.http.operation import Answer, Body, Header, Operation
from connectors.http.policies import CallerKind
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError, json_response
from schemas.records import SeenPosted
from schemas.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = SEEN
LONGEST_TAG = 64
LONGEST_ID = 256
LARGEST_BODY = 16 * 1024
NO_NUL = r"^[^\x00]*$"
RETRY_SOON = {"Retry-After": "1"}
LATE = partial(ProblemError, Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
"""Of a body that does not come: 503 and not 408, for clients give a fact up after that (SEEN-OP-05)."""


class SeenBody(msgspec.Struct, omit_defaults=True):
    """What was shown. Unknown fields are ignored."""

    tag: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_TAG,
            pattern=NO_NUL,
            description="Whose notification: the feature.",
        ),
    ]
    id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=LONGEST_ID,
            pattern=NO_NUL,
            description="Which notification of that feature.",
        ),
    ]
    seen_at: Annotated[
        Any,
        Meta(
            description="When it was shown, RFC 3339 with an offset. Anything else, or a time in the future:"
            " the time at which the post came."
        ),
    ] = None


class SeenDone(msgspec.Struct):
    """The fact is durable."""


READ = (
    *HEADERS,
    Header(
        "X-Forwarded-For", "Client addresses, each proxy's added at the end, for the limits.", "192.0.2.7"
    ),
)
OPERATION = Operation(
    summary="A notification was shown",
    about=(
        "Repeat it, with growing pauses, until 200: the fact is then on every in-sync replica. Repeat after"
        " a broken connection, 429, 500 and 503, after 403 once the session is renewed; give up after any"
        " other 4xx. Who saw it is read from the gateway's headers, and only if the caller proves to be the"
        " gateway; else the fact has no user. Each repeat is taken, and dropped further on."
    ),
    headers=READ,
    body=Body(
        SeenBody,
        f"At most {LARGEST_BODY} bytes, whatever its content type says.",
        {
            "seen": SeenBody("promotions", "some-promotion-id"),
            "seen earlier": SeenBody("promotions", "some-promotion-id", "2026-11-20T22:57:29Z"),
        },
    ),
    answers=(Answer(200, "The fact is durable.", SeenDone, {"done": SeenDone()}),),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.INVALID_FIELD, [Fault("/id", "is missing")]),
        ProblemError(Code.IDENTITY_INCOMPLETE, [Fault("", "X-User-Id is missing or unusable")]),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.THROTTLED, headers=too_soon(PER_USER, 11)),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
    ),
)

DONE = msgspec.json.encode(SeenDone())
_DECODER = msgspec.json.Decoder(SeenBody)


class SeenPost:
    """The handler. Every request makes a record, repeats included (SEEN-055)."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports
        self._timeout_s = ports.publish_timeout_ms / 1000

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one post."""
        identity, address = sender(request.headers, caller)
        with counted(self._ports, identity, address):
            if (request.content_length or 0) > LARGEST_BODY:
                raise ProblemError(Code.TOO_LARGE)
            record = posted(await whole(request, LATE), identity, self._ports.now_ms())
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._ports.publish(record, trace.headers())
            except (BrokerUnavailableError, TimeoutError):
                raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON) from None
        self._ports.metrics.seen(record.kind)
        return json_response(DONE, trace.request_id)


def sender(headers: Mapping[str, str], caller: Caller) -> tuple[Identity, str | None]:
    """Who saw it, and the address to count; nothing that a stranger says of himself is believed."""
    identity = identified(headers) if caller.kind is CallerKind.GATEWAY else STRANGER
    return identity, caller.address


@contextmanager
def counted(ports: EdgePorts, identity: Identity, address: str | None, count: int = 1) -> Iterator[None]:
    """Count so many facts, unless the block ends in a 503; `ProblemError` when they come too soon."""
    if ports.throttle is None:
        yield
        return
    refused = ports.throttle(identity.user_key, address, count)
    if refused is not None:
        raise ProblemError(Code.THROTTLED, headers=refused)
    try:
        yield
    except ProblemError as problem:
        if problem.code is Code.BROKER_UNAVAILABLE:
            ports.throttle.give_back(identity.user_key, address, count)
        raise


def posted(raw: bytes, identity: Identity, now: int) -> SeenPosted:
    """Read a body into its record, or raise `ProblemError`. Unknown fields are ignored (SEEN-OP-12)."""
    if len(raw) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    try:
        body = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refusal(raw) from None
    return SeenPosted(
        kind=identity.kind,
        tag=body.tag,
        id=body.id,
        seen_at=_seen_at(body.seen_at, now),
        received_at=now,
        user=identity.user,
        user_key=identity.user_key,
    )


def _seen_at(given: Any, now: int) -> int:
    """Use the client's time when it is one and not in the future (SEEN-OP-13); else the server's counts."""
    if not isinstance(given, str):
        return now
    try:
        at = parse_rfc3339(given)
    except ValueError:
        return now
    return min(at, now)


def _refusal(raw: bytes) -> ProblemError:
    """Say what is wrong with each field; called for bodies that are refused already."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ProblemError(Code.INVALID_JSON)
    if not isinstance(body, dict):
        return ProblemError(Code.INVALID_JSON, [Fault("", "the body is no object")])
    faults = (_fault(body, "tag", LONGEST_TAG), _fault(body, "id", LONGEST_ID))
    errors = [fault for fault in faults if fault]
    return ProblemError(Code.INVALID_FIELD if errors else Code.INVALID_JSON, errors)


def _fault(body: dict[str, Any], name: str, longest: int) -> Fault | None:
    value = body.get(name)
    if not isinstance(value, str):
        return Fault(f"/{name}", "is no text" if name in body else "is missing")
    if not 0 < len(value) <= longest:
        return Fault(f"/{name}", f"must have 1 to {longest} characters")
    return Fault(f"/{name}", "holds the character U+0000") if "\0" in value else None
