"""Which tasks of a stage live in this worker and which are still leaving (design rules 3 and 8).

A task number may come back while its former self still closes: the new one waits for it, so that no two of
them ever hold one store.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.placed import PlacedTask

log = structlog.get_logger("engine.roster")
Make = Callable[[int, tuple[TopicPartition, ...]], PlacedTask]


class Roster:
    """Tasks by number. `admit` and `release` return at once; everything else happens in the background."""

    def __init__(self, stage: str, make: Make, close_deadline_s: float, changed: Callable[[], None]) -> None:
        """`make` builds a task, not opened yet; `changed` is called when a task comes or goes."""
        self._stage = stage
        self._make = make
        self._close_deadline_s = close_deadline_s
        self._changed = changed
        self._living: dict[int, tuple[PlacedTask, asyncio.Task[None]]] = {}
        self._leaving: defaultdict[int, set[asyncio.Task[None]]] = defaultdict(set)

    def __iter__(self) -> Iterator[PlacedTask]:
        """Tasks here, open or opening."""
        return iter([task for task, _ in self._living.values()])

    @property
    def numbers(self) -> set[int]:
        """Whose stores are in use: tasks here and tasks still leaving."""
        return {*self._living, *(number for number, leaving in self._leaving.items() if leaving)}

    def states(self) -> dict[int, str]:
        """What each task is doing or waiting for; one of which only the former self is there is `leaving`."""
        return dict.fromkeys(sorted(self.numbers), "leaving") | {task.number: task.state for task in self}

    def follow(self, ours: Mapping[int, tuple[TopicPartition, ...]]) -> None:
        """Make what lives here equal to what the group gave us. A task that stays is not touched (rule 3)."""
        self.release(task.number for task in self if ours.get(task.number) != task.tps)
        for number in sorted(ours.keys() - self._living.keys()):
            self.admit(number, ours[number])

    def admit(self, number: int, tps: tuple[TopicPartition, ...]) -> None:
        """Open a task, after its former self is gone."""
        task = self._make(number, tps)
        self._living[number] = (task, asyncio.create_task(self._live(task), name=f"{self._stage}-{number}"))

    def release(self, numbers: Iterable[int] | None = None) -> None:
        """Close these tasks, or all."""
        for number in list(self._living if numbers is None else numbers):
            task, runner = self._living.pop(number)
            opening = not task.ready
            task.stop()
            leaving = asyncio.create_task(self._leave(task, runner, opening=opening))
            self._leaving[number].add(leaving)
            leaving.add_done_callback(self._leaving[number].discard)
        self._changed()

    async def gone(self) -> None:
        """Wait until every released task has closed, each within its deadlines."""
        leaving = {each for group in self._leaving.values() for each in group}
        if leaving:
            await asyncio.wait(leaving, timeout=self._close_deadline_s * 3)

    def raise_failed(self) -> None:
        """Raise what ended a task that lives here."""
        for _, runner in self._living.values():
            if runner.done() and not runner.cancelled() and (error := runner.exception()) is not None:
                raise error

    async def _live(self, task: PlacedTask) -> None:
        while leaving := self._leaving[task.number]:
            task.waiting("predecessor")
            await asyncio.wait(set(leaving))
        await task.run()

    async def _leave(self, task: PlacedTask, runner: asyncio.Task[None], *, opening: bool) -> None:
        """Wait for an orderly end; after the deadline cut it off, and wait until that has happened."""
        if opening and not runner.done():
            runner.cancel()  # an open that nobody needs any more: a restore may take minutes
        _, late = await asyncio.wait([runner], timeout=self._close_deadline_s)
        if late:
            log.warning("task_cut", stage=self._stage, task=task.number, state=task.state)
            runner.cancel()
            await asyncio.wait([runner])
        if not runner.cancelled() and (error := runner.exception()) is not None:
            log.warning("task_left_failing", stage=self._stage, task=task.number, error=repr(error))
