"""`/api/v1/notifications/quarantine`: what is far above its average, and what becomes of it (NS-SEC-OP-07).

An order leaves a line in the audit log first; it is durable before it is answered, and done within seconds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.http.access import PREFIX
from connectors.http.bodies import refusal, whole
from connectors.http.noting import noted
from connectors.http.operation import Answer, Body, Operation
from connectors.http.ports import BrokerUnavailableError
from connectors.http.problems import Code, Fault, ProblemError, json_response
from connectors.postgres.audit import Change
from schemas.codec import encode
from schemas.quarantine_words import LONGEST_APPROVAL_MS, Order, flow_key
from schemas.records import AnomalyFound, QuarantineOrdered
from schemas.times import parse_rfc3339, rfc3339
from schemas.topics import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from connectors.http.policies import Caller
    from connectors.http.ports import EdgePorts
    from connectors.http.traces import Trace

PATH = f"{PREFIX}/quarantine"
LARGEST_BODY = 4_096
SOON = {"Retry-After": "1"}
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


class OrderBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is wanted of which flow."""

    source: Annotated[
        str, Meta(min_length=1, max_length=255, pattern=PRINTABLE, description="The producing service.")
    ]
    notification_type: Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)]
    order: Annotated[
        Literal["release", "reject", "approve"],
        Meta(
            description="`release`: what waits goes out, and as many are usual from now on. `reject`: what "
            "waits ends, what comes is held as before. `approve`: nothing is judged until a time."
        ),
    ]
    until: Annotated[str, Meta(description="RFC 3339, of an approval: at most a year ahead.")] | None = None


class Anomaly(msgspec.Struct):
    """One flow that is far above its average."""

    source: str
    notification_type: str
    since: str
    count: Annotated[int, Meta(description="Requests of the minute that showed it.")]
    average: Annotated[int, Meta(description="Of a minute before it.")]
    is_held: Annotated[bool, Meta(description="Its requests wait; else it is only told, and all pass.")]
    waiting: Annotated[int, Meta(description="So many requests, some seconds ago.")]


class Anomalies(msgspec.Struct):
    """All there are."""

    items: list[Anomaly]


class Ordered(msgspec.Struct, omit_defaults=True):
    """The order is durable."""

    source: str
    notification_type: str
    order: str
    until: str | None = None


