"""What stands in a stage now: tasks by state, records fetched and not handled, records still to fetch."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from aiokafka.errors import IllegalStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiokafka import AIOKafkaConsumer

    from streams.engine.meters import Meters
    from streams.engine.placed import PlacedTask

EVERY_S = 1.0


async def measure(
    meters: Meters, stage: str, tasks: Callable[[], Iterable[PlacedTask]], consumer: AIOKafkaConsumer
) -> None:
    """Set the stage's gauges once a second, for ever."""
    while True:
        standing = list(tasks())
        states = Counter(task.state.partition(":")[0] for task in standing)
        buffered = sum(len(task.lanes) for task in standing)
        meters.standing(stage, states, buffered, sum(_behind(task, consumer) for task in standing))
        await asyncio.sleep(EVERY_S)


def _behind(task: PlacedTask, consumer: AIOKafkaConsumer) -> int:
    """Offsets between where the task stands and the end that the last fetch told; markers count too."""
    behind = 0
    for tp, lane in task.lanes.by_tp.items():
        try:
            end = consumer.highwater(tp)
        except (AssertionError, IllegalStateError):  # not placed yet, or no more: aiokafka asserts it
            continue
        if end is not None:
            behind += max(end - lane.position, 0)
    return behind
