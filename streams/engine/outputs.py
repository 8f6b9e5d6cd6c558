"""Records of one batch on their way into a transaction, in builders by topic and partition (rule 5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from streams.engine.wire import BATCH_BYTES, Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import AIOKafkaProducer

    from streams.engine.api import Headers

DEFAULT_RECORD_BYTES = BATCH_BYTES - 1024
OVERHEAD_BYTES = 128


class Reached(NamedTuple):
    """Where a partition ends after our records, and when its broker wrote them (ms, -1: our time is kept)."""

    end: int
    at: int


class TooLargeError(Exception):
    """An output is larger than its topic takes; it belongs to the record that caused it."""


class Outputs:
    """Appends straight into aiokafka's builders, so a record is copied once."""

    def __init__(self, producer: AIOKafkaProducer, limits: Mapping[str, int]) -> None:
        """`limits`: largest record per topic in bytes; `DEFAULT_RECORD_BYTES` where nothing is said."""
        self._producer = producer
        self._limits = limits
        self._open: dict[tuple[str, int], Batch] = {}
        self._full: list[tuple[str, int, Batch]] = []

    @property
    def records(self) -> int:
        """Records added so far."""
        batches = (*self._open.values(), *(batch for *_, batch in self._full))
        return sum(batch.record_count() for batch in batches)

    def append(  # noqa: PLR0913, PLR0917 - the fields of a record
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, at: int, headers: Headers
    ) -> None:
        """Add one record; raise `TooLargeError` before the broker would refuse the whole batch."""
        size = len(key or b"") + len(value or b"") + OVERHEAD_BYTES
        if headers:
            size += sum(len(name) + len(content or b"") + 8 for name, content in headers)
        if size > self._limits.get(topic, DEFAULT_RECORD_BYTES):
            text = f"a record of {size} bytes for {topic}"
            raise TooLargeError(text)
        where = (topic, partition)
        batch = self._open.get(where)
        if batch is not None:
            if batch.add(key, value, at, headers):
                return
            self._full.append((topic, partition, batch))
        batch = self._open[where] = Batch()
        batch.add(key, value, at, headers)

    async def flush(self) -> dict[tuple[str, int], Reached]:
        """Send everything and wait for **every** answer; any refusal raises (design rule 5).

        Returns what is reached by topic and partition.
        """
        if not self._open:
            return {}
        batches = [*self._full, *((t, p, b) for (t, p), b in self._open.items())]
        futures = []
        for topic, partition, builder in batches:
            builder.close()
            future = await self._producer.send_batch(builder, topic, partition=partition)
            future.add_done_callback(_look_at)  # nobody asks it when a later batch is not taken
            futures.append((topic, partition, builder.record_count(), future))
        answers = await asyncio.gather(*(future for *_, future in futures), return_exceptions=True)
        reached: dict[tuple[str, int], Reached] = {}
        for (topic, partition, count, _), answer in zip(futures, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            last = Reached(answer.offset + count, answer.timestamp)
            reached[topic, partition] = max(reached.get((topic, partition), last), last)
        return reached


def _look_at(future: asyncio.Future[object]) -> None:
    if not future.cancelled():
        future.exception()
