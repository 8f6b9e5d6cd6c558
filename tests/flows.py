"""One flow for tests: its name, reports of it, requests that are held of it, the task that judges it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from agents.quarantine import Memory, quarantine
from schemas.quarantine_words import Order, flow_key
from schemas.records import FlowCounted, FlowDue, QuarantineOrdered, RequestQuarantined, RequestReceived
from tables.flows import MINUTE_MS, Flow, Terms
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.requests import ORDER, REQUEST, T0, reference

SOURCE = REQUEST.source
CODE = ORDER.code
MINUTE = T0 - T0 % MINUTE_MS
"""Begin of a minute."""
NAMED = {"source": SOURCE, "notification_type": CODE}
KEY = flow_key(SOURCE, CODE)
TERMS = Terms(factor=10, floor=6, grace_ms=1_000)


def counted(count: int, minute: int = MINUTE, worker: str = "w", **named: str) -> FlowCounted:
    """A report."""
    return FlowCounted(**{**NAMED, **named}, worker=worker, minute=minute, count=count)


def ordered(order: Order, until: int | None = None) -> QuarantineOrdered:
    """What an admin wants of it."""
    return QuarantineOrdered(**NAMED, order=order, until=until)


def request(number: int, **fields: Any) -> RequestReceived:
    """One of many of the same user."""
    named = {"request_id": f"r-{number}", "idempotency_key": f"k-{number}", "origin": f"t/0/{number}"}
    return replace(REQUEST, **{**named, **fields})


def aside(number: int, expires_at: int = T0 + 86_400_000) -> RequestQuarantined:
    """One that a recipient task diverted."""
    return RequestQuarantined(request=request(number), expires_at=expires_at)


@dataclass
class Task:
    """The one task, at a clock that the test moves."""

    flows: MemoryTable[bytes, Flow] = field(default_factory=MemoryTable)
    held: MemoryTable[bytes, RequestReceived] = field(default_factory=MemoryTable)
    now: int = MINUTE + 1
    terms: Terms = TERMS

    async def tell(self, *values: Any) -> list[Any]:
        """What follows from one batch."""
        stream = FakeStream([FakeEvent(value) for value in values], self.now)
        memory = Memory(self.flows, self.held)
        return [one async for one in quarantine(stream, memory, reference(), self.terms)]

    @property
    def flow(self) -> Flow:
        """Its row."""
        return self.flows.rows[KEY][0]

    def known(self, **fields: Any) -> None:
        """A flow that is judged."""
        self.flows.put(KEY, Flow(average=6.0, learned=60, **fields))


def task(**fields: Any) -> Task:
    """Of a flow that is judged."""
    made = Task()
    made.known(**fields)
    return made


def due(at: int) -> FlowDue:
    """Its timer."""
    return FlowDue(**NAMED, due_at=at)
