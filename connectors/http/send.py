"""`POST /api/v1/notifications/send`: one request, 202 once it is durable (NS-API-055, NS-API-056)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.http.bodies import refusal, whole
from connectors.http.operation import Answer, Body, Operation
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.http.send_form import KEY_HEADER, LARGEST, ROOT, SendBody, asked, header_key, odd, source_of
from connectors.http.traces import new_id
from schemas.topics import SEND_REQUEST
from schemas.words import Channel, Lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.send_form import Asked
    from connectors.http.traces import Trace

PATH = f"{ROOT}/send"
STATE_PATH = f"{ROOT}/stats/messages"
RETRY_SOON = {"Retry-After": "1"}
USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXAMPLE_ID = "5c1f1c4e-2f0b-8d5a-9b1e-6a1f0d2c3b4a"
CONFIRMED = SendBody(
    USER, "order_confirmation", {"order_id": "123", "amount": 1500}, Lane.HIGH, "order-123-confirmed"
)
PLANNED = SendBody(
    USER,
    "marketing_promo",
    {"code": "SPRING"},
    scheduled_at="2027-02-01T09:00:00+03:00",
    channels=[Channel.EMAIL],
    language="en",
)


class Accepted(msgspec.Struct, frozen=True):
    """It is durable and will be decided: `GET …/stats/messages/{id}` says how."""

    id: Annotated[str, Meta(description="Of the request; ids of its messages follow from it.")]
    status: Literal["accepted"] = "accepted"


OPERATION = Operation(
    summary="Notify a user",
    about=(
        "202 says that the request is on every in-sync replica; which channels it takes, if any, is"
        " decided behind it, and told under its id about a second later. With an idempotency key a repeat"
        " has the same id and notifies nobody twice for the type's dedup window (24 h unless it says"
        " otherwise), also when the first answer was lost; the key belongs to the caller and the user. A"
        " key used again for something else is accepted, not sent, and told as `key_reused`. Without a key"
        " a repeat is another notification: repeated after a 503 it may come twice."
    ),
    headers=(KEY_HEADER,),
    body=Body(
        SendBody,
        f"At most {LARGEST} bytes. Unknown fields are refused.",
        {"at once": CONFIRMED, "planned": PLANNED},
    ),
    answers=(
        Answer(202, "It is durable.", Accepted, {"accepted": Accepted(EXAMPLE_ID)}, headers=("Location",)),
    ),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(
            Code.INVALID_FIELD,
            [Fault("/user_id", "is missing"), Fault("/scheduled_at", "is over 90 days ahead")],
        ),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON),
    ),
)
_DECODER = msgspec.json.Decoder(SendBody)


class SendPost:
    """The handler."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer one request."""
        source, key = source_of(caller), header_key(request.headers)
        if (request.content_length or 0) > LARGEST:
            raise ProblemError(Code.TOO_LARGE)
        body = read(await whole(request), self._ports.now_ms())
        one = asked(body, source, key, new_id)
        await accept(self._ports, SEND_REQUEST, [one], source, trace)
        self._ports.metrics.accepted("send", 1)
        location = {"Location": f"{STATE_PATH}/{one.request_id}"}
        return json_response(msgspec.json.encode(Accepted(one.request_id)), trace.request_id, 202, location)


def read(raw: bytes, now: int) -> SendBody:
    """The body, or `ProblemError` with everything that is wrong with it."""
    if len(raw) > LARGEST:
        raise ProblemError(Code.TOO_LARGE)
    try:
        body = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal(raw, SendBody) from None
    if found := odd(body, raw, now):
        raise ProblemError(Code.INVALID_FIELD, found)
    return body


async def accept(ports: EdgePorts, topic: str, records: Sequence[Asked], source: str, trace: Trace) -> None:
    """Return when every in-sync replica has all of them; 503 when that is not known in time."""
    told = {**trace.headers(), "source": source.encode("utf-8", "replace")}

    def written(one: Asked) -> Awaitable[None]:
        headers = {**told, "request_id": one.request_id.encode()}
        return ports.produce(topic, one.key, one.value, headers)

    try:
        async with asyncio.timeout(ports.publish_timeout_ms / 1000):
            if len(records) == 1:  # a task and a gathering of one would be half of what a request costs here
                await written(records[0])
                return
            answers = await asyncio.gather(*map(written, records), return_exceptions=True)
    except (BrokerUnavailableError, TimeoutError):
        raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON) from None
    for answer in answers:
        if isinstance(answer, BrokerUnavailableError):
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=RETRY_SOON)
        if answer is not None:
            raise answer
