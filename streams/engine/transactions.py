"""One task's Kafka transactions (design rules 5 to 7).

The producer is the task's fence: starting it aborts whatever a predecessor of the same id left open. After
any failure it is closed and never used again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streams.engine.failures import TurnFailedError, classify
from streams.engine.kafka import stop_within, transactional_producer
from streams.engine.markers import watch_markers
from streams.engine.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka.structs import TopicPartition

    from streams.engine.api import EngineConfig, Stage
    from streams.engine.outputs import Reached

STOP_S = 3.0


class Transactions:
    """A started transactional producer and what a task does with it. Made anew for every life of the task.

    `took_s`: how long the last commit took, from its begin to the answer.
    """

    def __init__(self, config: EngineConfig, stage: Stage, number: int) -> None:
        """Nothing is sent yet."""
        self._group = config.group(stage.name)
        self._limits = stage.record_limits
        self.took_s = 0.0
        self._producer = transactional_producer(config, config.transactional_id(stage.name, number))
        self._markers = watch_markers(self._producer)

    async def start(self) -> None:
        """Fence and abort any predecessor."""
        await self._producer.start()

    def outputs(self) -> Outputs:
        """Empty outputs of one batch."""
        return Outputs(self._producer, self._limits)

    async def commit(
        self, outputs: Outputs, positions: Mapping[TopicPartition, int], group: str | None = None
    ) -> dict[tuple[str, int], Reached]:
        """Outputs and offsets, those of another `group` if given, in one transaction.

        After `TurnFailedError` only `stop` may be called.

        Commit is called only after every answer was good (a refused batch does not fail it: the offset would
        move and the output be gone), and is never cut short: from its call on, only the committed offsets
        know.
        """
        committing, began = False, time.monotonic()
        try:
            await self._producer.begin_transaction()
            reached = await outputs.flush()
            if positions:
                await self._producer.send_offsets_to_transaction(dict(positions), group or self._group)
            committing = True
            await self._producer.commit_transaction()
            self.took_s = time.monotonic() - began
            self._markers.committed()
        except Exception as error:
            raise TurnFailedError(classify(error, committing=committing), error) from error
        return reached

    def rest_s(self, *, urgent: bool) -> float:
        """How much longer to wait: until then the brokers probably let no next transaction begin."""
        return self._markers.rest_s(urgent=urgent)

    async def stop(self) -> None:
        """Disconnect, within bounds; an open transaction is left to the successor's fence."""
        await stop_within(self._producer, STOP_S)