class Show:
    """`GET /quarantine`."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports

    async def __call__(self, _request: web.Request, _caller: Caller, trace: Trace) -> web.Response:
        """Answer what is anomalous now."""
        items = [shown(each) for each in await found(self._ports)]
        return json_response(msgspec.json.encode(Anomalies(items)), trace.request_id)


class Give:
    """`POST /quarantine`; again is as good as once, but a second reject ends what came since the first."""

    def __init__(self, ports: EdgePorts) -> None:
        self._ports = ports
        self._timeout_s = ports.publish_timeout_ms / 1000

    async def __call__(self, request: web.Request, caller: Caller, trace: Trace) -> web.Response:
        """Answer when every in-sync replica has the order."""
        body = await _body(request)
        until = _until(body, self._ports.now_ms())
        name = {"source": body.source, "notification_type": body.notification_type}
        order = QuarantineOrdered(**name, order=body.order, until=until)
        known = among(await found(self._ports), order)
        if is_pointless(order, known):
            raise ProblemError(Code.NOT_FOUND)
        await noted(self._ports, caller, change_of(order, known))
        await self._produce(order, trace)
        told = Ordered(**name, order=body.order, until=None if until is None else rfc3339(until))
        return json_response(msgspec.json.encode(told), trace.request_id, 202)

    async def _produce(self, order: QuarantineOrdered, trace: Trace) -> None:
        key = flow_key(order.source, order.notification_type)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ports.produce(QUARANTINE, key, encode(order), trace.headers())
        except (BrokerUnavailableError, TimeoutError):
            raise ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON) from None


async def found(ports: EdgePorts) -> list[AnomalyFound]:
    """What is anomalous; 503 when Kafka is away."""
    if ports.list_anomalies is None:
        raise ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON)
    try:
        return await ports.list_anomalies()
    except ConnectionError:
        raise ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON) from None


def shown(one: AnomalyFound) -> Anomaly:
    """As people read it."""
    return Anomaly(
        one.source,
        one.notification_type,
        rfc3339(one.since),
        one.count,
        one.average,
        one.is_held,
        one.waiting,
    )


def among(anomalies: Iterable[AnomalyFound], order: QuarantineOrdered) -> AnomalyFound | None:
    """The one that an order is about."""
    name = (order.source, order.notification_type)
    return next((each for each in anomalies if (each.source, each.notification_type) == name), None)


def is_pointless(order: QuarantineOrdered, known: AnomalyFound | None) -> bool:
    """Nothing there is anomalous, or nothing waits that could be rejected: perhaps a name was mistyped."""
    if order.order == Order.REJECT:
        return known is None or not known.is_held
    return order.order == Order.RELEASE and known is None


def change_of(order: QuarantineOrdered, known: AnomalyFound | None) -> Change:
    """The line of the audit log."""
    before = None if known is None else msgspec.to_builtins(shown(known))
    after = {"order": order.order, "until": None if order.until is None else rfc3339(order.until)}
    return Change(
        f"quarantine.{order.order}", "flow", f"{order.source}/{order.notification_type}", before, after
    )


async def _body(request: web.Request) -> OrderBody:
    if (request.content_length or 0) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    raw = await whole(request)
    if len(raw) > LARGEST_BODY:
        raise ProblemError(Code.TOO_LARGE)
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal(raw, OrderBody) from None


def _until(body: OrderBody, now: int) -> int | None:
    """Of an approval, and of nothing else."""
    if Order(body.order) is not Order.APPROVE:
        if body.until is not None:
            raise ProblemError(Code.INVALID_FIELD, [Fault("/until", "is for an approval only")])
        return None
    if body.until is None:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/until", "is missing")])
    try:
        until = parse_rfc3339(body.until)
    except ValueError:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/until", "is no time of RFC 3339")]) from None
    if not now < until <= now + LONGEST_APPROVAL_MS:
        raise ProblemError(Code.INVALID_FIELD, [Fault("/until", "lies behind us, or over a year ahead")])
    return until


_DECODER = msgspec.json.Decoder(OrderBody)
_NO_BROKER = ProblemError(Code.BROKER_UNAVAILABLE, headers=SOON)
_ONE = Anomaly("crm", "marketing_promo", "2026-11-22T09:30:00.250Z", 90_000, 400, True, 88_120)  # noqa: FBT003
_ORDER = OrderBody("crm", "marketing_promo", "release")
_RUN = OrderBody("crm", "marketing_promo", "approve", "2026-11-23T12:00:00Z")

SHOW = Operation(
    summary="What is far above its average",
    about="Services that ask for over ten times as many notifications of a type as they used to, and how "
    "many of them wait for an admin (docs/security.md).",
    answers=(Answer(200, "All there are.", Anomalies, {"held": Anomalies([_ONE])}),),
    refusals=(_NO_BROKER,),
)
GIVE = Operation(
    summary="Release or reject what is held, approve a run",
    about="Done within seconds; what was held goes out in its order, or is told as `rejected`. A run that is "
    "approved before it begins is not held. 404: nothing of this service and type is anomalous, or held.",
    answers=(
        Answer(202, "It is durable.", Ordered, {"taken": Ordered("crm", "marketing_promo", "release")}),
    ),
    refusals=(
        ProblemError(Code.INVALID_JSON),
        ProblemError(Code.INVALID_FIELD, [Fault("/source", "is missing")]),
        ProblemError(Code.NOT_FOUND),
        ProblemError(Code.TOO_LARGE),
        ProblemError(Code.REQUEST_TIMEOUT),
        _NO_BROKER,
        ProblemError(Code.DATABASE_UNAVAILABLE, headers=SOON),
    ),
    body=Body(OrderBody, f"At most {LARGEST_BODY} bytes.", {"release": _ORDER, "approve": _RUN}),
)
