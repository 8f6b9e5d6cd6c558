"""One stage in one worker: membership, tasks, the consumer that feeds them (rules 1 to 4, 8, 12)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import structlog

from streams.engine.api import StageFailedError
from streams.engine.calls import Calls
from streams.engine.failures import AWAY
from streams.engine.feeder import Feeder
from streams.engine.gauges import measure
from streams.engine.kafka import data_consumer, stop_within
from streams.engine.leftovers import sweep
from streams.engine.membership import Membership
from streams.engine.placed import PlacedTask
from streams.engine.relayout import Relayout
from streams.engine.restore import store_folder
from streams.engine.roster import Roster
from streams.engine.shared import Shared
from streams.engine.sink import SinkTask
from streams.engine.tables import committed
from streams.engine.task import Task
from streams.engine.wire import AsEvents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import TopicPartition

    from streams.engine.api import Stage
    from streams.engine.worker import Worker

log = structlog.get_logger("engine.stage")
POLL_S = 0.2
RECHECK_S = 30.0
SWEEP_S = 3_600.0
STOP_S = 3.0


class StageRunner:
    """Runs one stage until `stop`; `run` raises `StageFailedError` when a person must act."""

    def __init__(self, worker: Worker, stage: Stage) -> None:
        """`worker` lends the clients, stores' memory, clock and meters that all stages share."""
        self.stage = stage
        self._worker = worker
        self._consumer: AIOKafkaConsumer | None = None
        self._changed = asyncio.Event()
        self._stopping = self._leaving = False
        self._count = 0
        topics = sorted({source.topic for source in stage.inputs})
        self.membership = Membership(worker.config, stage.name, topics, self._before_rejoin)
        self.shared = Shared(
            config=worker.config,
            stage=stage,
            membership=self.membership,
            changelogs=worker.changelogs,
            memory=worker.memory,
            offsets=worker.offsets,
            partitions=worker.partitions,
            meters=worker.meters,
            now_ms=worker.now_ms,
            new_birth=worker.new_birth,
            placed_changed=self._changed.set,
            turns=worker.turns,
            broker_time=worker.broker_time,
            calls=None if stage.effect is None else Calls.of(stage.effect, worker.turns),
        )
        self._roster = Roster(stage.name, self._make, worker.config.close_deadline_s, self._changed.set)
        self._relayout = Relayout(stage.name, worker.layouts, self.membership, self._roster)

    @property
    def ready(self) -> bool:
        """The group answered, and every task that it gave us and that may run now is open."""
        open_here = {task.number for task in self._roster if task.ready}
        return self.membership.generation > 0 and self._relayout.admitted().keys() <= open_here

    def states(self) -> dict[int, str]:
        """What each task is doing or waiting for."""
        return self._roster.states()

    def tasks(self) -> list[PlacedTask]:
        """The tasks here, open or opening."""
        return list(self._roster)

    def rows(self, table: str) -> Iterator[tuple[bytes, Any]]:
        """Rows of a table in all tasks that are open here, as last committed."""
        (spec,) = (spec for spec in self.stage.tables if spec.name == table)
        for store in list(self.shared.stores.values()):
            yield from committed(spec, store)

    async def run(self) -> None:
        """Join, feed and watch until `stop`."""
        partitions, config = self._worker.partitions, self._worker.config
        count = await partitions.first_check(self.stage, config, lambda: not self._stopping)
        if count is None:
            return
        self._count = count
        passes = {source.topic: source.passes for source in self.stage.inputs if source.passes}
        self._consumer = data_consumer(config, AsEvents(passes))
        parts: list[asyncio.Task[None]] = []
        try:
            await self._consumer.start()
            await self.membership.start()
            parts = [
                asyncio.create_task(part)
                for part in (
                    self.membership.watch(),
                    self._follow(),
                    self._relayout.follow(),
                    self._pump(Feeder(self._consumer, self.stage.name, self._worker.config.prefetch_records)),
                    self._recheck(),
                    self._sweep(),
                    measure(self._worker.meters, self.stage.name, self.tasks, self._consumer),
                )
            ]
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            await self._end(parts, self._consumer)

    async def _end(self, parts: list[asyncio.Task[None]], consumer: AIOKafkaConsumer) -> None:
        self._stopping = True
        for part in parts:
            part.cancel()
        if parts:
            await asyncio.wait(parts)
        self._roster.release()
        await self._roster.gone()
        await self.membership.stop(leave=self._leaving)
        await stop_within(consumer, STOP_S)

    def stop(self, *, leave: bool = False) -> None:
        """Ask for an orderly end. `leave`: this worker will not come back, its place is free."""
        self._stopping, self._leaving = True, leave
        self._changed.set()
        self.membership.changed.set()

    # ---- following the group ----

    async def _follow(self) -> None:
        """Open what the group gave us and close what it took, in the background (rule 3)."""
        while True:
            await self.membership.changed.wait()
            self.membership.changed.clear()
            if self.membership.lost is not None:
                raise self.membership.lost
            if self._stopping:
                return
            ours = self._relayout.admitted()
            self._roster.follow(ours)
            log.info(
                "tasks_assigned",
                stage=self.stage.name,
                tasks=sorted(ours),
                generation=self.membership.generation,
            )

    def _make(self, number: int, tps: tuple[TopicPartition, ...]) -> PlacedTask:
        kind = SinkTask if self.stage.sink is not None else Task
        return kind(self.shared, number, tps)

    async def _before_rejoin(self) -> None:
        """Calls of the outside are finished before the group gives their task away; other tasks go on."""
        if self.stage.effect is not None:
            self.membership.forget()
            self._roster.release()
            await self._roster.gone()

    # ---- feeding ----

    async def _pump(self, feeder: Feeder) -> None:
        """Move fetched records to their tasks."""
        while not self._stopping:
            self._roster.raise_failed()
            if self._changed.is_set():
                self._changed.clear()
                feeder.place(self._roster)
            if feeder.idle:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), POLL_S)
            elif not await feeder.feed():
                self._changed.set()

    # ---- every now and then ----

    async def _recheck(self) -> None:
        """Partition counts must go on fitting together (rule 2)."""
        while True:
            await asyncio.sleep(RECHECK_S)
            with contextlib.suppress(*AWAY):
                count = await self._worker.partitions.check(self.stage, self._worker.config)
                if count != self._count and not self._relayout.explains(count):
                    text = f"tasks changed from {self._count} to {count}; start it again"
                    raise StageFailedError(f"stage {self.stage.name}: {text}")

    async def _sweep(self) -> None:
        """Delete stores of tasks that other workers have had for long (rule 9)."""
        config = self._worker.config
        while True:
            await asyncio.sleep(min(config.lost_store_s, SWEEP_S))
            if self.membership.generation > 0:
                await sweep(store_folder(config, self.stage.name), self._roster, config.lost_store_s)
