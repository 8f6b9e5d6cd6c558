"""A task whose results are rows: the offset moves in the same SQL transaction; Kafka is told for lag only.

A woken zombie is fenced by that transaction: its conditional update of the offset hits no row (`SinkFenced`).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from streams.engine.api import NotYet, SinkFenced, StageFailedError, Unreadable
from streams.engine.batch import decoders_of, unreadable
from streams.engine.failures import Failure, TurnFailedError
from streams.engine.placed import PlacedTask

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiokafka.structs import TopicPartition

    from streams.engine.api import Event, SinkWriter
    from streams.engine.turns import Turn

T = TypeVar("T")
LAG_EVERY_S = 1.0
AWAY_FIRST_S, AWAY_LAST_S = 0.2, 5.0


class SinkTask(PlacedTask):
    """One partition of the sink's only input."""

    _told, _told_at = -1, 0.0
    _away_s = AWAY_FIRST_S

    async def _open(self) -> dict[TopicPartition, int]:
        """The offset in the database wins; a task of a new topic begins at the log's first record."""
        (tp,) = self.tps
        self.waiting("database")
        offsets = self.shared.offsets
        first, birth = await offsets.first(tp), await offsets.birth(tp.topic)
        start = await self._patiently(self._writer.open_task(tp.topic, tp.partition, first, birth))
        return {tp: start}

    @property
    def _writer(self) -> SinkWriter:
        assert self.stage.sink is not None
        return self.stage.sink

    def _pending(self) -> bool:
        return len(self.lanes) > 0 or self._untold()

    def _idle_s(self) -> float:
        return 1.0

    async def _turn(self) -> bool:
        """Write one batch; the database being away is a wait, not a failure."""
        (tp,) = self.tps
        if not len(self.lanes):
            await self._tell_lag()
            return False
        async with self.shared.turns.turn(self.lanes.urgent) as turn:
            events = await self._readable(self.lanes.peek(self.stage.max_batch), turn)
        end = events[-1].offset + 1
        self.waiting("database")
        start = self.lanes.by_tp[tp].position
        values = [event.value for event in events]
        await self._patiently(self._writer.write(tp.topic, tp.partition, start, end, values))
        self.lanes.advance({tp: end})
        self.shared.meters.committed(self.stage.name, len(events), len(events), 0)
        if self._untold():
            await self._tell_lag()
        return True

    async def _patiently(self, work: Awaitable[T]) -> T:
        """What the writer answers; its being away is a wait with a name, of growing length."""
        try:
            result = await work
        except SinkFenced as error:
            raise TurnFailedError(Failure.FENCED, error) from error
        except ConnectionError as error:
            wait, self._away_s = self._away_s, min(self._away_s * 2, AWAY_LAST_S)
            await asyncio.sleep(wait)
            text = "database"
            raise NotYet(text) from error
        self._away_s = AWAY_FIRST_S
        return result

    async def _readable(self, events: list[Event], turn: Turn) -> list[Event]:
        """Decode; what lies before a record that must wait, or can never be read, is written first."""
        decoders = decoders_of(self.stage)
        for where, event in enumerate(events):
            if time.perf_counter() > turn.slice_ends:
                await turn.pass_on()
            try:
                event.value = decoders[event.topic](event.raw or b"")
            except NotYet:
                if where:
                    return events[:where]
                raise
            except Exception as error:  # noqa: BLE001 - a defect of the decoder is tied to its record
                event.value = unreadable(error)
            if type(event.value) is Unreadable:
                if where:
                    return events[:where]
                text = f"unreadable record {event.origin} in an internal topic: {event.value.reason}"
                raise StageFailedError(f"stage {self.stage.name}: {text}")
        return events

    def _untold(self) -> bool:
        """Whether Kafka should hear how far the rows are: at most once a second, and the last time, too.

        After a kill as well: what the predecessor wrote and had not told would be a lag without records.
        """
        (tp,) = self.tps
        rested = asyncio.get_running_loop().time() - self._told_at >= LAG_EVERY_S
        return rested and self.lanes.by_tp[tp].position != self._told

    async def _tell_lag(self) -> None:
        (tp,) = self.tps
        position, self._told_at = self.lanes.by_tp[tp].position, asyncio.get_running_loop().time()
        if await self.shared.membership.commit_for_lag({tp: position}):
            self._told = position

    async def _hand_over(self) -> None:
        await self._tell_lag()

    async def _close(self, *, reopens: bool) -> None:
        """Nothing is held between turns."""
