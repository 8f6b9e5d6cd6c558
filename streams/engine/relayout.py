"""How the stage of one worker follows a change of its number of tasks (`streams.engine.layout`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from streams.engine.ahead import reads_ahead
from streams.engine.failures import AWAY
from streams.engine.layout import Layout, Layouts, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka.structs import TopicPartition

    from streams.engine.membership import Membership
    from streams.engine.roster import Roster

log = structlog.get_logger("engine.layout")
POLL_S = 0.05
SETTLES_S = 60.0
"""How long after a change the group may still spread the new tasks."""


class Relayout:
    """Closes tasks that may not run, asks the group to spread new ones, and answers what is done."""

    def __init__(self, stage: str, layouts: Layouts, membership: Membership, roster: Roster) -> None:
        """`layouts` may be known already: a worker may start in the middle of a change."""
        self._stage = stage
        self._layouts = layouts
        self._membership = membership
        self._roster = roster
        self._told = asyncio.Event()
        layouts.listen(stage, self._hear)

    def _hear(self) -> None:
        self._told.set()
        self._membership.changed.set()

    def admitted(self) -> Mapping[int, tuple[TopicPartition, ...]]:
        """Of the tasks that the group gave us, those that may run now."""
        layout = self._layouts.of(self._stage)
        ours = self._membership.tasks
        return ours if layout is None else {task: tps for task, tps in ours.items() if layout.admits(task)}

    def explains(self, count: int) -> bool:
        """Whether the inputs have so many partitions because the stage was, or is being, changed."""
        layout = self._layouts.of(self._stage)
        return layout is not None and (layout.is_under_way or count == layout.new)

    async def follow(self) -> None:
        """Follow every change; ends only by error or cancellation."""
        layout = self._layouts.of(self._stage)
        if layout is not None and layout.is_under_way:
            self._told.set()
        while True:
            await self._told.wait()
            self._told.clear()
            layout = self._layouts.of(self._stage)
            assert layout is not None
            log.info("layout", stage=self._stage, phase=layout.phase, old=layout.old, new=layout.new)
            if layout.phase is Phase.MOVE:
                self._roster.follow({})
                await self._roster.gone()
                await self._answer(layout)
            elif layout.phase is not Phase.GROW:
                for task in self._roster:
                    task.wake.set()
                await self._membership.look_again()
                await self._settle(layout)

    async def _settle(self, layout: Layout) -> None:
        """Answer with the tasks that are open here, whenever they change, until the group has settled."""
        answered: set[int] | None = None
        deadline = asyncio.get_running_loop().time() + SETTLES_S
        while not self._told.is_set() and asyncio.get_running_loop().time() < deadline:
            admitted = set(self.admitted())
            if self._all_open(admitted) and admitted != answered:
                answered = admitted if await self._answer(layout) else None
            await asyncio.sleep(POLL_S)

    def _all_open(self, admitted: set[int]) -> bool:
        return admitted == {task.number for task in self._roster if reads_ahead(task)}

    async def _answer(self, layout: Layout) -> bool:
        tasks = [task.number for task in self._roster]
        try:
            await self._layouts.answer(self._stage, layout, tasks)
        except AWAY as error:
            log.warning("layout_unanswered", stage=self._stage, error=repr(error))
            return False
        return True
