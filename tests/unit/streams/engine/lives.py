"""Tasks without Kafka, to watch how they come, fail and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka.structs import TopicPartition

from streams.engine.api import EngineConfig, Input, Stage
from streams.engine.placed import PlacedTask
from streams.engine.shared import Shared

STAGE = Stage("count", (Input("in", bytes),))
CONFIG = EngineConfig("nowhere:1", "app", "w1", "/nowhere", close_deadline_s=0.3)
TPS = (TopicPartition("in", 0),)


@dataclass(slots=True)
class Meters:
    """Counts reopened tasks."""

    failures: list[str] = field(default_factory=list)

    def reopened(self, _stage: str, failure: str) -> None:
        self.failures.append(failure)


@dataclass(slots=True)
class Group:
    """Says when a task is confirmed."""

    ours: bool = True

    def confirmed(self, _task: int, _since: float) -> bool:
        return self.ours


@dataclass(slots=True)
class Partitions:
    """Has nothing to refresh. `heard`: what is to be read ahead."""

    refreshed: int = 0
    heard: list[tuple[Input, TopicPartition]] = field(default_factory=list)

    async def refresh(self) -> None:
        self.refreshed += 1

    def ahead(self, _stage: Stage, _task: int) -> list[tuple[Input, TopicPartition]]:
        return self.heard


def shared(group: Group | None = None, meters: Meters | None = None) -> Shared:
    """What such tasks need of what real ones share."""
    nothing: Any = None
    return Shared(
        config=CONFIG,
        stage=STAGE,
        membership=cast("Any", group or Group()),
        changelogs=nothing,
        memory=nothing,
        offsets=nothing,
        partitions=cast("Any", Partitions()),
        meters=cast("Any", meters or Meters()),
        now_ms=lambda: 0,
        new_birth=lambda: b"",
        placed_changed=lambda: None,
    )


class LivingTask(PlacedTask):
    """Opens, turns and closes as told; `told` is what happened, in order."""

    def __init__(self, lent: Shared, number: int = 0, tps: tuple[TopicPartition, ...] = TPS) -> None:
        super().__init__(lent, number, tps)
        self.told: list[str] = []
        self.opening: Callable[[], object] = lambda: None
        self.turning: Callable[[], object] = lambda: None
        self.opens = asyncio.Event()
        self.closes = asyncio.Event()
        self.hands_over = asyncio.Event()
        self.work = False
        self.markers_s = 0.0
        self.enough: bool | None = None
        for event in (self.opens, self.closes, self.hands_over):
            event.set()

    async def _open(self) -> dict[TopicPartition, int]:
        self.told.append("open")
        await self.opens.wait()
        self.opening()
        return dict.fromkeys(self.tps, 0)

    async def _turn(self) -> bool:
        self.told.append("turn")
        self.work = False
        self.turning()
        return True

    async def _hand_over(self) -> None:
        self.told.append("hand over")
        await self.hands_over.wait()

    async def _close(self, *, reopens: bool) -> None:
        self.told.append("close to reopen" if reopens else "close")
        await self.closes.wait()
        self.told.append("closed")

    def _pending(self) -> bool:
        return self.work

    def _idle_s(self) -> float:
        return 60.0

    def _markers_s(self) -> float:
        return self.markers_s

    def _enough(self) -> bool | None:
        return self.enough


async def turns(count: int = 5) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)
