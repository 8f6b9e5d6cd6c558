"""What a batch needs of its task, without a broker: a desk whose outputs are kept in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.engine import inner
from streams.engine.api import (
    LATER,
    Agent,
    Event,
    Headers,
    Input,
    NotYet,
    Stage,
    Stream,
    Tables,
    TableSpec,
    ToEffect,
    ToTimer,
    ToTopic,
    Undecodable,
)
from streams.engine.compute import Computed, Desk, compute
from streams.engine.outputs import Outputs
from streams.engine.turns import Turns

NOW = 1_000_000
TASK = 3


@dataclass(frozen=True, slots=True)
class Out:
    """An outcome with a topic."""

    key: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Later:
    """An outcome with a timer."""

    id: bytes
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """An outcome with an effect: `body` is what the outside is told."""

    id: bytes
    key: bytes = b"k"
    body: bytes = b""


class Builders:
    """The part of aiokafka's producer that makes builders; nothing is ever sent."""

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1 << 20, 0, is_transactional=1)


@dataclass(frozen=True, slots=True)
class Written:
    """A record that was appended."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    at: int
    headers: Headers


class KeptOutputs(Outputs):
    """Outputs that remember what was appended."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        super().__init__(cast("AIOKafkaProducer", Builders()), limits)
        self.written: list[Written] = []

    def append(  # noqa: PLR0913, PLR0917
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, at: int, headers: Headers
    ) -> None:
        super().append(topic, partition, key, value, at, headers)
        self.written.append(Written(topic, partition, key, value, at, headers))


def decode(raw: bytes) -> bytes:
    """`?` can never be read, `!` breaks the decoder, `~` cannot be read yet."""
    if raw.startswith(b"?"):
        raise Undecodable("a question")
    if raw.startswith(b"!"):
        raise ZeroDivisionError("broken")
    if raw.startswith(b"~"):
        raise NotYet("schema")
    return raw


async def nowhere(_call: Call) -> object:
    """A `perform` for tests in which nothing is called."""
    raise NotImplementedError


TIMER = ToTimer(lambda t: t.id, lambda t: t.at, lambda t: t.id, decode)
EFFECT = ToEffect(
    id=lambda c: c.id,
    key=lambda c: c.key,
    encode=lambda c: b"%s/%s/%s" % (c.id, c.key, c.body),
    decode=lambda raw: Call(*raw.split(b"/")),
    perform=nowhere,
    hidden=lambda c: ("hidden", c.id),
    lapsed=lambda c: ("lapsed", c.id),
)
COUNTS = TableSpec("counts", 1, bytes, lambda n: b"%d" % n, int)


def stage_of(agent: Agent, **changes: Any) -> Stage:
    """A stage with an input, a table and every kind of route."""
    given: dict[str, Any] = {
        "name": "test",
        "inputs": (Input("in", decode),),
        "agent": agent,
        "routes": {
            Out: (ToTopic(lambda _: "out", lambda o: o.key, lambda o: o.body),),
            Later: (TIMER,),
            Call: (EFFECT,),
        },
        "tables": (COUNTS,),
        "budget_ms": 60_000,
    }
    return Stage(**(given | changes))


def record(offset: int, raw: bytes | None = b"x", **changes: Any) -> Event:
    """A record of `in` that nobody has decoded yet."""
    given: dict[str, Any] = {"key": b"k", "at": offset, "raw_headers": (), "topic": "in", "partition": TASK}
    return Event(value=LATER, offset=offset, raw=raw, **(given | changes))


class KeptRows(dict[bytes, bytes]):
    """A store that is a dict."""

    @property
    def get_row(self) -> Callable[[bytes], bytes | None]:
        return self.get

    def rows(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((key, row) for key, row in self.items() if first <= key < last))


@dataclass(slots=True)
class Bench:
    """Computes batches of one stage on a store that is a dict."""

    stage: Stage
    rows: KeptRows = field(default_factory=KeptRows)
    partitions: Callable[[str], int] = lambda _: 8
    kept: list[KeptOutputs] = field(default_factory=list)
    urgent: Callable[[], bool] = lambda: False
    tasks: int = 8
    turns: Turns = field(default_factory=Turns)
    commit_s: float = 0.0

    async def compute(self, *events: Event) -> Computed:
        async with self.turns.turn(self.urgent, self.commit_s) as turn:
            desk = Desk(self.stage, TASK, self.rows, self._outputs, self.partitions, turn, self.tasks)
            return await compute(desk, list(events), NOW)

    def _outputs(self) -> Outputs:
        self.kept.append(KeptOutputs(self.stage.record_limits))
        return self.kept[-1]

    @property
    def written(self) -> list[Written]:
        """What the last pass over the batch has appended."""
        return self.kept[-1].written

    @property
    def bodies(self) -> list[bytes | None]:
        return [row.value for row in self.written]


async def relay(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
    """Pass each record on; `x…` breaks it."""
    async for event in stream:
        yield Out(event.key, event.value)


def due_timer(at: int, raw: bytes) -> Event:
    """A timer as it is read from its row, not decoded yet."""
    key = inner.TIMER + at.to_bytes(8, "big") + raw
    event = record(-1, raw, key=key, at=NOW, topic="", partition=-1)
    event.offset = -1
    return event
