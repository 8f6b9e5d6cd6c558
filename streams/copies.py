"""A copy of a stage's tables in an HTTP process, and the schemas to read its rows by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError

from schemas import topics as t
from schemas.codec import SchemaBook
from streams.engine.follower import Follower
from streams.engine.reference import GlobalTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.engine.api import EngineConfig

log = structlog.get_logger("copies")
AWAY_S = 1.0


class TablesCopy:
    """`rows`: the copy; `book`: every schema that was published, those of other versions too."""

    def __init__(
        self, config: EngineConfig, stage: str, tables: tuple[int, ...], now_ms: Callable[[], int]
    ) -> None:
        """Nothing is connected before `connect`. `tables`: their numbers in the stage."""
        self.book = SchemaBook()
        self.rows = Follower(config, stage, tables, now_ms)
        self._config = config
        self._schemas: GlobalTable | None = None

    async def connect(self) -> None:
        """Read schemas, again until Kafka is there, and begin to follow."""
        while self._schemas is None:
            table = GlobalTable(self._config, t.SCHEMAS, self._learn)
            try:
                await table.start()
                self._schemas = table
            except (KafkaError, OSError) as error:
                log.warning("kafka_waits", error=str(error))
            finally:
                if self._schemas is None:
                    await table.stop()
            if self._schemas is None:
                await asyncio.sleep(AWAY_S)
        self.rows.start()

    async def stop(self) -> None:
        """Close the copy."""
        await self.rows.stop()
        if self._schemas is not None:
            await self._schemas.stop()

    def _learn(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.book.learn(value)
