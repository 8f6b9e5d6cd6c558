"""Whether a blow hit something, told by the broker; and what the workers' logs say of it afterwards."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INPUTS = ("notification.send.request", "payment.events", "social.events", "auth.events")
WRITTEN = ("request.", "channel.", "outcomes", "rows", "notification.", "stats.", "carillon.")
KEPT_WHOLE = ("request.", "channel.", "outcomes", "rows", "notification.events")
"""Topics without compaction."""

UNHEARD = "select extract(epoch from timestamp) from delivery_status_logs where status = 'unknown' order by 1"


@dataclass(frozen=True, slots=True)
class Moment:
    """`at`: s since the epoch. `lag`: records the intake has not committed. `open`: open transactions."""

    at: float
    lag: int
    open: int

    @property
    def is_busy(self) -> bool:
        """A blow at this moment counts."""
        return self.lag > 0 or self.open > 0


class Watch:
    """Asks the broker; no marker of a transaction lies in the inputs, so their lag is of records alone."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    async def moment(self) -> Moment:
        """How it stands now."""
        return await asyncio.to_thread(self._moment)

    async def busy(self, patience_s: float = 20.0) -> Moment:
        """The first moment at which a blow counts."""
        async with asyncio.timeout(patience_s):
            while not (moment := await self.moment()).is_busy:
                await asyncio.sleep(0.01)
        return moment

    def places(self, prefixes: tuple[str, ...]) -> list[Any]:
        """Partitions of topics whose name begins so."""
        topics = self._admin.list_topics(timeout=10).topics
        return [
            TopicPartition(name, number)
            for name, topic in topics.items()
            if name.startswith(prefixes)
            for number in topic.partitions
        ]

    def _moment(self) -> Moment:
        inputs, written = self.places(INPUTS), self.places(WRITTEN)
        stable = self._ends(written, IsolationLevel.READ_COMMITTED)
        high = self._ends(written, IsolationLevel.READ_UNCOMMITTED)
        read = self._committed("carillon.intake", inputs)
        fed = self._ends(inputs, IsolationLevel.READ_UNCOMMITTED)
        lag = sum(max(0, end - read.get(place, 0)) for place, end in fed.items())
        return Moment(time.time(), lag, sum(high[place] > stable[place] for place in stable))

    def _ends(self, places: Iterable[Any], isolation: Any) -> dict[tuple[str, int], int]:
        asked = {place: OffsetSpec.latest() for place in places}
        found = self._admin.list_offsets(asked, isolation_level=isolation)
        return {(place.topic, place.partition): one.result().offset for place, one in found.items()}

    def _committed(self, group: str, places: list[Any]) -> dict[tuple[str, int], int]:
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])
        found = asked[group].result().topic_partitions
        return {(one.topic, one.partition): max(0, one.offset) for one in found}


async def unheard_times(dsn: str) -> list[float]:
    """When each attempt was listed whose answer nobody heard, in seconds since the epoch."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(UNHEARD)
    finally:
        await connection.close()
    return [float(row[0]) for row in rows]


async def aborted(bootstrap: str) -> int:
    """Records of aborted transactions: they lie in the log, and readers of committed ones do not see them."""
    both = [await _count(bootstrap, isolation) for isolation in ("read_uncommitted", "read_committed")]
    return both[0] - both[1]


async def _count(bootstrap: str, isolation: str) -> int:
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    seen = 0
    async with reader:
        places = [Place(one.topic, one.partition) for one in Watch(bootstrap).places(KEPT_WHOLE)]
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        ends = await reader.end_offsets(places)
        while any([await reader.position(place) < ends[place] for place in places]):
            seen += sum(map(len, (await reader.getmany(timeout_ms=100)).values()))
    return seen


@dataclass(frozen=True, slots=True)
class Told:
    """What the workers logged. `takeovers`: a task that another worker had before."""

    takeovers: int
    reopened: Counter[str]
    errors: Counter[str]


def told(logs: dict[str, list[Path]]) -> Told:
    """All runs of all workers, in the order of time."""
    lines = sorted(
        ((line["timestamp"], name, line) for name, paths in logs.items() for line in _lines(paths)),
        key=lambda one: one[:2],
    )
    holder: dict[tuple[str, int], str] = {}
    takeovers, reopened, errors = 0, Counter[str](), Counter[str]()
    for _, name, line in lines:
        if line["event"] == "task_reopens":
            reopened[line["failure"]] += 1
        if line.get("level") in {"error", "critical"}:
            errors[line["event"].partition("\n")[0][:60]] += 1
        if line["event"] != "tasks_assigned":
            continue
        for task in line["tasks"]:
            takeovers += holder.get((line["stage"], task), name) != name
            holder[line["stage"], task] = name
    return Told(takeovers, reopened, errors)


def _lines(paths: Iterable[Path]) -> list[dict[str, Any]]:
    rows = []
    for path in paths:
        for raw in path.read_bytes().splitlines():
            if raw.startswith(b"{") and raw.endswith(b"}"):
                row = json.loads(raw)
                if "timestamp" in row and "event" in row:
                    rows.append(row)
    return rows
