"""The workers of a stage that changes: what they have answered, and what is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from streams.engine.failures import AWAY
from streams.engine.layout import Phase
from streams.scaling.hand import layouts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connectors.kafka_admin import Topics
    from streams.engine.api import EngineConfig
    from streams.engine.layout import Answer
    from streams.scaling.plan import Plan

ANSWER_POLL_S = 0.025
CLOSES_S = 20.0
"""How long workers are waited for to close their tasks."""
TELLS_S = 10.0
"""How often a person is told what a wait is for."""


class Workers:
    """The group of the stage. `tell`: a line for a person."""

    def __init__(
        self, config: EngineConfig, topics: Topics, found: Plan, tell: Callable[[str], None]
    ) -> None:
        self._config = config
        self._topics = topics
        self._plan = found
        self._tell = tell

    async def closed(self) -> bool:
        """Whether all have closed their tasks, as soon as they have; one that is dead never does."""
        return await self._decided(Phase.MOVE, CLOSES_S, lambda there, told: there <= told.keys() or None)

    async def opened(self, phase: Phase, tasks: set[int], patience_s: float) -> bool:
        """Whether these tasks are open in this phase, as soon as they are; not when nobody runs the stage."""

        def verdict(there: set[str], told: dict[str, Answer]) -> bool | None:
            if not there:
                return False
            return tasks <= {task for answer in told.values() for task in answer.tasks} or None

        return await self._decided(phase, patience_s, verdict)

    async def _decided(
        self,
        phase: Phase,
        patience_s: float,
        verdict: Callable[[set[str], dict[str, Answer]], bool | None],
    ) -> bool:
        """The verdict on workers and their answers in this phase; None asks again, as does a server away."""
        stage, wanted = self._plan.stage, self._plan.layout(phase)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with contextlib.suppress(*AWAY):
                there = await self._there()
                answers = (await layouts(self._config))[1].get(stage, {})
                told = {worker: answer for worker, answer in answers.items() if answer.layout == wanted}
                decided = verdict(there, told)
                if decided is not None:
                    return decided
            await asyncio.sleep(ANSWER_POLL_S)
        return False

    async def _there(self) -> set[str]:
        return await self._topics.workers(self._config.group(self._plan.stage))

    async def wait(self, what: str, left: Callable[[], Awaitable[int]], poll_s: float) -> None:
        """Until `left` gives 0; a person is told now and then how many of `what` there are."""
        told = time.monotonic()
        while many := await left():
            if time.monotonic() - told >= TELLS_S:
                told = time.monotonic()
                self._tell(f"{many} {what}{await self._nobody()}")
            await asyncio.sleep(poll_s)

    async def _nobody(self) -> str:
        with contextlib.suppress(*AWAY):
            return "" if await self._there() else f"; no worker runs {self._plan.stage}"
        return ""
