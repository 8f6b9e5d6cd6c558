"""The quarantine stage: is a service asking for far more of a type than it used to? Then its requests wait.

consumes  flows.counts (FlowCounted), request.quarantine (RequestQuarantined, QuarantineOrdered), timers
          (FlowDue)
keeps     flows: average and state of each flow; held: requests that wait, by flow, in the order of their ends
emits     AnomalyFound, AnomalyEnded (flows.anomalies); RequestFreed (request.<lane>); FlowDue (timer)

Rules: NS-SEC-032, NS-SEC-OP-07. Whoever diverts a request is told of a hold a moment late, so what comes of a
flow that is open goes back at once. The recipient stage decides what becomes of each that is freed; one whose
time is over is freed, too, to be told as expired.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.quarantine_words import flow_key
from schemas.records import (
    AnomalyEnded,
    AnomalyFound,
    FlowCounted,
    FlowDue,
    QuarantineOrdered,
    RequestFreed,
    RequestQuarantined,
    RequestReceived,
)
from tables.flows import BEHIND_MS, DIVERTED, KEEPING, MINUTE_MS, Flow, State, Terms, begun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from agents.ports import Reference, Stream, Table

    Input = FlowCounted | RequestQuarantined | QuarantineOrdered | FlowDue
    Outcome = AnomalyFound | AnomalyEnded | RequestFreed | FlowDue

STEP = 200
"""Requests that go in one transaction, beside as many as came in it: so the row ends even in a flood."""
TELL_MS = 10_000
"""How often it is told how many wait."""
_DIGEST, _WORD = 16, 8


class Memory(msgspec.Struct, frozen=True):
    """The tables of the stage."""

    flows: Table[bytes, Flow]
    held: Table[bytes, RequestReceived]


class Name(NamedTuple):
    """Of a flow."""

    source: str
    notification_type: str


class Draft:
    """The flows that a batch is about, as they are by now, and how many requests came of each."""

    def __init__(self, memory: Memory, terms: Terms, now: int) -> None:
        self.memory, self.terms, self.now = memory, terms, now
        self.flows: dict[Name, Flow] = {}
        self.came: dict[Name, int] = {}

    def flow(self, name: Name) -> Flow:
        """As it is by now; one that nobody knew is begun."""
        if name not in self.flows:
            known = self.memory.flows.get(flow_key(*name))
            self.flows[name] = (known or begun(self.terms, self.now)).settled(self.now)
        return self.flows[name]


async def quarantine(
    stream: Stream, memory: Memory, reference: Reference, terms: Terms
) -> AsyncIterator[Outcome]:
    """One batch of the one task. What follows for a flow is told once, at the end."""
    draft = Draft(memory, terms, stream.now)
    async for event in stream:
        value: Input = event.value
        if not isinstance(value, RequestQuarantined):
            judge(value, draft, reference)
        elif (freed := keep(value, draft)) is not None:
            yield freed
    for name in draft.flows:
        for outcome in close(name, draft):
            yield outcome


def judge(value: FlowCounted | QuarantineOrdered | FlowDue, draft: Draft, reference: Reference) -> None:
    """Take in what is told of a flow. Types that nobody knows are passed over: their names are endless."""
    name = Name(value.source, value.notification_type)
    kind = reference.type(value.notification_type)
    if isinstance(value, FlowCounted) and kind is None:
        return
    flow = draft.flow(name)
    if isinstance(value, FlowCounted):
        flow = flow.heard(value, draft.now)
    elif isinstance(value, QuarantineOrdered):
        flow = flow.ordered(value, draft.terms, draft.now)
    holds = draft.terms.holds and kind is not None and not kind.is_mandatory
    draft.flows[name] = flow.judged(draft.terms, draft.now, holds=holds)


def keep(value: RequestQuarantined, draft: Draft) -> RequestFreed | None:
    """Lay a request aside, or let it go on at once."""
    request = value.request
    name = Name(request.source, request.notification_type)
    flow = draft.flow(name)
    if flow.state not in KEEPING:
        return RequestFreed(request=request)
    place = place_of(name, value.expires_at, flow.number)
    draft.memory.held.put(place, request)
    bound = min(flow.bound or b"", _before(place)) if flow.waiting else _before(place)
    draft.flows[name] = replace(flow, number=flow.number + 1, waiting=flow.waiting + 1, bound=bound)
    draft.came[name] = draft.came.get(name, 0) + 1
    return None


def close(name: Name, draft: Draft) -> Iterator[Outcome]:
    """What follows for a flow at the end of the batch; its row, and its timer."""
    key = flow_key(*name)
    before = draft.memory.flows.get(key) or Flow()
    flow = draft.flows[name]
    if flow.state in KEEPING:
        flow = yield from _let_go(name, flow, draft)
    flow = yield from _tell(name, before, flow, draft.now)
    due_at = _due(flow, draft.now)
    if due_at is not None and not draft.now < flow.due_at <= due_at:
        flow = replace(flow, due_at=due_at)
        yield FlowDue(source=name.source, notification_type=name.notification_type, due_at=due_at)
    draft.memory.flows.put(key, flow, expires_at=flow.kept_until(draft.terms, draft.now))


def _let_go(name: Name, flow: Flow, draft: Draft) -> Generator[Outcome, None, Flow]:
    """All that may go, or a step of it; of a flow that is held what is too old to wait any longer.

    The bound spares looking at the tombstones of those that went before.
    """
    most = STEP + draft.came.get(name, 0)
    if not flow.waiting or (flow.state == State.HELD and _ends_at(flow.bound) > draft.now):
        return flow.without(0, draft.now, is_empty=not flow.waiting)
    bound = flow.bound or b""
    begin = (flow.looked or b"") if flow.state == State.REJECTING else bound
    found = draft.memory.held.scan(_prefix(name), begin, most)
    goes = [(place, request) for place, request in found if _goes(place, flow, draft.now)]
    for place, request in goes:
        draft.memory.held.delete(place)
        yield RequestFreed(
            request=request,
            is_rejected=flow.state == State.REJECTING,
            is_expired=flow.state == State.HELD,
        )
    looked = found[-1][0] if found else begin
    if bound >= begin:
        stays = (_before(place) for place, _ in found if not _goes(place, flow, draft.now))
        bound = next(stays, looked)
    after = replace(flow, bound=bound, looked=looked)
    return after.without(len(goes), draft.now, is_empty=len(found) < most)


def _goes(place: bytes, flow: Flow, now: int) -> bool:
    """Whether what waits there is let go in a state that keeps."""
    match flow.state:
        case State.HELD:
            return _ends_at(place) <= now
        case State.REJECTING:
            return int.from_bytes(place[-_WORD:], "big") < flow.cut
        case _:
            return True


def _tell(name: Name, before: Flow, flow: Flow, now: int) -> Generator[Outcome, None, Flow]:
    """What every worker is to know: that it began or ended, and now and then how many wait."""
    if flow.state == State.OPEN:
        if before.state != State.OPEN:
            yield AnomalyEnded(source=name.source, notification_type=name.notification_type)
        return flow
    is_new = (before.state == State.OPEN) or (before.state in DIVERTED) != (flow.state in DIVERTED)
    if not is_new and (flow.waiting == flow.told or now - flow.told_at < TELL_MS):
        return flow
    yield AnomalyFound(
        source=name.source,
        notification_type=name.notification_type,
        since=flow.since,
        count=flow.count,
        average=round(flow.average),
        is_held=flow.state in DIVERTED,
        waiting=flow.waiting,
    )
    return replace(flow, told=flow.waiting, told_at=now)


def _due(flow: Flow, now: int) -> int | None:
    """When to look again (ms): never in this very batch."""
    if flow.state == State.OPEN:
        return None
    if flow.state == State.ALARMING:
        return now + MINUTE_MS
    if flow.state in {State.LEAVING, State.REJECTING}:
        return now + 1
    if flow.state == State.CLOSING:
        return max(flow.left_at + BEHIND_MS, now + 1)
    telling = flow.told_at + TELL_MS if flow.waiting != flow.told else None
    first_end = _ends_at(flow.bound) if flow.waiting else None
    dues = [at for at in (first_end, telling) if at is not None]
    return max(min(dues), now + 1) if dues else None


def place_of(name: Name, ends_at: int, number: int) -> bytes:
    """Where a request of a flow waits: in the order of the ends, then as they came."""
    return _prefix(name) + ends_at.to_bytes(_WORD, "big") + number.to_bytes(_WORD, "big")


def _prefix(name: Name) -> bytes:
    return blake2b(flow_key(*name), digest_size=_DIGEST).digest()


def _before(place: bytes) -> bytes:
    """Right before all that end when it does."""
    return place[: _DIGEST + _WORD]


def _ends_at(place: bytes | None) -> int:
    """When what waits there is too old (ms); of a bound: nothing is any sooner."""
    return 0 if place is None else int.from_bytes(place[_DIGEST : _DIGEST + _WORD], "big")
