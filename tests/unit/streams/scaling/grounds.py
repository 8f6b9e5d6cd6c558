"""Where changes happen without Kafka: clients that write down what they are asked, one group, one layout."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka.structs import TopicPartition

from streams.engine.api import EngineConfig
from streams.engine.layout import Answer, Layout, Phase
from streams.scaling.plan import Plan

CONFIG = EngineConfig("nowhere:1", "app", "w1", "/nowhere")
LOG = CONFIG.changelog("status")
PLAN = Plan("status", 4, 12, ("outcomes",), ("intake",))
FIRST = 40


@dataclass(slots=True)
class Topics:
    """Counts of the one stage, and its group."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("outcomes", LOG), 4))
    names: set[str] = field(default_factory=lambda: {"w1"})
    failing: list[Exception] = field(default_factory=list)

    async def partition_counts(self, names: Iterable[str]) -> dict[str, int]:
        return {name: self.counts[name] for name in names}

    async def workers(self, group: str) -> set[str]:
        assert "app.status" == group
        if self.failing:
            raise self.failing.pop(0)
        return self.names


@dataclass(slots=True)
class Ground:
    """What was asked, in order, and what is known: the layout and the answer of one worker in it."""

    asked: list[str] = field(default_factory=list)
    layout: Layout | None = None
    tasks: tuple[int, ...] = tuple(range(12))

    async def layouts(self, _config: EngineConfig) -> tuple[dict[str, Layout], dict[str, dict[str, Answer]]]:
        if self.layout is None:
            return {}, {}
        return {"status": self.layout}, {"status": {"w1": Answer(self.layout, self.tasks)}}


@dataclass(slots=True)
class Hand:
    """Stands for clients, consumer and producer at once. `pending`: answers without offsets to give first."""

    ground: Ground
    pending: int = 0
    config: EngineConfig = CONFIG

    @property
    def uncommitted(self) -> Hand:
        return self

    @property
    def producer(self) -> Hand:
        return self

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, FIRST)

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], group: str) -> None:
        assert "app.status" == group
        self.ground.asked.append(f"offsets {len(offsets)} {set(offsets.values())}")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        yield None
        self.ground.asked.append("commit")

    def say(self, _outputs: Any, stage: str, layout: Layout) -> None:
        assert "status" == stage
        self.ground.layout = layout
        self.ground.asked.append(layout.phase)

    async def tell(self, stage: str, layout: Layout) -> None:
        self.say(None, stage, layout)

    async def fence(self, stage: str, tasks: Iterable[int]) -> None:
        self.ground.asked.append(f"fence {stage} {len(list(tasks))}")

    async def ends(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.ground.asked.append("ends")
        return dict.fromkeys(tps, FIRST)

    async def positions(self, _stage: str, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.pending -= 1
        self.ground.asked.append("look" if self.pending < 0 else "look in vain")
        return dict.fromkeys(tps, FIRST if self.pending < 0 else -1)


class Copies:
    """Rows: none behind open transactions, two that move."""

    moved = 2

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def begin(self) -> None: ...

    async def copy(self) -> None:
        self._ground.asked.append("copy")

    async def unsettled(self) -> int:
        return 0

    def leave(self, _outputs: Any) -> None:
        self._ground.asked.append("leave")


def at(phase: Phase) -> Layout:
    return PLAN.layout(phase)
