"""What every task does, whatever its results are: open, take turns, survive, close (rules 3, 7, 8, 12)."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.ahead import read_ahead
from streams.engine.api import NotYet, StageFailedError
from streams.engine.failures import AWAY, Failure, TurnFailedError, classify, wait_reason
from streams.engine.lanes import Lane, Lanes
from streams.engine.pace import GATHER_S, rest_s
from streams.engine.refusals import Refusals

if TYPE_CHECKING:
    from streams.engine.shared import Shared

log = structlog.get_logger("engine.task")
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 5.0
NOT_YET_S, CONFIRM_POLL_S = 0.1, 0.05


class PlacedTask(ABC):
    """A task from the moment the group gave it to us. Subclasses say how to open, turn and close."""

    def __init__(self, shared: Shared, number: int, tps: tuple[TopicPartition, ...]) -> None:
        """`tps`: the partitions of this number, one per input that has it."""
        self.shared = shared
        self.config, self.stage = shared.config, shared.stage
        self.number, self.tps = number, tps
        self.lanes = Lanes([])
        self.wake = asyncio.Event()
        self.ready = False
        self.state = "new"
        self.turned_at = self._last_turn_at = self._turn_s = 0.0
        self._stopping = False
        self.refusals = Refusals(self.stage)

    @abstractmethod
    async def _open(self) -> dict[TopicPartition, int]:
        """Make the task ours; returns the offsets to read on from."""

    @abstractmethod
    async def _turn(self) -> bool:
        """Handle what is there; False when there was nothing to do."""

    async def _hand_over(self) -> None:  # noqa: B027 - most tasks have nothing to hand over
        """The orderly part of an end, while the task is still ours; may be cut short at any point."""

    @abstractmethod
    async def _close(self, *, reopens: bool) -> None:
        """Give everything back, in bounded time; calls of the outside stay when the task `reopens`."""

    @abstractmethod
    def _pending(self) -> bool:
        """Whether a turn would find work."""

    @abstractmethod
    def _idle_s(self) -> float:
        """How long nothing can be due without `wake` being set."""

    def _markers_s(self) -> float:
        """How long a turn would wait for the brokers to end the one before; records may gather meanwhile."""
        return 0.0

    def _enough(self) -> bool | None:
        """Whether a turn would deal with about the most there is, or (False) with few and more come soon."""
        return None

    def waiting(self, reason: str) -> None:
        """Name what the task is doing or waiting for; the watchdog and `/readyz` read it."""
        self.state = reason
        self.turned_at = asyncio.get_running_loop().time()

    def stop(self) -> None:
        """Ask the task to end after its current turn."""
        self._stopping = True
        self.wake.set()

    async def run(self) -> None:
        """Live until `stop`; raises only what must end the stage."""
        backoff = FIRST_BACKOFF_S
        try:
            while not self._stopping:
                began = asyncio.get_running_loop().time()
                try:
                    with self.shared.turns.member():
                        await self._live()
                    self.ready = False
                    await self._end_orderly()
                except (StageFailedError, asyncio.CancelledError):
                    raise
                except Exception as error:  # noqa: BLE001 - classified below
                    lived = asyncio.get_running_loop().time() - began
                    backoff = FIRST_BACKOFF_S if lived > LAST_BACKOFF_S else backoff
                    await self._recover(error, backoff)
                    backoff = min(backoff * 2, LAST_BACKOFF_S)
        finally:
            self.ready = False
            await self._shut(reopens=False)

    async def _live(self) -> None:
        positions = await self._open_or_fail()
        inputs = {source.topic: source for source in self.stage.inputs}
        self.lanes = Lanes([Lane(inputs[tp.topic], tp, positions[tp]) for tp in self.tps])
        self.ready = True
        self.shared.placed_changed()
        self.waiting("input")
        while not self._stopping:
            self.wake.clear()
            await read_ahead(self)
            if not self._pending():
                self.waiting("input")
                await _wait(self.wake, self._idle_s())
            elif (rest := self._rest_s()) > 0:
                await _wait(self.wake, rest)
            else:
                await self._one_turn()

    async def _open_or_fail(self) -> dict[TopicPartition, int]:
        """A failed open ends the stage (rule 3), unless it only says that a server is away."""
        try:
            return await self._open()
        except (*AWAY, NotYet, TurnFailedError, StageFailedError):
            raise
        except Exception as error:
            text = f"stage {self.stage.name}, task {self.number} cannot open: {type(error).__name__}: {error}"
            raise StageFailedError(text) from error

    async def _one_turn(self) -> None:
        began = asyncio.get_running_loop().time()
        try:
            worked = await self._turn()
        except NotYet as wait:
            self.waiting(wait_reason(wait))
            await self.shared.partitions.refresh()
            await asyncio.sleep(NOT_YET_S)
            return
        if worked:
            self._last_turn_at = asyncio.get_running_loop().time()
            self._turn_s = self._last_turn_at - began

    def _rest_s(self) -> float:
        if self._stopping or len(self.lanes) >= self.refusals.at_most:
            return 0.0
        interval = self.lanes.interval_ms(self.stage.min_interval_ms) / 1000
        urgent = self.lanes.urgent()
        rest = rest_s(interval, self._turn_s, urgent=urgent)
        if not urgent and (enough := self._enough()) is not None:
            rest = 0.0 if enough else max(rest, GATHER_S)
        return max(self._last_turn_at + rest - asyncio.get_running_loop().time(), self._markers_s())

    async def _recover(self, error: Exception, backoff: float) -> None:
        """Drop everything of the failed turn; wait for what the failure's class demands."""
        since = asyncio.get_running_loop().time()
        failure = error.failure if isinstance(error, TurnFailedError) else classify(error, committing=False)
        cause = error.cause if isinstance(error, TurnFailedError) else error
        self.ready = False
        self.shared.placed_changed()
        self.shared.meters.reopened(self.stage.name, failure.value)
        name, text = self.stage.name, f"{type(cause).__name__}: {cause}"
        log.warning("task_reopens", stage=name, task=self.number, failure=failure.value, error=text)
        if failure is Failure.FATAL:
            raise StageFailedError(f"stage {name}: {text}") from error
        await self._shut(reopens=True)
        if failure is Failure.REFUSED:
            self.refusals.note(text)
            await self._pause(NOT_YET_S)
            return
        if failure is Failure.FENCED:
            self.waiting("confirm_membership")
            while not self._stopping and not self.shared.membership.confirmed(self.number, since):
                await self._pause(CONFIRM_POLL_S)
            return
        self.waiting(wait_reason(cause))
        await self._pause(backoff)

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not beyond `stop`. Records that were fed meanwhile must not cut it short."""
        self.wake.clear()
        if not self._stopping:
            await _wait(self.wake, seconds)

    async def _end_orderly(self) -> None:
        try:
            await asyncio.wait_for(self._hand_over(), self.config.close_deadline_s)
        except Exception as error:  # noqa: BLE001 - the successor finds out what was not handed over
            log.warning("task_handover_failed", stage=self.stage.name, task=self.number, error=repr(error))

    async def _shut(self, *, reopens: bool) -> None:
        """Close to the end, also when cancelled: what is left behind would block the next life."""
        self.waiting("closing")
        closing = asyncio.create_task(self._close(reopens=reopens))
        cancelled: asyncio.CancelledError | None = None
        while not closing.done():
            try:
                await asyncio.wait([closing])
            except asyncio.CancelledError as error:
                cancelled = error
        if (failed := closing.exception()) is not None:
            log.warning("task_close_failed", stage=self.stage.name, task=self.number, error=repr(failed))
        if cancelled is not None:
            raise cancelled


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.001)):
            await event.wait()
