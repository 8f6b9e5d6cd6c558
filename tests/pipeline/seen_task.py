"""One task of the seen stage on the engine's own computing, calls and timers; rows are in memory.

A crash drops what is in memory, before or after the commit; a new task opens on the rows that were committed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from prometheus_client import CollectorRegistry

from connectors.consumers import Consumers
from connectors.seen_metrics import SeenMetrics
from schemas.codec import Decoder, SchemaBook, encode
from schemas.records import SeenCall, SeenDestination, SeenPosted, SeenTag
from streams.engine import inner
from streams.engine.api import LATER, Event
from streams.engine.compute import Computed, Desk, compute
from streams.engine.effects import Effects
from streams.engine.turns import Turns
from streams.seen import seen_stage
from streams.settings import Settings
from streams.topology import Outside
from streams.wiring import Reading
from tables.consumers import Consumer, key_of
from tests.fakes import MemoryReference
from tests.messages import T0
from tests.unit.streams.engine.desks import KeptOutputs, KeptRows, Written

TAG, LIVE, DEAD = "promotions", "live", "dead"
CONSUMERS = b"\2"


async def _caught_up() -> bool:
    return True


class Rows:
    """Committed rows, in the order of their keys."""

    def __init__(self) -> None:
        self.rows = KeptRows()

    def scan(self, _prefix: bytes, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        yield from sorted((key, row) for key, row in self.rows.items() if first <= key < last)

    def write(self, written: dict[bytes, bytes | None]) -> None:
        for key, row in written.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row


class Registered:
    """The stage on real ports, but for the reference topic."""

    def __init__(self, url: str, settings: Settings | None = None) -> None:
        self.registry = CollectorRegistry()
        figures = SeenMetrics(self.registry, lambda: T0)
        targets = [
            SeenDestination(kind="api", name=name, url=f"{url}/consumers/{name}", in_flight=4, timeout_ms=500)
            for name in (LIVE, DEAD)
        ]
        self.reference = MemoryReference(tags=[SeenTag(tag=TAG, destinations=["seen.copy"], targets=targets)])
        self.consumers = Consumers(self.reference.tag, figures)
        port: Any = None
        outside = Outside(
            reading=Reading(SchemaBook(), _caught_up),
            book=SchemaBook(),
            ignored_fields=port,
            reference=self.reference,
            cipher=port,
            renderer=port,
            addresses=port,
            links=port,
            perform=port,
            sink=port,
            consumers=self.consumers,
            figures=figures,
            audience_figures=port,
            request_figures=port,
        )
        self.stage = seen_stage(settings or Settings(), outside)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"tag": TAG, **labels}) or 0.0


@dataclass
class Task:
    """One task over all its lives. `now` is set forward to the next timer when nothing else is to do."""

    ports: Registered
    store: Rows = field(default_factory=Rows)
    log: list[bytes] = field(default_factory=list)
    offset: int = 0
    now: int = T0
    written: list[Written] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.effects = self._new_effects()

    def _new_effects(self) -> Effects:
        route = self.ports.stage.effect
        assert route is not None
        return Effects(route, lambda: self.now, self.woken.set)

    def post(self, number: int) -> None:
        user = f"u-{number}"
        posted = SeenPosted(
            kind="client",
            tag=TAG,
            id="p",
            seen_at=T0,
            received_at=self.now,
            user={"user_id": user},
            user_key=f"user:{user}",
        )
        self.log.append(encode(posted))

    async def turn(self, crash: str = "") -> bool:
        """One batch; False when there was nothing to do. `crash`: `before` or `after` its commit."""
        results = list(self.effects.results)
        due, _ = inner.due_timers(cast("Any", self.store), 0, self.now, 100)
        records = [
            Event(LATER, b"k", self.now, (("traceparent", b"00-1-2-01"),), "facts.seen", 0, offset, raw)
            for offset, raw in enumerate(self.log[self.offset : self.offset + 7], self.offset)
        ]
        if not (events := [*results, *due, *records]):
            return False
        outputs = KeptOutputs({})
        done = await self._computed(events, outputs)
        if crash != "before":
            self._commit(done, events, outputs)
        if crash:
            await self._crash()
        elif done.taken:
            self.effects.handled(events[: done.taken])
            self.effects.begin(done.effects, done.ended_at)
            done.tell()
        self._check()
        return True

    async def _computed(self, events: list[Event], outputs: KeptOutputs) -> Computed:
        turns = Turns()
        async with turns.turn(lambda: False, 0.0) as turn:
            desk = Desk(self.ports.stage, 0, self.store.rows, lambda: outputs, lambda _: 1, turn, 1)
            return await compute(desk, events, self.now)

    def _commit(self, done: Computed, events: list[Event], outputs: KeptOutputs) -> None:
        assert [] == done.dead
        self.store.write(done.overlay.writes)
        self.written += outputs.written
        self.offset += len([event for event in events[: done.taken] if event.topic])

    async def _crash(self) -> None:
        await self.effects.close(0)
        self.effects = self._new_effects()
        self.effects.open(inner.open_effects(cast("Any", self.store)), time.monotonic())

    def _check(self) -> None:
        """The number in each consumer's row is that of its call rows, at any commit."""
        read, decode = Decoder(SeenCall), Decoder(Consumer)
        found = inner.open_effects(cast("Any", self.store))
        calls = Counter(read(payload).parcel.destination for *_, payload in found)
        for name in (LIVE, DEAD):
            row = self.store.rows.get(CONSUMERS + key_of(TAG, name))
            assert calls[name] == (0 if row is None else decode(row[8:]).open_calls) <= 4

    def undelivered(self, name: str) -> int:
        """What the consumer's row says of facts that it has not taken."""
        row = self.store.rows.get(CONSUMERS + key_of(TAG, name))
        return 0 if row is None else Decoder(Consumer)(row[8:]).undelivered

    async def run(self, most: int = 2_000) -> None:
        """Until nothing is left to do, at most so many turns."""
        for _ in range(most):
            if await self.turn():
                continue
            if self.effects.load:
                await self.answered()
            elif (next_at := inner.next_timer(cast("Any", self.store), 0)) is not None:
                self.now = max(self.now, next_at)
            else:
                return

    async def answered(self) -> None:
        """A result of a call is there."""
        if not self.effects.results:
            self.woken.clear()
            async with asyncio.timeout(30):
                await self.woken.wait()

    def of(self, topic: str) -> list[Written]:
        return [one for one in self.written if one.topic == topic]
