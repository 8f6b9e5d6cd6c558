"""A task's rows: the local store, and the changelog whose copy it is (rules "Open", 5 and 9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.structs import TopicPartition

from streams.engine.api import StageFailedError
from streams.engine.restore import BIRTH_KEY, TIME_KEY, store_folder
from streams.engine.store import Origin, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from streams.engine.outputs import Outputs, Reached
    from streams.engine.restore import Bounds
    from streams.engine.shared import Shared
    from streams.engine.tables import Overlay
    from streams.engine.transactions import Transactions

log = structlog.get_logger("engine.rows")
WORTH_A_RECORD = 1 / 8
"""Of the retention of tombstones: a store that has been idle for longer is marked at an orderly end."""


class Rows:
    """An open store and the changelog position it stands for: both move in `keep`, after a commit."""

    def __init__(
        self,
        shared: Shared,
        tp: TopicPartition,
        store: Store,
        bounds: Bounds,
        ask: Callable[[], Awaitable[Reached]],
    ) -> None:
        """`bounds.birth` is None while the changelog is empty: then `found` comes first.

        `ask` writes a record that only says when it was written; who was fenced cannot.
        """
        self.store = store
        self._shared = shared
        self._tp = tp
        self._birth = bounds.birth or b""
        self._ask = ask
        self._written_at = bounds.at
        shared.stores[tp.partition] = store

    @classmethod
    async def open(
        cls, shared: Shared, number: int, waiting: Callable[[str], None], transactions: Transactions
    ) -> Rows:
        """Wait for a settled changelog and bring the store up to its end. The task must be fenced before."""
        config, stage = shared.config, shared.stage.name
        tp = TopicPartition(config.changelog(stage), number)
        waiting("restore")
        bounds = await shared.changelogs.settled_bounds(tp, waiting)
        waiting("restore")

        async def ask() -> Reached:
            outputs = transactions.outputs()
            outputs.append(tp.topic, tp.partition, TIME_KEY, b"", shared.now_ms(), ())
            return stamped(tp, (await transactions.commit(outputs, {}))[tp])

        async def broker_now() -> int:
            return (await ask()).at

        path = store_folder(config, stage) / str(number)
        restored = await shared.changelogs.open_store(tp, path, shared.memory, bounds, broker_now)
        shared.meters.restored(stage, restored.records)
        told = {"records": restored.records, "rebuilt": restored.rebuilt}
        log.info("store_restored", stage=stage, task=number, **told)
        return cls(shared, tp, restored.store, bounds, ask)

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

    def keep(self, overlay: Overlay, reached: Mapping[tuple[str, int], Reached]) -> None:
        """The transaction is through: rows and the changelog position they reach, in one write."""
        ours = reached.get(self._tp)
        if ours is not None:
            self._reach(overlay.writes.items(), stamped(self._tp, ours))

    async def freshen(self) -> None:
        """Say at an orderly end that the store is of now, if that is worth a record.

        Only by a record: a worker that was fenced and does not know it has missed what others wrote.
        """
        idle_ms = self._shared.broker_time.at_least() - self._written_at
        if self._birth and idle_ms > self._shared.config.delete_retention_ms * WORTH_A_RECORD:
            self._reach((), await self._ask())

    def _reach(self, rows: Iterable[tuple[bytes, bytes | None]], reached: Reached) -> None:
        self._shared.broker_time.heard(reached.at)
        self._written_at = reached.at
        self.store.write(rows, Origin(self._birth, reached.end, reached.at))

    async def close(self) -> None:
        """Release the store's lock; nobody reads it any longer."""
        self._shared.stores.pop(self._tp.partition, None)
        await asyncio.to_thread(self.store.close)


def stamped(tp: TopicPartition, reached: Reached) -> Reached:
    """What bears the broker's time; `StageFailedError` when the changelog keeps the writer's."""
    if reached.at < 0:
        text = (
            f"{tp.topic} must have message.timestamp.type=LogAppendTime: the age of stores is measured by it"
        )
        raise StageFailedError(text)
    return reached
