"""A stage gets more tasks, phase by phase; a change that was interrupted goes on where it stood.

grow    topics get their new partitions, which nobody reads yet
drain   writers are fenced: from then on they write by the new count. Old tasks read what is older, while
        their rows are copied to new partitions
move    old tasks close and are fenced, the last rows are copied; then one transaction deletes them where they
        were, sets the offsets of new partitions and says `done`
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.engine.layout import Layout, Phase
from streams.scaling.copies import Copies
from streams.scaling.hand import behind, hand, partitions, reading
from streams.scaling.plan import Plan, ScaleError, plan
from streams.topology import input_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka.structs import TopicPartition

    from connectors.kafka_admin import Topics
    from streams.engine.api import EngineConfig
    from streams.scaling.hand import Hand

POLL_S = 0.1
SPREAD_S, CLOSES_S, OPENS_S = 15.0, 20.0, 60.0
"""How long workers are waited for: to spread the new tasks, to close the old ones, to open the new ones."""


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


class Change:
    """One run of the command. `home`: Kafka key of a row; `tell`: a line for a person."""

    def __init__(
        self,
        clients: Hand,
        topics: Topics,
        found: Plan,
        home: Callable[[bytes, bytes], bytes],
        tell: Callable[[str], None],
    ) -> None:
        self._hand = clients
        self._topics = topics
        self._plan = found
        self._home = home
        self._tell = tell
        self._old = partitions(found.inputs, range(found.old))

    async def prepare(self, most_behind: int) -> None:
        """Find out before anything is changed whether it can be done, and soon. `ScaleError`."""
        positions = await self._hand.positions(self._plan.stage, self._old)
        lag = behind(await self._hand.ends(self._old), positions)
        if lag > most_behind:
            text = f"{self._plan.stage} lags {lag} records behind; new partitions wait until it has read them"
            raise ScaleError(f"{text}. Wait for fewer than {most_behind}, or give --max-lag")
        async with Copies(self._hand, self._plan, self._home) as copies:
            await copies.rehearse()
            self._tell(f"{copies.moved} rows will move")
        await self._phase(Phase.GROW)

    async def grow(self) -> None:
        """Every topic of the stage gets its partitions, and all workers are told to look."""
        changelog = self._hand.config.changelog(self._plan.stage)
        await self._topics.grow([*self._plan.inputs, changelog], self._plan.new)
        await self._phase(Phase.DRAIN)

    async def drain(self, copies: Copies) -> None:
        """Fence the writers; wait until what they wrote by the old count is read; copy rows meanwhile."""
        await self._answered(Phase.DRAIN, set(range(self._plan.old)), SPREAD_S)
        for writer in self._plan.writers:
            counts = await self._topics.partition_counts(input_topics(writer))
            await self._hand.fence(writer, range(max(counts.values())))
        ends = await self._hand.ends(self._old)
        self._tell("writers use the new partitions")
        await copies.copy()
        while not await self._drained(ends):
            await copies.copy()
            await asyncio.sleep(POLL_S)
        await copies.copy()

    async def _drained(self, ends: dict[TopicPartition, int]) -> bool:
        positions = await self._hand.positions(self._plan.stage, ends)
        for tp, end in ends.items():
            if positions[tp] < end:
                async with reading(self._hand.config, tp) as log:
                    if await log.before(positions[tp], end):
                        return False
        return True

    async def move(self, copies: Copies) -> None:
        """Stop the stage, move the rest of its rows, let it go on with all its tasks."""
        stage, config = self._plan.stage, self._hand.config
        await self._phase(Phase.MOVE)
        await self._closed()
        await self._hand.fence(stage, range(self._plan.old))
        await copies.settled()
        await copies.copy()
        new = partitions(self._plan.inputs, range(self._plan.old, self._plan.new))
        firsts = await self._hand.uncommitted.beginning_offsets(new)
        async with self._hand.transaction() as outputs:
            copies.leave(outputs)
            self._hand.say(outputs, stage, self._plan.layout(Phase.DONE))
            await self._hand.producer.send_offsets_to_transaction(dict(firsts), config.group(stage))
        self._tell("done")

    async def opened(self) -> bool:
        """Whether all new tasks are open, as soon as they are. False when they are not in time."""
        return await self._answered(Phase.DONE, set(range(self._plan.new)), OPENS_S)

    async def _phase(self, phase: Phase) -> None:
        await self._hand.tell(self._plan.stage, self._plan.layout(phase))
        self._tell(phase)

    async def _closed(self) -> None:
        """Until every worker of the group has closed its tasks; one that is dead is fenced later."""
        wanted = self._plan.layout(Phase.MOVE)
        deadline = time.monotonic() + CLOSES_S
        while time.monotonic() < deadline:
            workers = await self._topics.workers(self._hand.config.group(self._plan.stage))
            answers = (await self._hand.layouts())[1].get(self._plan.stage, {})
            if all(worker in answers and answers[worker].layout == wanted for worker in workers):
                return
            await asyncio.sleep(POLL_S / 4)
        self._tell("not every worker has closed its tasks in time; they are fenced")

    async def _answered(self, phase: Phase, tasks: set[int], patience_s: float) -> bool:
        """Until these tasks are open in this phase; not when nobody runs the stage."""
        wanted: Layout = self._plan.layout(phase)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not await self._topics.workers(self._hand.config.group(self._plan.stage)):
                return False
            answers = (await self._hand.layouts())[1].get(self._plan.stage, {})
            open_tasks = {task for one in answers.values() if one.layout == wanted for task in one.tasks}
            if tasks <= open_tasks:
                return True
            await asyncio.sleep(POLL_S / 4)
        return False


async def scale(  # noqa: PLR0913 - the words of the command
    config: EngineConfig,
    topics: Topics,
    stage: str,
    new: int,
    *,
    home: Callable[[bytes, bytes], bytes],
    tell: Callable[[str], None],
    most_behind: int,
) -> Report:
    """Change a stage to `new` partitions, or go on with that. `ScaleError`, `KafkaError`."""
    began = time.monotonic()
    async with hand(config) as clients:
        layouts, _ = await clients.layouts()
        changelog = config.changelog(stage)
        counts = await topics.partition_counts((*input_topics(stage), changelog))
        found = plan(stage, new, counts, changelog, layouts)
        if found.old == found.new:
            return Report(stage, found.old, found.new)
        phase = layouts[stage].phase if stage in layouts and layouts[stage].is_under_way else None
        if phase is None:
            await Change(clients, topics, found, home, tell).prepare(most_behind)
        if phase in {None, Phase.GROW}:
            await Change(clients, topics, found, home, tell).grow()
    async with hand(config) as clients, Copies(clients, found, home) as copies:
        change = Change(clients, topics, found, home, tell)
        await copies.begin()
        if phase is not Phase.MOVE:
            await change.drain(copies)
        stopped = time.monotonic()
        await change.move(copies)
        ran = time.monotonic()
        is_open = await change.opened()
        end = time.monotonic()
        opened = end - stopped if is_open else None
        return Report(stage, found.old, found.new, copies.moved, end - began, ran - stopped, opened)
