"""Looks at the cluster once a second: lag, tasks that stand still, last stable offsets that stand still.

By aiokafka: librdkafka's admin client aborts the process when a broker dies under its question.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.stages import input_topics, stage_names

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S: Final = 1.0
ASK_S: Final = 4.0
SINK: Final = "sink"
"""Keeps its offsets in Postgres."""
Task = tuple[str, int]
"""A group and a number of a partition."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `at`: s since the epoch. `fed`: lines sent so far. `lag`: records not yet read.

    `moved`: tasks with progress since the last look; `still`: those with input and none. `stalled`:
    partitions whose last stable offset stands below the end and did not move.
    """

    at: float
    fed: int
    lag: int
    stalled: int
    moved: frozenset[Task] = frozenset()
    still: frozenset[Task] = frozenset()


class Watch:
    """Samples until it is cancelled. `freed`: when a stable offset stood still, and when it moved again."""

    def __init__(self, bootstrap: str, fed: Callable[[], int]) -> None:
        self.samples: list[Sample] = []
        self.missed = 0
        self.stalled_since: dict[TopicPartition, float] = {}
        self.freed: list[tuple[float, float]] = []
        self._bootstrap = bootstrap
        self._fed = fed
        self._groups = {f"carillon.{name}": input_topics(name) for name in stage_names() if name != SINK}
        self._committed: dict[tuple[str, TopicPartition], int] = {}
        self._stable: dict[TopicPartition, int] = {}
        self._open: dict[TopicPartition, int] = {}
        self._places: list[TopicPartition] = []

    async def run(self) -> None:
        """Look once a second; a look that fails, because a broker is away, is counted and left out."""
        async with AsyncExitStack() as stack:
            readers = [self._reader(isolation) for isolation in ("read_committed", "read_uncommitted")]
            for reader in readers:
                await stack.enter_async_context(reader)
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=4_000)
            await admin.start()
            stack.push_async_callback(admin.close)
            while True:
                began = time.monotonic()
                self.missed += 1
                with suppress(KafkaError, OSError, TimeoutError):
                    async with asyncio.timeout(ASK_S):
                        self.samples.append(await self._look(readers[0], readers[1], admin))
                        self.missed -= 1
                await asyncio.sleep(max(0.1, EVERY_S - (time.monotonic() - began)))

    def freed_after(self, at: float) -> int:
        """Partitions whose stable offset stood still and moved again at or after this time."""
        return sum(freed >= at for _, freed in self.freed)

    def _reader(self, isolation: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level=isolation,
            enable_auto_commit=False,
            metadata_max_age_ms=2_000,
            retry_backoff_ms=100,
        )

    async def _look(
        self, committed: AIOKafkaConsumer, uncommitted: AIOKafkaConsumer, admin: AIOKafkaAdminClient
    ) -> Sample:
        places = await self._all_places(admin)
        high = await uncommitted.end_offsets(places)
        stable = await committed.end_offsets(places)
        now = time.time()
        stalled = self._stall(stable, high, now)
        lag, moved, behind = 0, set[Task](), set[Task]()
        for group, topics in self._groups.items():
            wanted = [place for place in places if place.topic in topics]
            found = await admin.list_consumer_group_offsets(group, partitions=wanted)
            for place, one in found.items():
                task, read = (group, place.partition), max(0, one.offset)
                unread = max(0, self._stable[place] - read - 1)  # the marker of a transaction is no record
                lag += unread
                if read != self._committed.get((group, place), read):
                    moved.add(task)
                if unread:
                    behind.add(task)
                self._committed[group, place] = read
        return Sample(now, self._fed(), lag, stalled, frozenset(moved), frozenset(behind - moved))

    def _stall(self, stable: dict[TopicPartition, int], high: dict[TopicPartition, int], now: float) -> int:
        for place, offset in stable.items():
            if offset < high[place] and self._open.get(place) == offset:
                self.stalled_since.setdefault(place, now)
            elif place in self.stalled_since:
                self.freed.append((self.stalled_since.pop(place), now))
        self._stable = stable
        self._open = {place: offset for place, offset in stable.items() if offset < high[place]}
        return len(self.stalled_since)

    async def _all_places(self, admin: AIOKafkaAdminClient) -> list[TopicPartition]:
        if not self._places:
            inner = {name for names in self._groups.values() for name in names}
            self._places = [
                TopicPartition(topic["topic"], one["partition"])
                for topic in await admin.describe_topics()
                if topic["topic"] in inner or topic["topic"].endswith(".changelog")
                for one in topic["partitions"]
            ]
        return self._places
