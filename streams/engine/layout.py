"""Stages whose number of tasks is changing, as everyone is told by the compacted topic `<app>.layout`.

Key: the stage; value: its `Layout` as JSON. Workers follow the topic, and answer in it under the key
`<stage>/<worker>`. Whether a task may run is decided by a look at the topic's end *after* its fence: whoever
changes the stage writes the phase first and then fences the tasks himself, so a task either sees the phase
or can commit nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from aiokafka import AIOKafkaProducer

from streams.engine.api import NotYet
from streams.engine.kafka import stop_within
from streams.engine.reference import GlobalTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.engine.config import EngineConfig

STOP_S = 2.0
BARRED = "scaling"
"""Name of the wait of a task that may not run yet, or no more."""


class Phase(StrEnum):
    """How far a change has come."""

    GROW = "grow"
    """Topics get their new partitions, which nobody reads yet."""
    DRAIN = "drain"
    """All topics have them; old tasks read what was written by the old count."""
    MOVE = "move"
    """No task runs; rows go to the partition of their key."""
    DONE = "done"
    """All new tasks run."""


class Layout(msgspec.Struct, frozen=True):
    """A stage that goes, or went, from `old` to `new` tasks."""

    old: int
    new: int
    phase: Phase

    @property
    def is_under_way(self) -> bool:
        """It is not done."""
        return self.phase is not Phase.DONE

    @property
    def tasks(self) -> int:
        """By how many tasks the keys of those that run are spread."""
        return self.old if self.is_under_way else self.new

    def admits(self, task: int) -> bool:
        """Whether this task may run now."""
        if self.phase is Phase.DONE:
            return True
        return self.phase is not Phase.MOVE and task < self.old

    def heirs(self, task: int) -> range:
        """New tasks that will get keys of this one, as long as it still runs."""
        return range(task + self.old, self.new, self.old) if self.is_under_way else range(0)


class Answer(msgspec.Struct, frozen=True):
    """What one worker says: it has seen this layout, and these tasks of the stage are open there."""

    layout: Layout
    tasks: tuple[int, ...]


class Layouts:
    """The topic as one process knows it. Without the topic nothing was ever changed."""

    def __init__(self, config: EngineConfig) -> None:
        """Nothing is read before `start`."""
        self.topic = config.layout
        self._config = config
        self._table: GlobalTable | None = None
        self._starting = asyncio.Lock()
        self._of: dict[str, Layout] = {}
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    async def start(self) -> None:
        """Read the topic, which must be there, to its end; then follow it. Again: nothing happens."""
        async with self._starting:
            if self._table is not None:
                return
            table = GlobalTable(self._config, self.topic, self._take)
            try:
                await table.start()
            except BaseException:
                await table.stop()
                raise
            self._table = table

    async def stop(self) -> None:
        """Follow it no more."""
        if self._table is not None:
            await self._table.stop()

    def of(self, stage: str) -> Layout | None:
        """The last change of a stage, None when there was none."""
        return self._of.get(stage)

    def listen(self, stage: str, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the stage's layout changes."""
        self._listeners[stage].append(listener)

    async def latest(self, stage: str) -> Layout | None:
        """The last change of a stage, as of now or later."""
        if self._table is not None and not await self._table.catch_up():
            raise NotYet("layout")
        return self._of.get(stage)

    async def cleared(self, stage: str, task: int) -> Layout | None:
        """The stage's layout as of now or later; `NotYet` when the task may not run by it."""
        layout = await self.latest(stage)
        if layout is not None and not layout.admits(task):
            raise NotYet(BARRED)
        return layout

    async def answer(self, stage: str, layout: Layout, tasks: Iterable[int]) -> None:
        """Tell whoever changes the stage that this worker has followed."""
        value = msgspec.json.encode(Answer(layout, tuple(sorted(tasks))))
        producer = AIOKafkaProducer(**self._config.brokers, client_id=self._config.worker)
        try:
            await producer.start()
            key = f"{stage}/{self._config.worker}".encode()
            await producer.send_and_wait(self.topic, value, key=key, partition=0)
        finally:
            await stop_within(producer, STOP_S)

    def _take(self, key: bytes, value: bytes | None) -> None:
        stage = key.decode()
        if "/" in stage or value is None:
            return
        self._of[stage] = msgspec.json.decode(value, type=Layout)
        for listener in self._listeners[stage]:
            listener()
