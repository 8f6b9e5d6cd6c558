"""Global tables: compacted topics that every worker reads whole (design rule 16)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import TopicPartition

from streams.engine.kafka import end_offset, restore_consumer, stop_within
from streams.engine.turns import computing

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka import AIOKafkaConsumer

    from streams.engine.api import EngineConfig

log = structlog.get_logger("engine.reference")
WAIT_S = 2.0
POLL_MS = 500
AWAY_S = 1.0
STOP_S = 2.0


class GlobalTable:
    """Feeds `apply(key, value or None)` with every record of a compacted topic of one partition.

    `from_end`: only with those that come after the start. `fresh_at`: at this time (ms, ours) nothing was
    missing.
    """

    def __init__(
        self,
        config: EngineConfig,
        topic: str,
        apply: Callable[[bytes, bytes | None], None],
        *,
        from_end: bool = False,
    ) -> None:
        """A record for which `apply` raises is logged and passed over: the others must go on arriving."""
        self._from_end = from_end
        self._config = config
        self._tp = TopicPartition(topic, 0)
        self._apply = apply
        self.fresh_at = 0
        self._position = 0
        self._moved = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._asking: AIOKafkaConsumer | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read up to the end of the moment, then go on in the background."""
        self._consumer = consumer = self._reading()
        self._asking = restore_consumer(self._config)  # the reader's connection answers after its fetch
        await consumer.start()
        await self._asking.start()
        consumer.assign([self._tp])
        end = await self._end(consumer)
        if self._from_end:
            consumer.seek(self._tp, end)
            self._position = end
        else:
            await consumer.seek_to_beginning(self._tp)
        while self._position < end:
            await self._read_once(consumer)
        self._reader = asyncio.create_task(self._read_on(consumer))

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        """Of a topic that is not there aiokafka says after `request_timeout_ms` that it took too long."""
        try:
            return await end_offset(consumer, self._tp)
        except KafkaTimeoutError as error:
            advice = "`carillon doctor` says whether it is there, `carillon topics create` makes it"
            text = f"the topic {self._tp.topic} does not answer; {advice}"
            raise KafkaTimeoutError(text) from error

    @property
    def is_reading(self) -> bool:
        """Whether it goes on reading; what is away for a while counts as reading."""
        return self._reader is not None and not self._reader.done()

    def _reading(self) -> AIOKafkaConsumer:
        consumer = restore_consumer(self._config)
        consumer._fetch_max_wait_ms = POLL_MS  # noqa: SLF001 - idle cost only
        return consumer

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        """For ever, whatever comes: a reader that ends leaves an old table, and nobody notices."""
        is_lost = False
        while True:
            try:
                if is_lost:
                    await consumer.seek_to_beginning(self._tp)  # may fail as a read may
                    is_lost = False
                await self._read_once(consumer)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError):
                log.warning("global_table_begins_again", topic=self._tp.topic, position=self._position)
                is_lost = True
            except KafkaError as error:
                log.warning("global_table_waits", topic=self._tp.topic, error=repr(error))
                await asyncio.sleep(AWAY_S)
            except Exception:
                log.exception("global_table_connects_anew", topic=self._tp.topic, position=self._position)
                await asyncio.sleep(AWAY_S)
                consumer = await self._anew(consumer)

    async def _anew(self, failed: AIOKafkaConsumer) -> AIOKafkaConsumer:
        """A connection that stands where a failed one stood; that one again, if there is none to be had."""
        consumer = self._reading()
        try:
            await consumer.start()
            consumer.assign([self._tp])
            consumer.seek(self._tp, self._position)
            self._consumer = consumer
        except Exception as error:  # noqa: BLE001 - the reader goes on
            log.warning("global_table_waits", topic=self._tp.topic, error=repr(error))
        finally:
            ended = failed if self._consumer is consumer else consumer
            with contextlib.suppress(Exception):  # what broke may break once more
                await stop_within(ended, STOP_S)
        return consumer if ended is failed else failed

    async def _read_once(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(self._tp, timeout_ms=POLL_MS)).values():
            for record in records:
                self._take(record.key or b"", record.value)
        position = await consumer.position(self._tp)
        stable_end = consumer.last_stable_offset(self._tp)
        if stable_end is not None and position >= stable_end:
            self.fresh_at = max(self.fresh_at, int(consumer.last_poll_timestamp(self._tp) or 0))
        if position != self._position:
            self._position = position
            self._moved.set()
            self._moved = asyncio.Event()

    def _take(self, key: bytes, value: bytes | None) -> None:
        try:
            self._apply(key, value)
        except Exception:
            log.exception("global_table_record_refused", topic=self._tp.topic, key=repr(key))

    async def catch_up(self) -> bool:
        """Wait until all written before this call is applied; False when not known after `WAIT_S` s.

        A batch waits once: its records are older than its first question, and so is what they may refer to.
        """
        turn = computing()
        if turn is None:
            return await self._caught_up()
        if self not in turn.asked and await turn.lend(self._caught_up()):
            turn.asked.add(self)
        return self in turn.asked

    async def _caught_up(self) -> bool:
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(WAIT_S):
                assert self._asking is not None
                end = await end_offset(self._asking, self._tp)
                while self._position < end:
                    await self._moved.wait()
                return True
        return False

    async def stop(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        for consumer in (self._consumer, self._asking):
            if consumer is not None:
                await stop_within(consumer, STOP_S)
