"""Notices that a task reads ahead, while its stage gets more tasks (docs/scaling.md).

Writers use the new partitions before anyone reads them, and messages wait in the old ones until then. What
was noticed meanwhile must be known first, so the old task of a key reads its notices in the new partition as
well, from their start and before all else. It commits no offset there: the new task reads them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.engine.api import Event, Input
    from streams.engine.placed import PlacedTask

log = structlog.get_logger("engine.ahead")


async def read_ahead(task: PlacedTask) -> None:
    """Add the inputs that are to be read ahead by now; most times there are none."""
    found = _missing(task)
    for source, tp in found:
        task.lanes.add(Lane(source, tp, await task.shared.offsets.first(tp)))
    if found:
        read = [f"{tp.topic}/{tp.partition}" for _, tp in found]
        log.info("notices_ahead", stage=task.stage.name, task=task.number, read=read)
        task.shared.placed_changed()


def reads_ahead(task: PlacedTask) -> bool:
    """Whether the task is open, and nothing that it is to read ahead is missing."""
    return task.ready and not _missing(task)


def _missing(task: PlacedTask) -> list[tuple[Input, TopicPartition]]:
    known, ahead = task.lanes.by_tp, task.shared.partitions.ahead(task.stage, task.number)
    return [(source, tp) for source, tp in ahead if tp not in known]


def reached(taken: list[Event]) -> dict[TopicPartition, int]:
    """Where the inputs stand once these events are dealt with."""
    last = {(event.topic, event.partition): event.offset + 1 for event in taken if event.topic}
    return {TopicPartition(topic, partition): offset for (topic, partition), offset in last.items()}


def owned(positions: Mapping[TopicPartition, int], task: int) -> dict[TopicPartition, int]:
    """Those of them that are this task's to commit."""
    return {tp: offset for tp, offset in positions.items() if tp.partition == task}
