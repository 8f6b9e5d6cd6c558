"""What all stages of one process share: clients for questions, stores' memory, meters; and the watchdog (rule 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient

from streams.engine.kafka import restore_consumer, stop_within, uncommitted_consumer
from streams.engine.offsets import CommittedOffsets, PartitionCounts
from streams.engine.restore import Changelogs
from streams.engine.stage import StageRunner
from streams.engine.store import StoreMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import EngineConfig, Stage
    from streams.engine.meters import Meters


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
        self._admin = AIOKafkaAdminClient(bootstrap_servers=config.bootstrap, client_id=config.worker)
        self._committed = restore_consumer(config)
        self._uncommitted = uncommitted_consumer(config)
        self.changelogs = Changelogs(config, self._committed, self._uncommitted)
        self.partitions = PartitionCounts(self._admin)
        self.offsets = CommittedOffsets(self._admin, self._committed)

    async def start(self) -> None:
        """Connect."""
        await self._admin.start()
        await self._committed.start()
        await self._uncommitted.start()

    def runner(self, stage: Stage) -> StageRunner:
        """A runner for one stage."""
        return StageRunner(self, stage)

    async def stop(self) -> None:
        """Disconnect."""
        await stop_within(self._committed, 2.0)
        await stop_within(self._uncommitted, 2.0)
        await self._admin.close()
