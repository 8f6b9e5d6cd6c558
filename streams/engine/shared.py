"""What the tasks of one stage in one worker have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.engine.api import StageFailedError
from streams.engine.broker_time import BrokerTime
from streams.engine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka.structs import TopicPartition

    from streams.engine.api import EngineConfig, Stage
    from streams.engine.calls import Calls
    from streams.engine.membership import Membership
    from streams.engine.meters import Meters
    from streams.engine.offsets import CommittedOffsets, PartitionCounts
    from streams.engine.restore import Changelogs
    from streams.engine.store import Store, StoreMemory
    from streams.engine.transactions import Transactions


@dataclass(slots=True)
class Shared:
    """One object per stage; `defects`: of its own code, so far."""

    config: EngineConfig
    stage: Stage
    membership: Membership
    changelogs: Changelogs
    memory: StoreMemory
    offsets: CommittedOffsets
    partitions: PartitionCounts
    meters: Meters
    now_ms: Callable[[], int]
    new_birth: Callable[[], bytes]
    placed_changed: Callable[[], None]
    turns: Turns = field(default_factory=Turns)
    broker_time: BrokerTime = field(default_factory=BrokerTime)
    calls: Calls | None = None
    stores: dict[int, Store] = field(default_factory=dict)
    defects: int = 0

    async def positions(
        self, tps: tuple[TopicPartition, ...], transactions: Transactions
    ) -> tuple[dict[TopicPartition, int], list[TopicPartition]]:
        """Where a task reads on, and which of these partitions it begins with."""
        elder = self.config.group(self.stage.heir_of) if self.stage.heir_of else None
        found = await self.offsets.positions(self.config.group(self.stage.name), tps, elder)
        if self.stage.heir:
            await self._endow(found[0], transactions)
        return found

    async def _endow(self, positions: dict[TopicPartition, int], transactions: Transactions) -> None:
        """What a task passes over from here on its heir must not miss, however late that opens."""
        group = self.config.group(self.stage.heir)
        passed = {source.topic for source in self.stage.inputs if source.passes}
        _, missing = await self.offsets.positions(group, [tp for tp in positions if tp.topic in passed])
        if missing:
            await transactions.commit(transactions.outputs(), {tp: positions[tp] for tp in missing}, group)

    def allow(self, found: list[str]) -> None:
        """Defects of our own code, about to be committed; beyond the ceiling the stage stops (rule 11)."""
        if self.defects + len(found) > self.stage.ceiling:
            text = f"more than {self.stage.ceiling} defects of its own code; last: {found[-1]}"
            raise StageFailedError(f"stage {self.stage.name}: {text}")

    def count(self, found: list[str]) -> None:
        """They are committed: a replay of the batch would not count them twice."""
        self.defects += len(found)
