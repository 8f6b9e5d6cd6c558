"""One partition of a followed changelog: its rows in a store, and how far they were read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.engine.restore import BIRTH_KEY, NO_ROWS, copies, young_enough
from streams.engine.store import NEVER, Origin, Store, wipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aiokafka.structs import ConsumerRecord

    from streams.engine.restore import Bounds
    from streams.engine.store import StoreMemory

    Rows = list[tuple[bytes, bytes | None]]


class Followed:
    """Rows as of `position`. `caught_up`: the end that the changelog had at the start was passed.

    `fresh_at`: at this time (ms, ours) nothing was missing.
    """

    def __init__(self, store: Store, bounds: Bounds) -> None:
        """The store is a copy of a beginning of this changelog, or empty."""
        origin = store.origin()
        self.store = store
        self.position = bounds.start if origin is None else origin.offset
        self.caught_up = False
        self.fresh_at = 0
        self._birth = bounds.birth
        self._target = bounds.end
        self._written_at = 0 if origin is None else origin.written_at

    @classmethod
    async def open(
        cls, path: Path, memory: StoreMemory, bounds: Bounds, now: int, retention_ms: int
    ) -> Followed:
        """Open the store; one that is of another changelog, or too old by our clock, is made anew."""
        return await asyncio.to_thread(cls._opened, path, memory, bounds, (now, retention_ms))

    @classmethod
    def _opened(cls, path: Path, memory: StoreMemory, bounds: Bounds, age: tuple[int, int]) -> Followed:
        store = Store(path, memory)
        origin = store.origin()
        if origin is not None and not (copies(origin, bounds) and young_enough(origin, *age)):
            store.close()
            wipe(path)
            store = Store(path, memory)
        return cls(store, bounds)

    def row(self, key: bytes, now: int) -> bytes | None:
        """The live payload of a row: table number and key."""
        raw = self.store.get_row(key)
        if raw is None or (raw[:8] != NEVER and int.from_bytes(raw[:8], "big") <= now):
            return None
        return raw[8:]

    def taken(self, records: Sequence[ConsumerRecord[bytes, bytes]], tables: frozenset[bytes]) -> Rows:
        """The rows of these tables among the next records, which count as read."""
        for record in records:
            if record.key == BIRTH_KEY:
                self._birth = bytes(record.value or b"")
        self.position = records[-1].offset + 1
        self._written_at = int(records[-1].timestamp)
        found = ((record.key or b"", record.value) for record in records)
        return [(key, value) for key, value in found if key[:1] in tables and key not in NO_ROWS]

    def keep(self, rows: Rows) -> None:
        """Write them, with the position they reach. What ends leaves with the tombstone of its owner."""
        if self._birth is not None:
            origin = Origin(self._birth, self.position, self._written_at)
            self.store.write(rows, origin, is_swept=False)

    def reached(self, position: int, stable_end: int | None, heard_at: int) -> None:
        """What the last fetch told of the changelog, at `heard_at` (ms)."""
        if position >= self._target:
            self.caught_up = True
        if stable_end is not None and position >= stable_end:
            self.fresh_at = max(self.fresh_at, heard_at)
