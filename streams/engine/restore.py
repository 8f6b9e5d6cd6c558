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
    from collections.abc import Callable

    from aiokafka import AIOKafkaConsumer

    from streams.engine.api import EngineConfig

BIRTH_KEY = b"birth"
FOREIGN_POLL_S = 0.05
SLICE = 5_000  # rows written at a time: RocksDB's binding holds the interpreter meanwhile, thread or not
STOP_S = 2.0


def store_folder(config: EngineConfig, stage: str) -> Path:
    """Where the stores of a stage's tasks lie, each in a folder of its number."""
    return Path(config.data_dir) / config.app / stage


@dataclass(frozen=True, slots=True)
class Bounds:
    """A changelog partition: first offset, last stable offset, birth id in its first record (None: empty)."""

    start: int
    end: int
    birth: bytes | None


@dataclass(frozen=True, slots=True)
class Restored:
    """An open store, the number of changelog records read for it, and whether it began empty."""

    store: Store
    records: int
    rebuilt: bool


class Changelogs:
    """Asks about and reads changelog partitions; one per worker process."""

    def __init__(
        self, config: EngineConfig, committed: AIOKafkaConsumer, uncommitted: AIOKafkaConsumer
    ) -> None:
        """Two started consumers of both isolation levels, used only for offsets."""
        self._config = config
        self._committed = committed
        self._uncommitted = uncommitted

    async def settled_bounds(self, tp: TopicPartition, waiting: Callable[[str], None]) -> Bounds:
        """Bounds once no transaction is open in the partition.

        A foreign open transaction holds the last stable offset below our own commits: restoring up to it
        would miss them, so this waits (named `foreign_transaction`) until stable offset and high watermark
        are equal.
        """
        while True:
            end = await end_offset(self._committed, tp)
            if end >= await end_offset(self._uncommitted, tp):
                break
            waiting("foreign_transaction")
            await asyncio.sleep(FOREIGN_POLL_S)
        start = int((await self._committed.beginning_offsets([tp]))[tp])
        birth = await self._birth(tp, start, end)
        return Bounds(start, end, birth)

    async def _birth(self, tp: TopicPartition, start: int, end: int) -> bytes | None:
        if start >= end:
            return None
        async with _reading(self._config, tp, start) as consumer:
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=200, max_records=1)).values():
                    for record in records:
                        return bytes(record.value or b"") if record.key == BIRTH_KEY else b"unborn"
        return None

    async def open_store(
        self, tp: TopicPartition, path: Path, memory: StoreMemory, bounds: Bounds, now: int
    ) -> Restored:
        """A store that equals the changelog up to `bounds.end`."""
        store, origin = await asyncio.to_thread(
            open_usable, path, memory, bounds, now, self._config.delete_retention_ms
        )
        first = bounds.start if origin is None else origin.offset
        try:
            records = await self._replay(tp, store, first, bounds, now)
        except BaseException:
            await asyncio.to_thread(store.close)
            raise
        return Restored(store, records, rebuilt=origin is None)

    async def _replay(self, tp: TopicPartition, store: Store, first: int, bounds: Bounds, now: int) -> int:
        if bounds.birth is None:
            return 0
        count = 0
        position = first
        async with _reading(self._config, tp, first) as consumer:
            while position < bounds.end:
                for records in (await consumer.getmany(tp, timeout_ms=200, max_records=SLICE)).values():
                    ours = (r for r in records if r.offset < bounds.end and r.key != BIRTH_KEY)
                    rows = [(r.key or b"", r.value) for r in ours]
                    count += len(rows)
                    reached = Origin(bounds.birth, min(records[-1].offset + 1, bounds.end), now)
                    await asyncio.to_thread(store.write, rows, reached)
                position = await consumer.position(tp)
        store.write((), Origin(bounds.birth, bounds.end, now))
        return count


def open_usable(
    path: Path, memory: StoreMemory, bounds: Bounds, now: int, retention_ms: int
) -> tuple[Store, Origin | None]:
    """The store at `path`, emptied when it cannot be caught up, and what it holds. Blocks."""
    store = Store(path, memory)
    origin = store.origin()
    if usable(origin, bounds, now, retention_ms):
        return store, origin
    store.close()
    wipe(path)
    return Store(path, memory), None


def usable(origin: Origin | None, bounds: Bounds, now: int, retention_ms: int) -> bool:
    """Whether a store may be caught up rather than rebuilt.

    Not when it copies another changelog, lies outside the log, or was idle so long that tombstones it never
    saw may be compacted away (half of `delete.retention.ms`).
    """
    return (
        origin is not None
        and origin.birth == bounds.birth
        and bounds.start <= origin.offset <= bounds.end
        and now - origin.written_at <= retention_ms // 2
    )


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
