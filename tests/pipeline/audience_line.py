"""The two stages of audiences on the engine's own computing, and what lies between them, without a broker."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from connectors.audience_metrics import AudienceMetrics
from connectors.http.audience.commands import Upload, topic_of
from schemas import topics as t
from schemas.codec import Decoder, SchemaBook
from schemas.records import AudienceAnswered, LabelPartial
from streams.audience_labels import LabelBook
from streams.audiences import audiences
from streams.engine import inner
from streams.engine.api import LATER, Event, Stage
from streams.settings import Settings
from streams.wiring import Reading
from tables.memberships import Memberships
from tables.totals import key_of
from tests.unit.streams.engine.desks import NOW, TASK, Bench, Written

COUNTED = Decoder(LabelPartial)


async def _never() -> bool:
    return False


def event(topic: str, raw: bytes | None, key: bytes = b"") -> Event:
    return Event(LATER, key, NOW, (), topic, TASK, 0, raw)


def sent(upload: Upload) -> list[Event]:
    """As the edge writes it: the command, and its users on a topic of their own."""
    return [event(topic_of(place), raw) for place, raw in enumerate(upload.records)]


def stages(registry: CollectorRegistry) -> tuple[Stage, Stage]:
    return audiences(Settings(), Reading(SchemaBook(), _never), AudienceMetrics(registry))


@dataclass
class Line:
    """The two stages, what lies between them, and what others read."""

    stages: dict[str, Bench] = field(default_factory=dict)
    waiting: dict[str, deque[Event]] = field(default_factory=dict)
    book: LabelBook = field(default_factory=LabelBook)
    answers: list[AudienceAnswered] = field(default_factory=list)
    rows: list[Written] = field(default_factory=list)
    unpublished: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    partials: list[LabelPartial] = field(default_factory=list)
    carried: Counter[str] = field(default_factory=Counter)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        for stage in stages(self.registry):
            self.stages[stage.name] = Bench(stage)
            self.waiting[stage.name] = deque()

    async def publish(self, upload: Upload) -> AudienceAnswered:
        """One transaction of the edge, and all that follows from it; its answer."""
        return await self.read(sent(upload))

    async def read(self, records: Iterable[Event]) -> AudienceAnswered:
        """Records of the edge in this order, and all that follows; the last answer."""
        self.waiting["audience"] += records
        await self.settle()
        return self.answers[-1]

    async def settle(self) -> None:
        """Until nothing waits."""
        while stage := next((name for name, events in self.waiting.items() if events), None):
            await self._batch(stage)

    async def _batch(self, name: str) -> None:
        bench, events = self.stages[name], list(self.waiting[name])
        done = await bench.compute(*events)
        assert [] == done.dead
        for tell, outcome in done.told:
            tell(outcome)
        for _ in range(done.taken):
            self.waiting[name].popleft()
        for key, row in done.overlay.writes.items():
            if row is None:
                bench.rows.pop(key, None)
            else:
                bench.rows[key] = row
        self._due(name, bench)
        for record in bench.written:
            self._carry(record)

    def _due(self, name: str, bench: Bench) -> None:
        """Timers that have come: each is an event as the engine makes it."""
        queued = {one.key for one in self.waiting[name]}
        for key in [key for key in bench.rows if key.startswith(inner.TIMER) and key not in queued]:
            if int.from_bytes(key[1:9], "big") <= NOW:
                _, payload = inner.unpack(bench.rows[key][8:])
                self.waiting[name].append(Event(LATER, key, NOW, (), "", -1, -1, payload))

    def _carry(self, record: Written) -> None:
        self.carried[record.topic] += 1
        match record.topic:
            case t.LABELLED:
                self.waiting["members"].append(event(record.topic, record.value, record.key or b""))
            case t.AUDIENCE_PROGRESS:
                self.waiting["audience"].append(event(record.topic, record.value))
            case t.PARTIALS:
                self.partials.append(partial := COUNTED(record.value or b""))
                assert record.key == key_of(partial).encode()
            case t.AUDIENCE_ANSWERS:
                self.answers.append(msgspec.json.decode(record.value or b"", type=AudienceAnswered))
            case t.AUDIENCE_LABELS:
                self.book.apply(record.key or b"", record.value)
            case t.AUDIENCE_UNPUBLISHED:
                told = msgspec.json.decode(record.value or b"")
                assert record.key == told["audience_label"].encode()
                self.unpublished.append(told)
            case t.CAMPAIGNS_WITHDRAWN:
                self.stopped.append((record.key or b"").decode())
            case _:
                self.rows.append(record)

    def users(self) -> dict[str, Memberships]:
        """The table `memberships` as it is stored."""
        (spec, *_) = self.stages["members"].stage.tables
        kept = self.stages["members"].rows.items()
        return {key[1:].decode(): spec.decode(row[8:]) for key, row in kept if key[:1] == b"\1"}
