"""Where the sink stage writes: the rows' writer, in the engine's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from connectors.postgres.errors import PostgresUnavailableError, SinkFencedError
from streams.engine.api import SinkFenced

if TYPE_CHECKING:
    from connectors.metrics import SinkMetrics
    from connectors.postgres.rows import RowWriter

log = structlog.get_logger("outside")


class SqlSink:
    """The rows' writer in the engine's words: away is a `ConnectionError`, a lost race `SinkFenced`."""

    def __init__(self, writer: RowWriter, metrics: SinkMetrics) -> None:
        self._writer = writer
        self._metrics = metrics

    async def open_task(self, topic: str, partition: int, start: int, birth: str) -> int:
        """Next offset to read; stores `start` when the task is new or its topic was made anew."""
        try:
            return await self._writer.open_task(topic, partition, start, birth)
        except PostgresUnavailableError as error:
            raise ConnectionError(str(error)) from error

    async def write(self, topic: str, partition: int, start: int, end: int, values: list[Any]) -> None:
        """Rows and offset in one transaction."""
        try:
            written = await self._writer.write(topic, partition, start, end, values)
        except PostgresUnavailableError as error:
            raise ConnectionError(str(error)) from error
        except SinkFencedError as error:
            raise SinkFenced(str(error)) from error
        if written.orphans or written.refused:
            self._metrics.left_out(written.orphans, written.refused)
            left = {"orphans": written.orphans, "refused": written.refused}
            log.warning("rows_left_out", partition=partition, first=start, end=end, **left)
