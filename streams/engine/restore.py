"""Bringing a task's store up to its changelog, by position (rules "Open" and 9)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from streams.engine.kafka import end_offset, restore_consumer, stop_within
from streams.engine.store import Origin, Store, StoreMemory, wipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiokafka import AIOKafkaConsumer

    from streams.engine.api import EngineConfig
    from streams.engine.broker_time import BrokerTime

BIRTH_KEY, TIME_KEY = b"birth", b"time"
NO_ROWS = (BIRTH_KEY, TIME_KEY)
"""Changelog records that are no rows: whose copies stores are, and one written to be told the time."""
MARKER = 1
"""Offsets that the end of a store's last transaction takes; whatever was written since takes more."""
FOREIGN_POLL_S = 0.05
SLICE = 5_000  # rows written at a time: RocksDB's binding holds the interpreter meanwhile, thread or not
STOP_S = 2.0


def store_folder(config: EngineConfig, stage: str) -> Path:
    """Where the stores of a stage's tasks lie, each in a folder of its number."""
    return Path(config.data_dir) / config.app / stage


@dataclass(frozen=True, slots=True)
class Bounds:
    """A changelog partition: first offset, last stable offset, birth id in its first record (None: empty).

    `at`: what was written before this (broker's time, ms) lies before `end`.
    """

    start: int
    end: int
    birth: bytes | None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """An open store, the number of changelog records read for it, and whether it began empty."""

    store: Store
    records: int
    rebuilt: bool


class Changelogs:
    """Asks about and reads changelog partitions; one per worker process."""

    def __init__(
        self,
        config: EngineConfig,
        committed: AIOKafkaConsumer,
        uncommitted: AIOKafkaConsumer,
        broker_time: BrokerTime,
    ) -> None:
        """Two started consumers of both isolation levels, used only for offsets."""
        self._config = config
        self._broker_time = broker_time
        self._committed = committed
        self._uncommitted = uncommitted

    async def settled_bounds(self, tp: TopicPartition, waiting: Callable[[str], None]) -> Bounds:
        """Bounds once no transaction is open in the partition.

        A foreign open transaction holds the last stable offset below our own commits: restoring up to it
        would miss them, so this waits (named `foreign_transaction`) until stable offset and high watermark
        are equal.
        """
        while True:
            at = self._broker_time.at_least()
            end = await end_offset(self._committed, tp)
            if end >= await end_offset(self._uncommitted, tp):
                break
            waiting("foreign_transaction")
            await asyncio.sleep(FOREIGN_POLL_S)
        start = int((await self._committed.beginning_offsets([tp]))[tp])
        birth = await birth_of(self._config, tp, start, end)
        return Bounds(start, end, birth, at)

    async def open_store(
        self,
        tp: TopicPartition,
        path: Path,
        memory: StoreMemory,
        bounds: Bounds,
        broker_now: Callable[[], Awaitable[int]],
    ) -> Restored:
        """A store that equals the changelog up to `bounds.end`. `broker_now`: asks its broker, ms."""
        store = await asyncio.to_thread(Store, path, memory)
        try:
            origin = store.origin()
            if not await self._usable(origin, bounds, broker_now):
                store, origin = await asyncio.to_thread(_emptied, store, memory), None
            records = await self._replay(tp, store, origin, bounds)
        except BaseException:
            await asyncio.to_thread(store.close)
            raise
        return Restored(store, records, rebuilt=origin is None)

    async def _usable(
        self, origin: Origin | None, bounds: Bounds, broker_now: Callable[[], Awaitable[int]]
    ) -> bool:
        if origin is None or not copies(origin, bounds):
            return False
        if bounds.end - origin.offset <= MARKER:
            return True
        return young_enough(origin, await broker_now(), self._config.delete_retention_ms)

    async def _replay(self, tp: TopicPartition, store: Store, origin: Origin | None, bounds: Bounds) -> int:
        if bounds.birth is None:
            return 0
        count = 0
        position, at = (bounds.start, 0) if origin is None else (origin.offset, origin.written_at)
        async with _reading(self._config, tp, position) as consumer:
            while position < bounds.end:
                for records in (await consumer.getmany(tp, timeout_ms=200, max_records=SLICE)).values():
                    ours = (r for r in records if r.offset < bounds.end and r.key not in NO_ROWS)
                    rows = [(r.key or b"", r.value) for r in ours]
                    count += len(rows)
                    at = int(records[-1].timestamp)
                    reached = Origin(bounds.birth, min(records[-1].offset + 1, bounds.end), at)
                    await asyncio.to_thread(store.write, rows, reached)
                position = await consumer.position(tp)
        store.write((), Origin(bounds.birth, bounds.end, max(at, bounds.at)))
        return count


def _emptied(store: Store, memory: StoreMemory) -> Store:
    store.close()
    wipe(store.path)
    return Store(store.path, memory)


async def birth_of(config: EngineConfig, tp: TopicPartition, start: int, end: int) -> bytes | None:
    """What the first record between these offsets says; None when there is none."""
    if start >= end:
        return None
    async with _reading(config, tp, start) as consumer:
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(tp, timeout_ms=200, max_records=1)).values():
                for record in records:
                    return bytes(record.value or b"") if record.key == BIRTH_KEY else b"unborn"
    return None


def copies(origin: Origin, bounds: Bounds) -> bool:
    """Whether a store holds a beginning of this changelog, not of one that was deleted and made anew."""
    return origin.birth == bounds.birth and bounds.start <= origin.offset <= bounds.end


def young_enough(origin: Origin, now: int, retention_ms: int) -> bool:
    """Whether no tombstone after the store's last record can be compacted away: half of their retention.

    Both times are the broker's, ms.
    """
    return now - origin.written_at <= retention_ms // 2


class _reading:  # noqa: N801 - a context manager used like a function
    """A short-lived consumer placed at one offset of one partition."""

    def __init__(self, config: EngineConfig, tp: TopicPartition, offset: int) -> None:
        self._consumer = restore_consumer(config)
        self._tp = tp
        self._offset = offset

    async def __aenter__(self) -> AIOKafkaConsumer:
        try:
            await self._consumer.start()
        except BaseException:
            await stop_within(self._consumer, STOP_S)
            raise
        self._consumer.assign([self._tp])
        self._consumer.seek(self._tp, self._offset)
        return self._consumer

    async def __aexit__(self, *_: object) -> None:
        await stop_within(self._consumer, STOP_S)
