"""Feeds the tasks of a stage: a record goes to that life of a task for which it was fetched (rule 3)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

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

    from streams.engine.api import Event
    from streams.engine.lanes import Lane
    from streams.engine.placed import PlacedTask

log = structlog.get_logger("engine.feeder")
POLL_MS = 200
AT_ONCE = 2_000
"""Records taken over in one go; decoding them holds the event loop for some 5 ms."""
PASSING_AT_ONCE, SKIMMING_AT_ONCE = 200, 32
"""The same where some are passed over, a hundred for one, and where most are: those fill no lane."""
FULL_MS = 10
"""How soon to look again whether an input of which enough is fetched has room."""
AWAY_S = 1.0
BEHIND_S = 30.0
"""How long a broker that has taken over may not know the end of its log."""


class Feeder:
    """Places the consumer and hands records out. Only one coroutine may use it."""

    def __init__(self, consumer: AIOKafkaConsumer, stage: str, most: int) -> None:
        """`most`: records that may wait decoded per input and task; more stay in the consumer's buffer."""
        self._consumer = consumer
        self._stage = stage
        self._most = most
        self._placed: dict[TopicPartition, tuple[PlacedTask, Lane]] = {}
        self._beyond: dict[TopicPartition, float] = {}
        self._behind: list[tuple[PlacedTask, Lane]] = []
        self._at_once = AT_ONCE

    @property
    def idle(self) -> bool:
        """Nothing is placed: a fetch would wait for nothing."""
        return not self._placed

    def place(self, tasks: Iterable[PlacedTask]) -> None:
        """Read exactly the partitions of open tasks, each from where its task stands."""
        ready = (task for task in tasks if task.ready)
        self._placed = {tp: (task, lane) for task in ready for tp, lane in task.lanes.by_tp.items()}
        self._behind = [placed for placed in self._placed.values() if not placed[1].is_fetched]
        passing = [lane.input for _, lane in self._placed.values() if lane.input.passes]
        skims = any(source.urgent for source in passing)
        self._at_once = SKIMMING_AT_ONCE if skims else PASSING_AT_ONCE if passing else AT_ONCE
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
        patience = POLL_MS if len(hungry) == len(self._placed) and not self._behind else FULL_MS
        fetched = await self._fetched(hungry, patience)
        if fetched is None:
            return False
        for tp, records in fetched.items():
            self._beyond.pop(tp, None)
            task, lane = self._placed[tp]
            same_life = task.ready and task.lanes.by_tp.get(tp) is lane
            if records and same_life:  # a task that reopened meanwhile stands elsewhere: there would be a gap
                task.lanes.feed(tp, records)
                task.wake.set()
        await asyncio.sleep(0)  # what is buffered comes without a turn of the loop
        return not self._behind or await self._read_up()

    async def _read_up(self) -> bool:
        """Note which inputs of notices have been fetched up to where their logs ended after the open.

        The consumer's position counts: the end of a log may be markers of transactions only.
        """
        try:
            unknown = [lane.tp for _, lane in self._behind if lane.until is None]
            ends = await self._consumer.end_offsets(unknown) if unknown else {}
            for task, lane in self._behind:
                until = lane.until = ends[lane.tp] if lane.until is None else lane.until
                lane.is_fetched = await self._consumer.position(lane.tp) >= until
                task.wake.set()
        except KafkaError as error:
            log.warning("notices_wait", stage=self._stage, error=repr(error))
            await asyncio.sleep(AWAY_S)
            return False
        self._behind = [placed for placed in self._behind if not placed[1].is_fetched]
        return True

    async def _fetched(
        self, hungry: list[TopicPartition], patience_ms: int
    ) -> dict[TopicPartition, list[Event]] | None:
        try:
            fetched = await self._consumer.getmany(*hungry, timeout_ms=patience_ms, max_records=self._at_once)
            return cast("dict[TopicPartition, list[Event]]", fetched)
        except OffsetOutOfRangeError as error:
            if await self._broker_is_behind(error.args[0]):
                return None
            raise StageFailedError(out_of_range(self._stage, str(error))) from error
        except NoOffsetForPartitionError as error:
            raise StageFailedError(out_of_range(self._stage, str(error))) from error
        except RecordTooLargeError as error:
            raise StageFailedError(f"stage {self._stage}: {error}; raise `fetch_bytes`") from error
        except KafkaError as error:
            log.warning("fetch_failed", stage=self._stage, error=repr(error))
            await asyncio.sleep(AWAY_S)
            return None

    async def _broker_is_behind(self, wanted: dict[TopicPartition, int]) -> bool:
        """Whether offsets lie beyond the log's end, but not for long: a new leader may not know it yet."""
        now = asyncio.get_running_loop().time()
        try:
            first = await self._consumer.beginning_offsets(list(wanted))
            last = await self._consumer.end_offsets(list(wanted))
        except KafkaError as error:
            log.warning("broker_is_behind", stage=self._stage, wanted=str(wanted), error=repr(error))
            first = last = dict.fromkeys(wanted, 0)
        gone = any(offset < first[tp] for tp, offset in wanted.items())
        if gone or any(now - self._beyond.setdefault(tp, now) > BEHIND_S for tp in wanted):
            return False
        logs = {str(tp): (first[tp], last[tp]) for tp in wanted}
        log.warning("broker_is_behind", stage=self._stage, wanted=str(wanted), logs=logs)
        await asyncio.sleep(AWAY_S)
        return True
