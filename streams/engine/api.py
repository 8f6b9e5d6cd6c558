"""The words in which a stage, a value, is described: inputs, tables, routes, and the events an agent sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from streams.engine.config import EngineConfig as EngineConfig  # noqa: PLC0414 - handed on
from streams.engine.outcomes import ToCount as ToCount  # noqa: PLC0414
from streams.engine.outcomes import ToEffect as ToEffect  # noqa: PLC0414
from streams.engine.outcomes import ToTimer as ToTimer  # noqa: PLC0414
from streams.engine.outcomes import ToTopic as ToTopic  # noqa: PLC0414

Headers = tuple[tuple[str, bytes], ...]
MOST_TABLES = 200


class Undecodable(Exception):  # noqa: N818 - a verdict on a record, not a fault of ours
    """Raised by a decoder: this record can never be read. It becomes a dead letter, and no defect of ours."""


class NotYet(Exception):  # noqa: N818 - a wait with a name
    """Raised by a decoder or agent: try again soon. The text is the wait's name (design rule 11)."""


class StageFailedError(Exception):
    """The stage must end and a person must act; the text says what to do."""


LATER = object()
"""Value of an event that has not been decoded yet; no agent sees it."""
PASSED_OVER = object()
"""Value of an event that stands for records of others, so that the offset moves; no agent sees it."""


class Event(msgspec.Struct, gc=False):
    """One input of an agent: a decoded record, a due timer or the result of an effect.

    `raw`: what `value` is decoded from; of a result, its call. `at`: the record's timestamp in ms (the
    batch's clock for timers and results); `topic` is empty for those.
    """

    value: Any
    key: bytes
    at: int
    raw_headers: Headers
    topic: str
    partition: int
    offset: int
    raw: bytes | None = None

    @property
    def headers(self) -> dict[str, bytes]:
        """Headers by name; the last one of a name wins."""
        return dict(self.raw_headers)

    @property
    def origin(self) -> str:
        """`topic/partition/offset`, empty for timers and effect results."""
        return f"{self.topic}/{self.partition}/{self.offset}" if self.topic else ""


class Stream(Protocol):
    """The events of one batch of one task; it ends with the batch."""

    @property
    def now(self) -> int:
        """Wall clock of the batch, ms."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]: ...


class Tables(Protocol):
    """The tables of one task, by name."""

    def __getitem__(self, name: str) -> Any: ...


Agent = Callable[[Stream, Tables], AsyncIterator[object]]


class Unreadable(msgspec.Struct, frozen=True):
    """Value of an event that could not be decoded: it becomes a dead letter, never reaches the agent."""

    reason: str
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """One input topic. Lower `lane` is read first; `decode` raises `Undecodable` or returns a value.

    `min_interval_ms`: least time between transactions while this input has records; None takes the stage's.
    `urgent`: batches of all stages of the process let its records go first, and end early for them.
    `notices`: its records open no call, so they wait for no room, and may be read twice, or in another order
    while the stage is scaled: one that a stage with state has no offset of is read from its start. `passes`:
    records that are not the stage's: they are passed over, undecoded, and the offset moves now and then.
    """

    topic: str
    decode: Callable[[bytes], object]
    lane: int = 0
    min_interval_ms: int | None = None
    urgent: bool = False
    notices: bool = False
    passes: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: `number` (1..200) is part of the stored key and must never change."""

    name: str
    number: int
    encode_key: Callable[[Any], bytes]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


Route = ToTopic | ToTimer | ToEffect | ToCount
R = TypeVar("R", bound=Route)


class SinkWriter(Protocol):
    """Where a sink stage writes; offsets live beside the rows, in the same SQL transaction.

    Both methods raise `ConnectionError` while the database is away: the task waits and tries again.
    """

    async def open_task(self, topic: str, partition: int, start: int, birth: str) -> int:
        """Next offset to read; stores `start` when the task is new, or of a topic made anew (`birth`)."""
        ...

    async def write(self, topic: str, partition: int, start: int, end: int, values: list[Any]) -> None:
        """Write rows and move the offset from `start` to `end` in one transaction, or raise `SinkFenced`."""


class SinkFenced(Exception):  # noqa: N818 - a verdict
    """Another worker moved the offset: this task is a zombie and must reopen."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: one consumer group, tasks by partition number, one agent (or one sink).

    `heir`: the stage that handles what this one passes over. That one, the `heir_of` this one, begins where
    this one did, or stands, whichever comes first.
    """

    name: str
    inputs: tuple[Input, ...]
    agent: Agent | None = None
    routes: Mapping[type, tuple[Route, ...]] = field(default_factory=dict)
    tables: tuple[TableSpec, ...] = ()
    sink: SinkWriter | None = None
    co_partitioned: bool = True
    min_interval_ms: int = 25
    max_batch: int = 4000
    budget_ms: int = 100
    ceiling: int = 100
    record_limits: Mapping[str, int] = field(default_factory=dict)
    carried_headers: frozenset[str] = frozenset({"traceparent", "request_id"})
    heir: str = ""
    heir_of: str = ""

    @property
    def stateful(self) -> bool:
        """Has a changelog: tables, timers or effects."""
        return bool(self.tables or self._routes(ToTimer) or self._routes(ToEffect))

    def __post_init__(self) -> None:
        """Refuse what would be found out only when stored rows are read: `ValueError`."""
        if max(len(self._routes(ToTimer)), len(self._routes(ToEffect))) > 1:
            raise ValueError(f"stage {self.name}: more than one route to timers or to effects")
        numbers = [table.number for table in self.tables]
        if len(set(numbers)) < len(numbers) or not all(1 <= number <= MOST_TABLES for number in numbers):
            raise ValueError(f"stage {self.name}: table numbers must differ, 1..{MOST_TABLES}: {numbers}")

    @property
    def urgent_topics(self) -> frozenset[str]:
        """Inputs that others wait for."""
        return frozenset(source.topic for source in self.inputs if source.urgent)

    def _routes(self, kind: type[R]) -> list[R]:
        found = {id(r): r for routes in self.routes.values() for r in routes if isinstance(r, kind)}
        return list(found.values())

    @property
    def timer(self) -> ToTimer | None:
        """The stage's timer route, if any (at most one: rows do not say whose they are)."""
        return next(iter(self._routes(ToTimer)), None)

    @property
    def effect(self) -> ToEffect | None:
        return next(iter(self._routes(ToEffect)), None)
