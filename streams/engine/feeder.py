"""Feeds the tasks of a stage: a record goes to that life of a task for which it was fetched (rule 3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from streams.engine.api import StageFailedError
from streams.engine.offsets import out_of_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiokafka import AIOKafkaConsumer
    from aiokafka.structs import TopicPartition

    from streams.engine.lanes import Lane
    from streams.engine.placed import PlacedTask

log = structlog.get_logger("engine.feeder")
POLL_MS = 200
AT_ONCE = 2_000
"""Records taken over in one go; decoding them holds the event loop for some 5 ms."""
FULL_MS = 10
"""How soon to look again whether an input of which enough is fetched has room."""
AWAY_S = 1.0


class Feeder:
    """Places the consumer and hands records out. Only one coroutine may use it."""

    def __init__(self, consumer: AIOKafkaConsumer, stage: str, most: int) -> None:
        """`most`: records that may wait decoded per input and task; more stay in the consumer's buffer."""
        self._consumer = consumer
        self._stage = stage
        self._most = most
        self._placed: dict[TopicPartition, tuple[PlacedTask, Lane]] = {}

    @property
    def idle(self) -> bool:
        """Nothing is placed: a fetch would wait for nothing."""
        return not self._placed

    def place(self, tasks: Iterable[PlacedTask]) -> None:
        """Read exactly the partitions of open tasks, each from where its task stands."""
        self._placed = {tp: (task, task.lanes.by_tp[tp]) for task in tasks if task.ready for tp in task.tps}
        if not self._placed:
            self._consumer.unsubscribe()
            return
        self._consumer.assign(list(self._placed))
        for tp, (_, lane) in self._placed.items():
            self._consumer.seek(tp, lane.next_fetch)

    async def feed(self) -> bool:
        """Fetch and hand out. False after a failure: `place` again, what was fetched beside it is lost."""
        hungry = [tp for tp, (_, lane) in self._placed.items() if len(lane.records) < self._most]
        if not hungry:
            await asyncio.sleep(FULL_MS / 1000)
            return True
        patience = POLL_MS if len(hungry) == len(self._placed) else FULL_MS
        try:
            fetched = await self._consumer.getmany(*hungry, timeout_ms=patience, max_records=AT_ONCE)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            raise StageFailedError(out_of_range(self._stage, str(error))) from error
        except RecordTooLargeError as error:
            raise StageFailedError(f"stage {self._stage}: {error}; raise `fetch_bytes`") from error
        except KafkaError as error:
            log.warning("fetch_failed", stage=self._stage, error=repr(error))
            await asyncio.sleep(AWAY_S)
            return False
        for tp, records in fetched.items():
            task, lane = self._placed[tp]
            same_life = task.ready and task.lanes.by_tp.get(tp) is lane
            if records and same_life:  # a task that reopened meanwhile stands elsewhere: there would be a gap
                task.lanes.feed(tp, records)
                task.wake.set()
        return True
