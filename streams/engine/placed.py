"""What every task does, whatever its results are: open, take turns, survive failures, close (rules 3, 7, 8, 12)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.api import NotYet, StageFailedError, ToTimer
from streams.engine.failures import AWAY, Failure, classify, wait_reason
from streams.engine.lanes import Lane, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import EngineConfig, Stage
    from streams.engine.membership import Membership
    from streams.engine.meters import Meters
    from streams.engine.offsets import CommittedOffsets, PartitionCounts
    from streams.engine.restore import Changelogs
    from streams.engine.store import StoreMemory

log = structlog.get_logger("engine.task")
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 5.0
NOT_YET_S = 0.1


class TurnFailedError(Exception):
    """A turn failed; `failure` says what must be true before the task opens again."""

    def __init__(self, failure: Failure, cause: BaseException) -> None:
        """Keep the class of the failure beside its cause."""
        super().__init__(f"{failure.value}: {type(cause).__name__}: {cause}")
        self.failure = failure
        self.cause = cause


@dataclass(slots=True)
class Shared:
    """What the tasks of one stage in one worker have in common."""

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
    defects: int = 0
    last_defect: str = field(default="")

    def defect(self, text: str) -> None:
        """Count an exception of our own code; beyond the ceiling the stage stops loudly (rule 11)."""
        self.defects += 1
        self.last_defect = text
        if self.defects > self.stage.ceiling:
            message = f"stage {self.stage.name}: more than {self.stage.ceiling} defects of its own code; last: {text}"
            raise StageFailedError(message)


class PlacedTask(ABC):
    """A task from the moment the group gave it to us. Subclasses say how to open, turn and close."""

    def __init__(self, shared: Shared, number: int, tps: list[TopicPartition]) -> None:
        """`tps`: the partitions of this number, one per input that has it."""
        self.shared = shared
        self.config = shared.config
        self.stage = shared.stage
        self.number = number
        self.tps = tps
        self.timer_route = next(
            (r for routes in self.stage.routes.values() for r in routes if isinstance(r, ToTimer)), None
        )
        self.lanes = Lanes([])
        self.wake = asyncio.Event()
        self.ready = False
        self.state = "new"
        self.turned_at = 0.0
        self._last_turn_at = 0.0
        self._stopping = False
        self._refused: dict[tuple[str, int], str] = {}
        self._one_by_one = 0

    @abstractmethod
    async def _open(self) -> dict[TopicPartition, int]:
        """Make the task ours; returns the offsets to read on from."""

    @abstractmethod
    async def _turn(self) -> bool:
        """Handle what is there; False when there was nothing to do."""

    @abstractmethod
    async def _close(self, *, orderly: bool) -> None:
        """Give everything back."""

    @abstractmethod
    def _pending(self) -> bool:
        """Whether a turn would find work."""

    @abstractmethod
    def _idle_s(self) -> float:
        """How long nothing can be due without `wake` being set."""

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
        orderly = False
        try:
            while not self._stopping:
                began = asyncio.get_running_loop().time()
                try:
                    await self._live()
                    orderly = True
                except (StageFailedError, asyncio.CancelledError):
                    raise
                except Exception as error:  # noqa: BLE001 - classified below
                    await self._recover(error, backoff)
                    lived = asyncio.get_running_loop().time() - began
                    backoff = FIRST_BACKOFF_S if lived > LAST_BACKOFF_S else min(backoff * 2, LAST_BACKOFF_S)
        finally:
            self.ready = False
            await self._shut(orderly=orderly)

    async def _live(self) -> None:
        positions = await self._open_or_fail()
        inputs = {source.topic: source for source in self.stage.inputs}
        self.lanes = Lanes([Lane(inputs[tp.topic], tp, positions[tp]) for tp in self.tps])
        self.ready = True
        self.shared.placed_changed()
        self.waiting("input")
        while not self._stopping:
            self.wake.clear()
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
        try:
            worked = await self._turn()
        except NotYet as wait:
            self.waiting(wait_reason(wait))
            await self.shared.partitions.refresh()
            await asyncio.sleep(NOT_YET_S)
            return
        if worked:
            self._last_turn_at = asyncio.get_running_loop().time()

    def _rest_s(self) -> float:
        if self._stopping or len(self.lanes) >= self.stage.max_batch:
            return 0.0
        interval = self.lanes.interval_ms(self.stage.min_interval_ms) / 1000
        return self._last_turn_at + interval - asyncio.get_running_loop().time()

    async def _recover(self, error: Exception, backoff: float) -> None:
        """Drop everything of the failed turn; wait for what the failure's class demands."""
        since = asyncio.get_running_loop().time()
        failure = error.failure if isinstance(error, TurnFailedError) else classify(error, committing=False)
        cause = error.cause if isinstance(error, TurnFailedError) else error
        self.ready = False
        self.shared.placed_changed()
        self.shared.meters.reopened(self.stage.name, failure.value)
        log.warning(
            "task_reopens",
            stage=self.stage.name,
            task=self.number,
            failure=failure.value,
            error=f"{type(cause).__name__}: {cause}",
        )
        if failure is Failure.FATAL:
            text = f"stage {self.stage.name}: {type(cause).__name__}: {cause}"
            raise StageFailedError(text) from error
        if failure is Failure.REFUSED:
            self._note_refusal(str(cause))
        await self._shut(orderly=False)
        if failure is Failure.FENCED:
            self.waiting("confirm_membership")
            if not await self.shared.membership.confirm(self.number, since):
                self._stopping = True
            return
        self.waiting(wait_reason(cause))
        await _wait(self.wake, backoff)

    def _note_refusal(self, reason: str) -> None:
        """The broker refused an output: go record by record, and bury the one that is refused alone."""
        if self._one_by_one:
            first = self.lanes.peek(1)
            if first and first[0].topic:
                self._refused[first[0].topic, first[0].offset] = reason
        self._one_by_one = max(self._one_by_one, min(len(self.lanes), self.stage.max_batch), 1)

    async def _shut(self, *, orderly: bool) -> None:
        try:
            await asyncio.wait_for(self._close(orderly=orderly), self.config.close_deadline_s * 2)
        except Exception as error:  # noqa: BLE001 - the successor's fence cleans up
            log.warning("task_close_failed", stage=self.stage.name, task=self.number, error=repr(error))
            if orderly:
                await self._shut(orderly=False)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0.001))
    except TimeoutError:
        return
