"""`POST /4.0/mark-notify/v1/seen/batch`: many display facts of one sender at once, an addition to the spec.

For what a client could not send while it was away, and for a page that is being closed: any content type is
taken, so `navigator.sendBeacon` needs no question to the server first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from connectors.http.bodies import whole
from connectors.http.operation import Answer, Body, Operation
from connectors.http.policies import CallerKind
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import PROBLEMS, Code, Fault, ProblemError, json_response
from connectors.http.seen import LATE, READ, RETRY_SOON, counted, posted, sender
from connectors.http.seen import OPERATION as SEEN
from connectors.http.seen import PATH as SEEN_PATH

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.http.identity import Identity
    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace
    from schemas.records import SeenPosted

PATH = f"{SEEN_PATH}/batch"
MOST_ITEMS = 500
MOST_OF_STRANGERS = 20
"""Nobody counts what strangers send, so one request of theirs makes no flood."""
OF_STRANGERS = Fault("/items", f"must have 1 to {MOST_OF_STRANGERS} items; the gateway may send more")
LARGEST_BODY = 512 * 1024


class SeenBatch(msgspec.Struct):
    """What was shown, in any order. Unknown fields are ignored."""

    items: Annotated[
        list[Any],
        Meta(
            min_length=1,
            max_length=MOST_ITEMS,
            description="Each as the body of `/seen`. One that is none gets its own 400 and stops no other.",
        ),
    ]


class SeenItem(msgspec.Struct, omit_defaults=True):
    """What became of one item."""

    status: Annotated[
        int,
        Meta(
            description="200: durable, forget it. Anything else: it never will be, forget it, too.",
            ge=200,
            le=499,
        ),
    ]
    code: Annotated[Code | None, Meta(description="Why it was refused.")] = None
    errors: Annotated[tuple[Fault, ...], Meta(description="What is wrong with it.")] = ()


class SeenBatchDone(msgspec.Struct):
    """Every item was dealt with."""

    results: Annotated[list[SeenItem], Meta(description="One for each item, in their order.")]


class _Items(msgspec.Struct):
    items: list[msgspec.Raw]


OPERATION = Operation(
    summary="Many notifications were shown",
    about=(
        "As many posts of `/seen` at once, of the user whom the gateway's headers name. 200 says that each"
        " item with the status 200 is on every in-sync replica. Repeat the whole batch when you would repeat"
        " a post: an item that was taken before is recognised. The limits count items."
    ),
    headers=READ,
    body=Body(
        SeenBatch,
        f"At most {MOST_ITEMS} items ({MOST_OF_STRANGERS} of a caller that is not the gateway) and"
        f" {LARGEST_BODY} bytes, whatever its content type says; a beacon sends `text/plain`.",
        {
            "two": SeenBatch(
                [
                    {"tag": "promotions", "id": "one"},
                    {"tag": "wallet", "id": "two", "seen_at": "2026-11-20T22:57:29Z"},
                ]
            )
        },
    ),
    answers=(
        Answer(
            200,
            "Each item has its result.",
            SeenBatchDone,
            {
                "done": SeenBatchDone([SeenItem(200), SeenItem(200)]),
                "one refused": SeenBatchDone(
                    [SeenItem(200), SeenItem(400, Code.INVALID_FIELD, (Fault("/id", "is missing"),))]
                ),
            },
        ),
    ),
    refusals=(
        *(
            ProblemError(Code.INVALID_FIELD, [Fault("/items", f"must have 1 to {MOST_ITEMS} items")])
            if problem.code is Code.INVALID_FIELD
            else problem
            for problem in SEEN.refusals
        ),
        ProblemError(Code.FORBIDDEN, [OF_STRANGERS]),
    ),
)
_DECODER = msgspec.json.Decoder(_Items)
_TAKEN = SeenItem(200)


class BatchPost:
    """The handler. Every good item makes a record, repeats included (SEEN-055)."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports
        self._timeout_s = ports.publish_timeout_ms / 1000

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one batch: all of its good items are durable, or it is to be repeated."""
        identity, address = sender(request.headers, caller)
        if (request.content_length or 0) > LARGEST_BODY:
            raise ProblemError(Code.TOO_LARGE)
        items = items_in(await whole(request, LATE))
        if caller.kind is not CallerKind.GATEWAY and len(items) > MOST_OF_STRANGERS:
            raise ProblemError(Code.FORBIDDEN, [OF_STRANGERS])
        with counted(self._ports, identity, address, len(items)):
            results, records = taken(items, identity, self._ports.now_ms())
            await self._publish(records, trace)
        for record in records:
            self._ports.metrics.seen(record.kind)
        return json_response(msgspec.json.encode(SeenBatchDone(results)), trace.request_id)

    async def _publish(self, records: list[SeenPosted], trace: Trace) -> None:
        headers = trace.headers()
        try:
            async with asyncio.timeout(self._timeout_s):
                sent = (self._ports.publish(record, headers) for record in records)
                answers = await asyncio.gather(*sent, return_exceptions=True)
        except TimeoutError:
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON) from None
        for answer in answers:
            if isinstance(answer, BrokerUnavailableError):
                raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
            if answer is not None:
                raise answer


def items_in(raw: bytes) -> list[msgspec.Raw]:
    """The items, not decoded yet; `ProblemError` for what is no batch."""
    try:
        items = _DECODER.decode(raw).items
    except msgspec.ValidationError:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/items", "is missing, or no list")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None
    if not 0 < len(items) <= MOST_ITEMS:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/items", f"must have 1 to {MOST_ITEMS} items")])
    return items


def taken(items: list[msgspec.Raw], identity: Identity, now: int) -> tuple[list[SeenItem], list[SeenPosted]]:
    """The result of each item should the broker take its record, and the records."""
    results: list[SeenItem] = []
    records: list[SeenPosted] = []
    for item in items:
        try:
            records.append(posted(bytes(item), identity, now))
        except ProblemError as problem:
            results.append(SeenItem(PROBLEMS[problem.code][0], problem.code, tuple(problem.errors)))
        else:
            results.append(_TAKEN)
    return results, records
