"""What the cluster knows: partition counts and committed offsets (design rules 1 and 2)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.api import NotYet, StageFailedError
from streams.engine.failures import AWAY
from streams.engine.kafka import committed_offsets
from streams.engine.layout import Phase
from streams.engine.topic_ids import topic_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiokafka import AIOKafkaConsumer
    from aiokafka.admin import AIOKafkaAdminClient

    from streams.engine.api import EngineConfig, Input, Stage
    from streams.engine.layout import Layouts

log = structlog.get_logger("engine.offsets")
AWAY_S = 0.5


class PartitionCounts:
    """Partition counts by topic, asked once and again on `refresh`."""

    def __init__(self, admin: AIOKafkaAdminClient, layouts: Layouts | None = None) -> None:
        """`admin`: started client. `layouts`: which stages change their counts."""
        self._admin = admin
        self._layouts = layouts
        self._counts: dict[str, int] = {}
        self._wanted: set[str] = set() if layouts is None else {layouts.topic}

    def count(self, topic: str) -> int:
        """Known count; an unknown topic makes the batch wait (`NotYet`) until `refresh` has asked for it."""
        found = self._counts.get(topic)
        if found is None:
            self._wanted.add(topic)
            text = f"topic_missing:{topic}"
            raise NotYet(text)
        return found

    async def refresh(self, topics: Iterable[str] = ()) -> dict[str, int]:
        """Ask for these topics, and for every topic known or wanted."""
        self._wanted.update(topics, self._counts)
        if self._wanted:
            for topic in await self._admin.describe_topics(sorted(self._wanted)):
                if topic["error_code"] == 0 and topic["partitions"]:
                    known = self._counts.get(topic["topic"], 0)  # Kafka only adds: fewer is an older answer
                    self._counts[topic["topic"]] = max(known, len(topic["partitions"]))
        if self._layouts is not None and self._layouts.topic in self._counts:
            await self._layouts.start()
        return dict(self._counts)

    async def cleared(self, stage: Stage, task: int) -> int:
        """By how many tasks the stage's keys are spread while this task runs; `NotYet` when it may not run.

        Asked after the fence of a task that opens: its outputs go by counts at least as new as that fence.
        """
        known = await self.refresh(source.topic for source in stage.inputs)
        layout = None if self._layouts is None else await self._layouts.cleared(stage.name, task)
        return max(known.get(source.topic, 0) for source in stage.inputs) if layout is None else layout.tasks

    def ahead(self, stage: Stage, task: int) -> list[tuple[Input, TopicPartition]]:
        """Notices of its keys in partitions of tasks to come, as far as these are known to be there."""
        layout = None if self._layouts is None else self._layouts.of(stage.name)
        if layout is None:
            return []
        return [
            (source, TopicPartition(source.topic, heir))
            for heir in layout.heirs(task)
            for source in stage.inputs
            if source.notices and (layout.phase is not Phase.GROW or heir < self._counts.get(source.topic, 0))
        ]

    async def first_check(self, stage: Stage, config: EngineConfig, go_on: Callable[[], bool]) -> int | None:
        """As `check`, while `go_on`; a broker that is away is waited for: a worker may start beside one."""
        while go_on():
            try:
                return await self.check(stage, config)
            except AWAY as error:
                log.warning("partitions_wait", stage=stage.name, error=repr(error))
            await asyncio.sleep(AWAY_S)
        return None

    async def check(self, stage: Stage, config: EngineConfig) -> int:
        """Number of tasks of the stage; `StageFailedError` when inputs and changelog do not fit together."""
        topics = [source.topic for source in stage.inputs]
        if stage.stateful:
            topics.append(config.changelog(stage.name))
        known = await self.refresh(topics)
        missing = [topic for topic in topics if topic not in known]
        if missing:
            text = f"stage {stage.name}: no topic {', '.join(missing)}; see `carillon topics create`"
            raise StageFailedError(f"{text}, or `carillon topics acls` if we may not see it")
        counts = {topic: known[topic] for topic in topics}
        grows = await self._grows(stage.name)
        if stage.co_partitioned and len(set(counts.values())) > 1 and not grows:
            listed = ", ".join(f"{topic}={count}" for topic, count in sorted(counts.items()))
            text = f"stage {stage.name}: partition counts differ ({listed}); its keys would meet in no task"
            raise StageFailedError(text)
        return max(counts.values())

    async def _grows(self, stage: str) -> bool:
        """Whether the counts may differ now; also while that cannot be found out: it is asked again."""
        try:
            layout = None if self._layouts is None else await self._layouts.latest(stage)
        except NotYet:
            return True
        return layout is not None and layout.is_under_way


class CommittedOffsets:
    """Where the tasks of a stage read on."""

    def __init__(self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
        """`reader`: any started consumer, asked for first offsets."""
        self._admin = admin
        self._reader = reader

    async def first(self, tp: TopicPartition) -> int:
        """Offset of the oldest record there is."""
        return int((await self._reader.beginning_offsets([tp]))[tp])

    async def birth(self, topic: str) -> str:
        """What tells the topic from an earlier one of its name."""
        return await topic_id(self._admin, topic)

    async def positions(
        self, group: str, tps: Sequence[TopicPartition], elder: str | None = None
    ) -> tuple[dict[TopicPartition, int], list[TopicPartition]]:
        """Committed offsets; for partitions without one where to begin, and the list of those.

        That is where the group `elder` stands, which had these records before, else the first one there is.
        """
        elders = await self._committed(elder, tps) if elder else {}  # before ours: it may endow us meanwhile
        found = await self._committed(group, tps)
        missing = [tp for tp in tps if tp not in found]
        if missing:
            first = await self._reader.beginning_offsets(missing)
            found.update({tp: max(int(first[tp]), elders.get(tp, 0)) for tp in missing})
        return found, missing

    async def _committed(self, group: str, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        offsets = await committed_offsets(self._admin, group, tps)
        return {tp: offsets[tp] for tp in tps if offsets[tp] >= 0}


def refuse_lost(stage: Stage, missing: Iterable[TopicPartition]) -> None:
    """`StageFailedError`: a committed offset is gone while state is there.

    Going on from anywhere would lose or repeat; of notices only, that may be read twice, it is their start.
    """
    harmless = {source.topic for source in stage.inputs if source.notices}
    lost = {tp.topic for tp in missing} - harmless
    if lost:
        raise StageFailedError(
            f"stage {stage.name}: no committed offset for {', '.join(sorted(lost))} beside a changelog "
            f"that is not empty. A new input, or offsets that expired. {_decide(stage.name)}"
        )


def out_of_range(stage: str, detail: str) -> str:
    """The committed offset is not in the log any more."""
    return (
        f"stage {stage}: the next record to read is gone from the log ({detail}). "
        f"Retention was shorter than the lag. {_decide(stage)}"
    )


def _decide(stage: str) -> str:
    return f"Decide where to read on: `carillon offsets set {stage} --to earliest|latest`"
