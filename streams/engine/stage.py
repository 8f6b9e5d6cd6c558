"""One stage in one worker: membership, tasks, the consumer that feeds them (rules 1 to 4, 8, 12)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from streams.engine.api import StageFailedError
from streams.engine.failures import AWAY
from streams.engine.gauges import measure
from streams.engine.kafka import data_consumer, stop_within
from streams.engine.leftovers import sweep
from streams.engine.membership import Membership
from streams.engine.placed import PlacedTask, Shared
from streams.engine.restore import store_folder
from streams.engine.roster import Roster
from streams.engine.sink import SinkTask
from streams.engine.task import Task

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import TopicPartition

    from streams.engine.api import Stage
    from streams.engine.lanes import Lane
    from streams.engine.worker import Worker

log = structlog.get_logger("engine.stage")
POLL_MS = 200
RECHECK_S = 30.0
AWAY_S = 1.0
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
        self._placed: dict[TopicPartition, tuple[PlacedTask, Lane]] = {}
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
        )
        self._roster = Roster(stage.name, self._make, worker.config.close_deadline_s, self._changed.set)

    @property
    def ready(self) -> bool:
        """The group answered and every task given to us is open."""
        return self.membership.generation > 0 and all(task.ready for task in self._roster)

    def states(self) -> dict[int, str]:
        """What each task is doing or waiting for."""
        return self._roster.states()

    def tasks(self) -> list[PlacedTask]:
        """The tasks here, open or opening."""
        return list(self._roster)

    async def run(self) -> None:
        """Join, feed and watch until `stop`."""
        self._count = await self._worker.partitions.check(self.stage, self._worker.config)
        self._consumer = data_consumer(self._worker.config)
        parts: list[asyncio.Task[None]] = []
        try:
            await self._consumer.start()
            await self.membership.start()
            parts = [
                asyncio.create_task(part)
                for part in (
                    self.membership.watch(),
                    self._follow(),
                    self._pump(self._consumer),
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
            ours = self.membership.tasks
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

    async def _pump(self, consumer: AIOKafkaConsumer) -> None:
        """Move fetched records to their tasks; the only coroutine that touches the consumer's assignment."""
        while not self._stopping:
            self._roster.raise_failed()
            if self._changed.is_set():
                self._changed.clear()
                self._place(consumer)
            if self._placed:
                await self._fetch(consumer)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), POLL_MS / 1000)

    async def _fetch(self, consumer: AIOKafkaConsumer) -> None:
        try:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=None)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            text = self.shared.offsets.explain_out_of_range(self.stage.name, str(error))
            raise StageFailedError(text) from error
        except RecordTooLargeError as error:
            raise StageFailedError(f"stage {self.stage.name}: {error}; raise `fetch_bytes`") from error
        except KafkaError as error:
            log.warning("fetch_failed", stage=self.stage.name, error=repr(error))
            self._changed.set()  # what was fetched beside the error is lost: every position is set again
            await asyncio.sleep(AWAY_S)
            return
        for tp, records in fetched.items():
            task, lane = self._placed[tp]
            if (
                records and task.ready and task.lanes.by_tp.get(tp) is lane
            ):  # else fetched for the task's life before
                task.lanes.feed(tp, records)
                task.wake.set()
        self._hold_back(consumer)

    def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Read exactly the partitions of open tasks, each from where its task stands."""
        self._placed = {
            tp: (task, task.lanes.by_tp[tp]) for task in self._roster if task.ready for tp in task.tps
        }
        if not self._placed:
            consumer.unsubscribe()
            return
        consumer.assign(list(self._placed))
        for tp, (_, lane) in self._placed.items():
            lane.paused = False
            consumer.seek(tp, lane.next_fetch)

    def _hold_back(self, consumer: AIOKafkaConsumer) -> None:
        """Pause inputs of which enough is fetched, so that memory has a bound; resume at half."""
        most = self._worker.config.prefetch_records
        for tp, (_, lane) in self._placed.items():
            if not lane.paused and len(lane.records) >= most:
                consumer.pause(tp)
                lane.paused = True
            elif lane.paused and len(lane.records) <= most // 2:
                consumer.resume(tp)
                lane.paused = False

    # ---- every now and then ----

    async def _recheck(self) -> None:
        """Partition counts must go on fitting together (rule 2)."""
        while True:
            await asyncio.sleep(RECHECK_S)
            with contextlib.suppress(*AWAY):
                count = await self._worker.partitions.check(self.stage, self._worker.config)
                if count != self._count:
                    text = f"tasks changed from {self._count} to {count}; start it again"
                    raise StageFailedError(f"stage {self.stage.name}: {text}")

    async def _sweep(self) -> None:
        """Delete stores of tasks that other workers have had for long (rule 9)."""
        config = self._worker.config
        while True:
            await asyncio.sleep(min(config.lost_store_s, SWEEP_S))
            if self.membership.generation > 0:
                await sweep(store_folder(config, self.stage.name), self._roster, config.lost_store_s)
