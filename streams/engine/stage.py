"""One stage in one worker: membership, the consumer that feeds all its tasks, and the tasks (design rules 1 to 4, 8, 12)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from streams.engine.api import StageFailedError
from streams.engine.kafka import data_consumer, stop_within
from streams.engine.membership import Membership
from streams.engine.placed import PlacedTask, Shared
from streams.engine.sink import SinkTask
from streams.engine.task import Task

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

    from streams.engine.api import Stage
    from streams.engine.worker import Worker

log = structlog.get_logger("engine.stage")
POLL_MS = 200
RECHECK_S = 30.0
AWAY_S = 1.0


class StageRunner:
    """Runs one stage until `stop`; `run` raises `StageFailedError` when a person must act."""

    def __init__(self, worker: Worker, stage: Stage) -> None:
        """`worker` lends the clients, stores' memory, clock and meters that all stages share."""
        self.stage = stage
        self._worker = worker
        self._topics = sorted({source.topic for source in stage.inputs})
        self._consumer: AIOKafkaConsumer | None = None
        self._tasks: dict[int, tuple[PlacedTask, asyncio.Task[None]]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopping = False
        self._placed: dict[TopicPartition, PlacedTask] = {}
        self._count = 0
        self.membership = Membership(worker.config, stage.name, self._topics, self._before_rejoin)
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

    @property
    def ready(self) -> bool:
        """The group answered and every task given to us is open."""
        return self.membership.generation > 0 and all(task.ready for task, _ in self._tasks.values())

    def states(self) -> dict[int, str]:
        """What each task is doing or waiting for."""
        return {number: task.state for number, (task, _) in self._tasks.items()}

    def tasks(self) -> list[PlacedTask]:
        """The tasks here, open or opening."""
        return [task for task, _ in self._tasks.values()]

    async def run(self) -> None:
        """Join, feed and watch until `stop`."""
        self._count = await self._worker.partitions.check(self.stage, self._worker.config)
        self._consumer = data_consumer(self._worker.config)
        await self._consumer.start()
        await self.membership.start()
        parts = [
            asyncio.create_task(part)
            for part in (self.membership.watch(), self._follow(), self._pump(), self._recheck())
        ]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            await self._close_all(list(self._tasks), orderly=True)
            await self.membership.stop()
            await stop_within(self._consumer, 3.0)

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stopping = True
        self._changed.set()
        self.membership.changed.set()

    # ---- following the group ----

    async def _follow(self) -> None:
        """Open what the group gave us and close what it took, in the background (rule 3)."""
        while not self._stopping:
            await self.membership.changed.wait()
            self.membership.changed.clear()
            if self.membership.lost is not None:
                raise self.membership.lost
            if self._stopping:
                return
            ours = self.membership.tasks
            gone = [number for number in self._tasks if number not in ours]
            if gone:
                closing = asyncio.create_task(self._close_all(gone, orderly=True))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
            for number in sorted(ours - set(self._tasks)):
                self._open(number)
            log.info(
                "tasks_assigned",
                stage=self.stage.name,
                tasks=sorted(ours),
                generation=self.membership.generation,
            )

    def _open(self, number: int) -> None:
        counts = self._worker.partitions
        tps = [TopicPartition(topic, number) for topic in self._topics if number < counts.count(topic)]
        kind = SinkTask if self.stage.sink is not None else Task
        task = kind(self.shared, number, tps)
        runner = asyncio.create_task(self._run_task(task), name=f"{self.stage.name}-{number}")
        self._tasks[number] = (task, runner)

    async def _run_task(self, task: PlacedTask) -> None:
        while self._closing:
            await asyncio.wait(set(self._closing))
        await task.run()

    async def _close_all(self, numbers: list[int], *, orderly: bool) -> None:
        leaving = [self._tasks.pop(number) for number in numbers if number in self._tasks]
        self._changed.set()
        for task, _ in leaving:
            task.stop()
        runners = [runner for _, runner in leaving]
        if not runners:
            return
        deadline = self._worker.config.close_deadline_s if orderly else 0.1
        _, late = await asyncio.wait(runners, timeout=deadline)
        for runner in late:
            runner.cancel()
        if late:
            await asyncio.wait(late, timeout=deadline)

    async def _before_rejoin(self) -> None:
        """Calls of the outside are finished before the group may give their task away; other tasks just go on."""
        if self.stage.effect is not None:
            await self._close_all(list(self._tasks), orderly=True)
            self.membership.tasks = frozenset()

    # ---- feeding ----

    async def _pump(self) -> None:
        """Move fetched records to their tasks; the only coroutine that touches the consumer's assignment."""
        consumer = self._consumer
        assert consumer is not None
        while not self._stopping:
            self._raise_failed()
            if self._changed.is_set():
                self._changed.clear()
                self._place(consumer)
            if not self._placed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), POLL_MS / 1000)
                continue
            try:
                fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=None)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
                raise StageFailedError(
                    self.shared.offsets.explain_out_of_range(self.stage.name, str(error))
                ) from error
            except KafkaError as error:
                log.warning("fetch_failed", stage=self.stage.name, error=repr(error))
                await asyncio.sleep(AWAY_S)
                continue
            for tp, records in fetched.items():
                task = self._placed.get(tp)
                if task is not None and task.ready and records:
                    task.lanes.feed(tp, records)
                    task.wake.set()
            self._hold_back(consumer)

    def _raise_failed(self) -> None:
        for _, runner in self._tasks.values():
            if runner.done() and not runner.cancelled() and (error := runner.exception()) is not None:
                raise error

    def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Read exactly the partitions of open tasks, each from where its task stands."""
        self._placed = {tp: task for task, _ in self._tasks.values() if task.ready for tp in task.tps}
        if not self._placed:
            consumer.unsubscribe()
            return
        consumer.assign(list(self._placed))
        for tp, task in self._placed.items():
            lane = task.lanes.by_tp[tp]
            lane.paused = False
            consumer.seek(tp, lane.next_fetch)

    def _hold_back(self, consumer: AIOKafkaConsumer) -> None:
        """Pause inputs of which enough is fetched, so that memory has a bound; resume at half."""
        most = self._worker.config.prefetch_records
        for tp, task in self._placed.items():
            if not task.ready:
                continue
            lane = task.lanes.by_tp[tp]
            if not lane.paused and len(lane.records) >= most:
                consumer.pause(tp)
                lane.paused = True
            elif lane.paused and len(lane.records) <= most // 2:
                consumer.resume(tp)
                lane.paused = False

    async def _recheck(self) -> None:
        """Partition counts must go on fitting together (rule 2)."""
        while True:
            await asyncio.sleep(RECHECK_S)
            with contextlib.suppress(KafkaError):
                count = await self._worker.partitions.check(self.stage, self._worker.config)
                if count != self._count:
                    text = f"stage {self.stage.name}: tasks changed from {self._count} to {count}; start it again"
                    raise StageFailedError(text)
