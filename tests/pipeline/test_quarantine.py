"""A flood from the intake to the release: what is counted, held, told and sent (NS-SEC-OP-07)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from agents.intake import intake
from agents.quarantine import Memory, quarantine
from connectors.flow_metrics import FlowMetrics
from connectors.flows import FlowBook
from schemas.codec import Decoder, encode
from schemas.quarantine_words import Order, flow_key
from schemas.records import (
    AnomalyEnded,
    AnomalyFound,
    FlowDue,
    MessageQueued,
    QuarantineOrdered,
    RequestDecided,
    RequestFreed,
    RequestQuarantined,
    RequestReceived,
    SendRequest,
)
from tables.flows import BEHIND_MS, MINUTE_MS, Flow, Terms
from tests.fakes import FakeEvent, FakeStream, MemoryOutside, MemoryTable, PlainCipher
from tests.flows import MINUTE
from tests.requests import ORDER, REGISTERED, USER, Desk, reference

FLOOD, USUAL = 40, 5
TERMS = Terms(factor=2, floor=10, grace_ms=MINUTE_MS)


def book() -> FlowBook:
    metrics = FlowMetrics(CollectorRegistry())
    return FlowBook("w", lambda code: code == ORDER.code, Decoder(AnomalyFound), metrics)


@dataclass
class Line:
    """Intake, recipient and quarantine, joined as the topology joins them; the timers of the last one."""

    book: FlowBook = field(default_factory=book)
    flows: MemoryTable[bytes, Flow] = field(default_factory=MemoryTable)
    held: MemoryTable[bytes, RequestReceived] = field(default_factory=MemoryTable)
    now: int = MINUTE
    sent: int = 0
    messages: list[MessageQueued] = field(default_factory=list)
    rows: dict[str, RequestDecided] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.desk = Desk(outside=MemoryOutside(reference=reference(), flows=self.book), now=self.now)

    async def ask(self, many: int, source: str = "shop") -> None:
        """So many requests of a service, and what follows of them at once."""
        events = [
            FakeEvent(self._asked(), headers={"source": source.encode()}, origin=self._origin(n))
            for n in range(many)
        ]
        self.sent += many
        taken = [one async for one in intake(FakeStream(events, self.now), reference(), PlainCipher())]
        for one in taken:
            assert isinstance(one, RequestReceived)
            self.book.count(one)
        await self.decide(*taken)

    async def beat(self) -> None:
        """What the worker counted, judged."""
        await self.judge(*self.book.reports(self.now))

    async def decide(self, *values: Any) -> None:
        self.desk.now = self.now
        for one in await self.desk.tell(*values):
            match one:
                case RequestQuarantined():
                    await self.judge(one)
                case RequestDecided():
                    self.rows[one.origin] = one
                case MessageQueued():
                    self.messages.append(one)
                case _:
                    pass

    async def judge(self, *values: Any) -> None:
        stream = FakeStream([FakeEvent(value) for value in values], self.now)
        memory = Memory(self.flows, self.held)
        for one in [each async for each in quarantine(stream, memory, reference(), TERMS)]:
            match one:
                case AnomalyFound():
                    self.book.apply(flow_key(one.source, one.notification_type), encode(one))
                case AnomalyEnded():
                    self.book.apply(flow_key(one.source, one.notification_type), None)
                case RequestFreed():
                    await self.decide(one)
                case FlowDue():
                    pass

    def outcomes(self) -> Counter[tuple[str, str | None]]:
        return Counter((row.outcome, row.reason) for row in self.rows.values())

    def _origin(self, number: int) -> str:
        return f"notification.send.request/0/{self.sent + number}"

    def _asked(self) -> SendRequest:
        self.number = getattr(self, "number", 0) + 1
        data = {"OrderNumber": str(self.number)}
        key = f"order-{self.number}"
        return SendRequest(user_id=USER, notification_type=ORDER.code, idempotency_key=key, data=data)


async def flooded() -> Line:
    """A service that is known, and then asks for far too much; another goes on as before."""
    line = Line()
    await line.desk.tell(REGISTERED)
    for _ in range(2):
        await line.ask(USUAL)
        await line.ask(USUAL, "other")
        await line.beat()
        line.now += MINUTE_MS
    await line.ask(FLOOD)
    await line.beat()
    await line.ask(FLOOD)
    await line.ask(USUAL, "other")
    await line.beat()
    return line


@pytest.mark.spec("NS-SEC-032 NS-SEC-OP-07")
async def test_what_comes_after_the_alarm_waits_and_the_others_do_not() -> None:
    line = await flooded()
    passed = 3 * USUAL + 2 * USUAL + FLOOD
    assert {("accepted", None): passed, ("waiting", "quarantined"): FLOOD} == line.outcomes()
    assert passed == len(line.messages)
    assert FLOOD == len(line.held.rows)


@pytest.mark.spec("NS-SEC-OP-07 NS-SND-OP-11")
async def test_after_the_release_each_is_sent_once_in_its_order() -> None:
    line = await flooded()
    before = len(line.messages)
    order = QuarantineOrdered(source="shop", notification_type=ORDER.code, order=Order.RELEASE)
    await line.judge(order)
    await line.judge(order)
    freed = [
        json.loads(one.payload.removeprefix(b"sealed:"))["OrderNumber"] for one in line.messages[before:]
    ]
    assert sorted(map(int, freed)) == list(map(int, freed))
    assert FLOOD == len(set(freed)) == len(freed)
    assert {("accepted", None): line.sent} == line.outcomes()
    assert line.book.is_held("shop", ORDER.code)
    line.now += BEHIND_MS
    await line.judge(FlowDue(source="shop", notification_type=ORDER.code, due_at=line.now))
    assert not line.book.is_held("shop", ORDER.code)
    await line.ask(FLOOD)
    await line.beat()
    await line.ask(1)
    assert {("accepted", None): line.sent} == line.outcomes()
