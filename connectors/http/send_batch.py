"""`POST /api/v1/notifications/send/batch`: up to 1000 requests, all or none (NS-API-057, NS-API-058)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from connectors.http.bodies import faults, whole
from connectors.http.operation import Answer, Body, Operation
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.http.send import CONFIRMED, EXAMPLE_ID, PLANNED, RETRY_SOON, accept
from connectors.http.send import PATH as SEND_PATH
from connectors.http.send_form import KEY_HEADER, LARGEST, Asked, SendBody, asked, header_key, odd, source_of
from connectors.http.traces import new_id
from schemas.topics import SEND_REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = f"{SEND_PATH}/batch"
MOST_ITEMS = 1_000
MOST_FAULTS = 100
"""So many are told: a batch of which every field is wrong would answer with a megabyte."""
LARGEST_BODY = 4 * 1024 * 1024
ITEMS = "/notifications"


class SendBatch(msgspec.Struct, forbid_unknown_fields=True):
    """Requests of any users, in any order."""

    notifications: Annotated[
        list[SendBody], Meta(min_length=1, max_length=MOST_ITEMS, description="Each as the body of `/send`.")
    ]


class _Items(msgspec.Struct, forbid_unknown_fields=True):
    notifications: list[msgspec.Raw]


OPERATION = Operation(
    summary="Notify many users",
    about=(
        "As many requests of `/send` at once. One that is wrong refuses all, and the pointers say which"
        f" and why (the first {MOST_FAULTS} faults). 202 says that all are on every in-sync replica; the"
        " answer has their ids, in their order. Repeat the whole batch after a 503: an item with a key"
        " that was taken before is recognised. With the header `Idempotency-Key`, an item without a key"
        " has that key with a slash and its place, so the whole repeat is harmless."
    ),
    headers=(KEY_HEADER,),
    body=Body(
        SendBatch,
        f"At most {MOST_ITEMS} items, {LARGEST_BODY} bytes, and {LARGEST} of an item.",
        {"two": SendBatch([CONFIRMED, PLANNED])},
    ),
    answers=(
        Answer(
            202,
            "All are durable. The ids of the requests.",
            list[str],
            {"two": [EXAMPLE_ID, "9b2d1a57-0c3e-8f44-a1b2-77c0d9e8f601"]},
        ),
    ),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.INVALID_FIELD, [Fault(f"{ITEMS}/1/user_id", "is missing")]),
        ProblemError(
            Code.KEY_REPEATED, [Fault(f"{ITEMS}/1/idempotency_key", f"is the key of {ITEMS}/0, too")]
        ),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
    ),
)
_DECODER = msgspec.json.Decoder(_Items)
_ITEM = msgspec.json.Decoder(SendBody)


class BatchPost:
    """The handler."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one batch."""
        source, key = source_of(caller), header_key(request.headers)
        if (request.content_length or 0) > LARGEST_BODY:
            raise ProblemError(Code.TOO_LARGE)
        large = request.clone(client_max_size=LARGEST_BODY)
        bodies = read(await whole(large), self._ports.now_ms())
        records = list(_asked(bodies, source, key))
        await accept(self._ports, SEND_REQUEST, records, source, trace)
        self._ports.metrics.accepted("batch", len(records))
        ids = [record.request_id for record in records]
        return json_response(msgspec.json.encode(ids), trace.request_id, 202)


def _asked(bodies: list[SendBody], source: str, key: str | None) -> Iterator[Asked]:
    for place, body in enumerate(bodies):
        yield asked(body, source, None if key is None else f"{key}/{place}", new_id)


def read(raw: bytes, now: int) -> list[SendBody]:
    """All items, or `ProblemError` with what is wrong with any of them."""
    items = _items(raw)
    bodies: list[SendBody] = []
    found: list[Fault] = []
    for place, item in enumerate(items):
        body, wrong = _item(bytes(item), f"{ITEMS}/{place}", now)
        bodies += [body] if body else []
        found += wrong
        if len(found) >= MOST_FAULTS:
            break
    if found:
        raise ProblemError(Code.INVALID_FIELD, found[:MOST_FAULTS])
    if twice := list(_twice(bodies)):
        raise ProblemError(Code.KEY_REPEATED, twice[:MOST_FAULTS])
    return bodies


def _items(raw: bytes) -> list[msgspec.Raw]:
    try:
        items = _DECODER.decode(raw).notifications
    except msgspec.ValidationError:
        raise ProblemError(Code.INVALID_FIELD, list(_of_batch(raw))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None
    if not 0 < len(items) <= MOST_ITEMS:
        raise ProblemError(Code.INVALID_FIELD, [Fault(ITEMS, f"must have 1 to {MOST_ITEMS} items")])
    return items


def _of_batch(raw: bytes) -> Iterator[Fault]:
    """What is wrong with the object around the items."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None
    if not isinstance(body, dict):
        yield Fault("", "is no object")
        return
    around = {name: value for name, value in body.items() if name != ITEMS[1:]}
    yield from (fault for fault in faults(around, SendBatch) if fault.pointer != ITEMS)
    if not isinstance(body.get(ITEMS[1:]), list):
        yield Fault(ITEMS, "is no list" if ITEMS[1:] in body else "is missing")


def _item(raw: bytes, at: str, now: int) -> tuple[SendBody | None, list[Fault]]:
    if len(raw) > LARGEST:
        return None, [Fault(at, f"has over {LARGEST} bytes")]
    try:
        try:
            body = _ITEM.decode(raw)
        except msgspec.ValidationError:  # behind the first fault may be what is no JSON at all
            return None, list(faults(msgspec.json.decode(raw), SendBody, at))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Code.INVALID_JSON) from None
    wrong = odd(body, raw, now, at)
    return (None if wrong else body), wrong


def _twice(bodies: list[SendBody]) -> Iterator[Fault]:
    """Keys that one user has twice: of the two one would never be sent."""
    first: dict[tuple[str, str], int] = {}
    for place, body in enumerate(bodies):
        if body.idempotency_key is not None:
            known = first.setdefault((body.user_id.lower(), body.idempotency_key), place)
            if known != place:
                yield Fault(f"{ITEMS}/{place}/idempotency_key", f"is the key of {ITEMS}/{known}, too")
