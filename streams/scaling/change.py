"""A stage gets more tasks, phase by phase; a change that was interrupted goes on where it stood.

grow    topics get their new partitions, which nobody reads yet
drain   writers are fenced: from then on they write by the new count. Old tasks read what is older, while
        their rows are copied to new partitions
move    old tasks close and are fenced, the last rows are copied, offsets of new partitions are set; then one
        transaction deletes rows where they were and says `done`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.engine.layout import Phase
from streams.scaling.copies import Copies
from streams.scaling.hand import behind, partitions, reading
from streams.scaling.plan import Plan, ScaleError
from streams.scaling.workers import Workers
from streams.stages import input_topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka.structs import TopicPartition

    from connectors.kafka_admin import Topics
    from streams.scaling.hand import Hand

POLL_S, SETTLED_POLL_S = 0.1, 0.02
SPREAD_S = 15.0
"""How long workers are waited for to spread the new tasks."""


class Change:
    """The steps of one change. `home`: Kafka key of a row; `tell`: a line for a person."""

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
        self._workers = Workers(clients.config, topics, found, tell)
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
        await self._workers.opened(Phase.DRAIN, set(range(self._plan.old)), SPREAD_S)
        for writer in self._plan.writers:
            counts = await self._topics.partition_counts(input_topics(writer))
            await self._hand.fence(writer, range(max(counts.values())))
        ends = await self._hand.ends(self._old)
        self._tell("writers use the new partitions")

        async def left() -> int:
            await copies.copy()
            return await self._unread(ends)

        await self._workers.wait("records left that were written by the old count", left, POLL_S)
        await copies.copy()

    async def _unread(self, ends: dict[TopicPartition, int]) -> int:
        """About how many records before `ends` old tasks have not read; 0 only when they have read all."""
        positions = await self._hand.positions(self._plan.stage, ends)
        for tp, end in ends.items():
            if positions[tp] < end:
                async with reading(self._hand.config, tp) as log:
                    if await log.before(positions[tp], end):
                        return behind(ends, positions)
        return 0

    async def move(self, copies: Copies) -> None:
        """Stop the stage, move the rest of its rows, let it go on with all its tasks."""
        stage = self._plan.stage
        await self._phase(Phase.MOVE)
        if not await self._workers.closed():
            self._tell("not every worker has closed its tasks in time; they are fenced")
        await self._hand.fence(stage, range(self._plan.old))
        await self._workers.wait(
            "changelog records behind an open transaction", copies.unsettled, SETTLED_POLL_S
        )
        await copies.copy()
        await self._set_offsets()
        async with self._hand.transaction() as outputs:
            copies.leave(outputs)
            self._hand.say(outputs, stage, self._plan.layout(Phase.DONE))
        self._tell("done")

    async def _set_offsets(self) -> None:
        """Where new tasks begin, seen before they are told: the parts of a transaction appear one by one.

        A new task that saw `done` and no offset beside its rows would end its worker. It cannot wait for the
        offset by itself: aiokafka does not ask whether one is pending.
        """
        stage, hand = self._plan.stage, self._hand
        new = partitions(self._plan.inputs, range(self._plan.old, self._plan.new))
        firsts = await hand.uncommitted.beginning_offsets(new)
        async with hand.transaction():
            await hand.producer.send_offsets_to_transaction(dict(firsts), hand.config.group(stage))

        async def unset() -> int:
            return sum(offset < 0 for offset in (await hand.positions(stage, new)).values())

        await self._workers.wait("offsets of new partitions are not visible yet", unset, SETTLED_POLL_S)

    async def _phase(self, phase: Phase) -> None:
        await self._hand.tell(self._plan.stage, self._plan.layout(phase))
        self._tell(phase)
