"""A task's rows: the local store, and the changelog whose copy it is (rules "Open", 5 and 9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.restore import BIRTH_KEY, store_folder
from streams.engine.store import Origin, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.outputs import Outputs
    from streams.engine.placed import Shared
    from streams.engine.tables import Overlay
    from streams.engine.transactions import Ends

log = structlog.get_logger("engine.rows")


class Rows:
    """An open store and the changelog position it stands for: both move in `keep`, after a commit."""

    def __init__(self, shared: Shared, tp: TopicPartition, store: Store, origin: Origin) -> None:
        """`origin.birth` is empty while the changelog is: then `found` comes first."""
        self.store = store
        self._shared = shared
        self._tp = tp
        self._birth = origin.birth
        self._offset = origin.offset

    @classmethod
    async def open(cls, shared: Shared, number: int, waiting: Callable[[str], None]) -> Rows:
        """Wait for a settled changelog and bring the store up to its end. The task must be fenced before."""
        config, stage = shared.config, shared.stage.name
        tp = TopicPartition(config.changelog(stage), number)
        waiting("restore")
        bounds = await shared.changelogs.settled_bounds(tp, waiting)
        waiting("restore")
        now = shared.now_ms()
        path = store_folder(config, stage) / str(number)
        restored = await shared.changelogs.open_store(tp, path, shared.memory, bounds, now)
        shared.meters.restored(stage, restored.records)
        told = {"records": restored.records, "rebuilt": restored.rebuilt}
        log.info("store_restored", stage=stage, task=number, **told)
        return cls(shared, tp, restored.store, Origin(bounds.birth or b"", bounds.end, now))

    @property
    def founded(self) -> bool:
        """Whether the changelog has its first record."""
        return bool(self._birth)

    def found(self, outputs: Outputs) -> None:
        """Write the changelog's first record, its birth id."""
        self._birth = self._shared.new_birth()
        now = self._shared.now_ms()
        outputs.append(self._tp.topic, self._tp.partition, BIRTH_KEY, self._birth, now, ())

    def append(self, overlay: Overlay, outputs: Outputs) -> None:
        """Write the batch's rows to the changelog."""
        topic, number = self._tp
        for key, value in overlay.writes.items():
            outputs.append(topic, number, key, value, overlay.now, ())

    def keep(self, overlay: Overlay, ends: Ends) -> None:
        """The transaction is through: rows and the changelog position they reach, in one write."""
        end = ends.get(self._tp)
        if end is not None:
            self._offset = end
            self.store.write(overlay.writes.items(), Origin(self._birth, end, overlay.now))

    def freshen(self) -> None:
        """Nobody but us has written so far: the store is of now."""
        if self._birth:
            self.store.write((), Origin(self._birth, self._offset, self._shared.now_ms()))

    async def close(self) -> None:
        """Release the store's lock."""
        await asyncio.to_thread(self.store.close)
