"""Intake, recipient, status and seen stage on the engine's own computing; topics and rows are in memory.

A batch is computed as the engine does it, and committed whole or, in a crash, not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceMetrics
from connectors.consumers import Consumers
from connectors.request_metrics import RequestMetrics
from connectors.seen_metrics import SeenMetrics
from schemas.codec import Decoder, SchemaBook, encode
from schemas.punctuality import SendTimed
from schemas.records import (
    AttemptEnded,
    ContactChanged,
    FallbackAsked,
    Provider,
    ReceiptPosted,
    RequestReceived,
    SeenPosted,
    SendTask,
)
from schemas.times import rfc3339
from schemas.topics import CONTACTS, OUTCOMES, RECEIPTS, SEEN, SHOWN, request_topic
from streams.engine import inner
from streams.engine.api import LATER, Event, Stage
from streams.engine.compute import Desk, compute
from streams.engine.turns import Turns
from streams.routes import nothing
from streams.settings import Settings
from streams.topology import Outside, build
from streams.wiring import Reading
from tests.fakes import MemoryOutside
from tests.pipeline.seen_task import Rows
from tests.requests import T0, reference
from tests.unit.streams.engine.desks import KeptOutputs

STAGES = ("intake", "recipient", "status", "seen")
AT_ONCE = 3
GATE = "push-gate"


async def _caught_up() -> bool:
    return True


GATES = (Provider(name=GATE, channel_type="push", kind="own", config={"webhook_key": "any"}),)


def stages_with(
    providers: Sequence[Provider] = GATES, count_receipt: Callable[[SendTimed], None] = nothing
) -> dict[str, Stage]:
    """Stages that know these providers; the count is told what is measured of them."""
    known = reference()
    known.active = list(providers)
    plain, port = MemoryOutside(reference=known), cast("Any", None)
    figures = SeenMetrics(CollectorRegistry(), lambda: T0)
    outside = Outside(
        reading=Reading(SchemaBook(), _caught_up),
        book=SchemaBook(),
        ignored_fields=lambda _topic: lambda _count: None,
        reference=plain.reference,
        cipher=plain.cipher,
        renderer=plain.renderer,
        addresses=plain.addresses,
        links=plain.links,
        perform=port,
        sink=port,
        consumers=Consumers(lambda _tag: None, figures),
        figures=figures,
        audience_figures=AudienceMetrics(CollectorRegistry()),
        request_figures=RequestMetrics(CollectorRegistry()),
        count_receipt=count_receipt,
    )
    return {stage.name: stage for stage in build(Settings(), outside) if stage.name in STAGES}


@dataclass
class Line:
    """One task of each stage. `topics`: every record that was committed, as bytes."""

    now: int = T0
    stages: dict[str, Stage] = field(default_factory=stages_with)
    topics: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    read: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    stores: dict[str, Rows] = field(default_factory=lambda: defaultdict(Rows))

    def tell(self, *records: ContactChanged | RequestReceived) -> None:
        """What the intake wrote."""
        for one in records:
            topic = request_topic(one.lane) if isinstance(one, RequestReceived) else CONTACTS
            self.topics[topic].append(encode(one))

    def post(self, message: SendTask) -> None:
        """A seen post, answered 200."""
        who = message.user_id
        fact = SeenPosted(
            kind="client",
            tag=SHOWN,
            id=message.message_id,
            seen_at=self.now,
            received_at=self.now,
            user={"user_id": who},
            user_key=f"user:{who}",
        )
        self.topics[SEEN].append(encode(fact))

    def report(self, message: SendTask, word: str = "delivered", provider: str = GATE) -> None:
        """A provider's post, answered 200."""
        event = {"type": word, "message_id": message.message_id, "at": rfc3339(self.now)}
        body = b"sealed:" + msgspec.json.encode({"events": [event]})
        posted = ReceiptPosted(
            provider=provider, channel=message.channel, kind="own", received_at=self.now, body=body
        )
        self.topics[RECEIPTS].append(encode(posted))

    def sent(self, message: SendTask, provider: str = GATE) -> None:
        """The delivery stage had a yes."""
        named = {
            name: getattr(message, name) for name in AttemptEnded.__struct_fields__ if hasattr(message, name)
        }
        ended = AttemptEnded(
            event_id=f"{message.message_id}/sent", **named, status="sent", at=self.now, provider=provider
        )
        self.topics[OUTCOMES].append(encode(ended))

    def tasks(self, channel: str) -> list[SendTask]:
        """Everything that was handed to a delivery stage."""
        read = Decoder(SendTask)
        names = sorted(name for name in self.topics if name.startswith(f"channel.{channel}."))
        return [cast("SendTask", read(raw)) for name in names for raw in self.topics[name]]

    def timers(self) -> int:
        """How many are set in the status stage."""
        events, _ = inner.due_timers(cast("Any", self.stores["status"]), 0, self.now * 2, 1_000)
        return len(events)

    def questions(self) -> int:
        """How many are in `facts.seen`, read or not."""
        read = Decoder(SeenPosted, FallbackAsked)
        return sum(isinstance(read(raw), FallbackAsked) for raw in self.topics[SEEN])

    async def turn(self, name: str, *, crash: bool = False) -> bool:
        """One batch of a stage; False when there was nothing to do."""
        stage, store = self.stages[name], self.stores[name]
        due, _ = inner.due_timers(cast("Any", store), 0, self.now, AT_ONCE)
        records = [event for source in stage.inputs for event in self._records(name, source.topic)]
        if not (events := [*due, *records]):
            return False
        outputs = KeptOutputs({})
        turns = Turns()
        async with turns.turn(lambda: False, 0.0) as turn:
            desk = Desk(stage, 0, store.rows, lambda: outputs, lambda _: 1, turn, 1)
            done = await compute(desk, events, self.now)
        assert [] == done.dead
        if crash:
            return True
        store.write(done.overlay.writes)
        done.tell()
        for one in outputs.written:
            self.topics[one.topic].append(one.value or b"")
        for event in events[: done.taken]:
            if event.topic:
                self.read[name, event.topic] += 1
        return True

    async def run(self, *names: str) -> None:
        """Until these stages, or all of them, have nothing to do."""
        while any([await self.turn(name) for name in names or STAGES]):
            pass

    def _records(self, name: str, topic: str) -> list[Event]:
        first = self.read[name, topic]
        return [
            Event(LATER, b"k", self.now, (), topic, 0, offset, raw)
            for offset, raw in enumerate(self.topics[topic][first : first + AT_ONCE], first)
        ]
