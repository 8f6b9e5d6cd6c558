"""The way of a change from wherever it stands to its end, also past servers that are away for a while."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streams.engine.failures import AWAY, Failure, classify
from streams.engine.layout import Phase
from streams.scaling.change import Change
from streams.scaling.copies import Copies
from streams.scaling.hand import hand, layouts
from streams.scaling.plan import Plan, plan
from streams.scaling.workers import Workers
from streams.stages import input_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.kafka_admin import Topics
    from streams.engine.api import EngineConfig
    from streams.scaling.hand import Hand

AGAIN_S = 1.0
OPENS_S = 60.0
"""How long workers are waited for to open the new tasks."""
FINAL = {Failure.FENCED, Failure.FATAL}
"""Somebody else goes on with the change, or waiting cannot help."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a change came to. `stopped_s`: no task of the stage ran; `opened_s`: until all new ones did."""

    stage: str
    old: int
    new: int
    moved: int = 0
    total_s: float = 0.0
    stopped_s: float = 0.0
    opened_s: float | None = None


@dataclass(slots=True)
class Course:
    """One run of the command. `home`: Kafka key of a row; `tell`: a line for a person."""

    config: EngineConfig
    topics: Topics
    stage: str
    new: int
    home: Callable[[bytes, bytes], bytes]
    tell: Callable[[str], None]
    most_behind: int
    _begun: bool = field(init=False)
    _done: bool = field(default=False, init=False)
    _moved: int = field(default=0, init=False)
    _stopped_at: float | None = field(default=None, init=False)
    _ran_at: float = field(default=0.0, init=False)
    _opened_at: float | None = field(default=None, init=False)

    async def run(self) -> Report:
        """Change the stage, or go on with that. `ScaleError`, `KafkaError`.

        What cannot be done is refused before a producer starts, which would fence a change that runs. Once
        workers have been told of the change, a server that is away is waited for: stopping here could leave
        the stage stopped.
        """
        began = time.monotonic()
        found, phase = await self._look()
        if found.old == found.new:
            return Report(self.stage, found.old, found.new)
        self._begun = phase is not None
        while not self._done:
            try:
                await self._step(found)
            except AWAY as error:
                if not self._begun or classify(error, committing=False) in FINAL:
                    raise
                self.tell(f"{type(error).__name__}: {error}; trying again")
                await asyncio.sleep(AGAIN_S)
        stopped_at = self._stopped_at or self._ran_at
        opened_s = None if self._opened_at is None else self._opened_at - stopped_at
        times = (time.monotonic() - began, self._ran_at - stopped_at, opened_s)
        return Report(self.stage, found.old, found.new, self._moved, *times)

    async def _look(self) -> tuple[Plan, Phase | None]:
        """What is to be done as of now, and the phase of a change that is under way."""
        known, _ = await layouts(self.config)
        changelog = self.config.changelog(self.stage)
        counts = await self.topics.partition_counts((*input_topics(self.stage), changelog))
        layout = known.get(self.stage)
        phase = layout.phase if layout is not None and layout.is_under_way else None
        return plan(self.stage, self.new, counts, changelog, known), phase

    async def _step(self, begun_with: Plan) -> None:
        """What comes next, by the phase as it is behind our fence; each step may be repeated."""
        async with hand(self.config) as clients:
            found, phase = await self._look()
            if found.old == found.new:  # it was committed, and we did not hear of it
                await self._end(begun_with)
                return
            change = Change(clients, self.topics, found, self.home, self.tell)
            if phase is None:
                await change.prepare(self.most_behind)
                self._begun = True
            elif phase is Phase.GROW:
                await change.grow()
            else:
                await self._move(clients, change, found, phase)
                await self._end(found)

    async def _move(self, clients: Hand, change: Change, found: Plan, phase: Phase) -> None:
        async with Copies(clients, found, self.home) as copies:
            await copies.begin()
            if phase is not Phase.MOVE:
                await change.drain(copies)
            self._stopped_at = self._stopped_at or time.monotonic()
            try:
                await change.move(copies)
            finally:
                self._moved = copies.moved

    async def _end(self, found: Plan) -> None:
        self._done = True
        self._ran_at = time.monotonic()
        workers = Workers(self.config, self.topics, found, self.tell)
        if await workers.opened(Phase.DONE, set(range(found.new)), OPENS_S):
            self._opened_at = time.monotonic()
