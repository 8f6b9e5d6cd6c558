"""What all stages of one process share: clients for questions, stores' memory, meters, the watchdog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient

from streams.engine.broker_time import BrokerTime
from streams.engine.garbage import collect_seldom
from streams.engine.kafka import restore_consumer, stop_within, uncommitted_consumer
from streams.engine.layout import Layouts
from streams.engine.offsets import CommittedOffsets, PartitionCounts
from streams.engine.restore import Changelogs
from streams.engine.stage import StageRunner
from streams.engine.store import StoreMemory
from streams.engine.turns import Turns
from streams.engine.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import EngineConfig, Stage
    from streams.engine.meters import Meters

STOP_S = 2.0


class Worker:
    """One process's share of the engine. `start` before any stage runs, `stop` after the last has ended."""

    def __init__(
        self, config: EngineConfig, meters: Meters, now_ms: Callable[[], int], new_birth: Callable[[], bytes]
    ) -> None:
        """`now_ms`: wall clock. `new_birth`: a new unique id, asked once per changelog's life."""
        self.config = config
        self.meters = meters
        self.now_ms = now_ms
        self.new_birth = new_birth
        self.memory = StoreMemory(config.store_cache_bytes, config.store_write_bytes)
        self._admin = AIOKafkaAdminClient(
            **config.brokers,
            client_id=config.worker,
            request_timeout_ms=config.request_timeout_ms,
        )
        self._committed = restore_consumer(config)
        self._uncommitted = uncommitted_consumer(config)
        self.turns = Turns()
        self.broker_time = BrokerTime()
        self._runners: list[StageRunner] = []
        self._watchdog = Watchdog(self.states, config.stuck_after_s)
        self.changelogs = Changelogs(config, self._committed, self._uncommitted, self.broker_time)
        self.layouts = Layouts(config)
        self.partitions = PartitionCounts(self._admin, self.layouts)
        self.offsets = CommittedOffsets(self._admin, self._committed)

    async def start(self) -> None:
        """Connect; from now on the event loop is watched, and garbage is collected at a stage's pace."""
        collect_seldom()
        self._watchdog.start()
        await self._admin.start()
        await self._committed.start()
        await self._uncommitted.start()

    def runner(self, stage: Stage) -> StageRunner:
        """A runner for one stage."""
        runner = StageRunner(self, stage)
        self._runners.append(runner)
        return runner

    def states(self) -> dict[str, dict[int, str]]:
        """What each task of each stage is doing or waiting for."""
        return {runner.stage.name: runner.states() for runner in self._runners}

    async def stop(self) -> None:
        """Disconnect."""
        await self.layouts.stop()
        await stop_within(self._committed, STOP_S)
        await stop_within(self._uncommitted, STOP_S)
        await self._admin.close()
        self._watchdog.stop()
