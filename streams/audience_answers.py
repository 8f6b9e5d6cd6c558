"""Answers of the stage `audience`, read by every HTTP process from its start on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog
from aiokafka.errors import CorruptRecordException, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from schemas import topics as t
from schemas.records import AudienceAnswered
from streams.engine.kafka import restore_consumer, stop_within

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

    from streams.engine.api import EngineConfig

log = structlog.get_logger("audience")
NOT_READ = "answers are not read"
STOP_S = 3.0
AWAY_S = 1.0
POLL_MS = 200


class Answers:
    """Hands each answer to whoever waits for it; those to other processes are passed over."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._tp = TopicPartition(t.AUDIENCE_ANSWERS, 0)
        self._waiting: dict[str, asyncio.Future[AudienceAnswered]] = {}
        self._decoder = msgspec.json.Decoder(AudienceAnswered)
        self._consumer: AIOKafkaConsumer | None = None
        self._reader: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._is_lost = False

    async def start(self) -> None:
        """Stand at the end before the first request is written. Aborted answers are never seen."""
        self._consumer = consumer = restore_consumer(self._config)
        await consumer.start()
        consumer.assign([self._tp])
        await consumer.seek_to_end(self._tp)
        await consumer.position(self._tp)
        self._reader = asyncio.create_task(self._read_on(consumer))

    @property
    def trouble(self) -> str | None:
        """What keeps answers from being read; None when they are."""
        if self._reader is None or self._reader.done():
            return NOT_READ
        return self._trouble

    def expected(self, upload_id: str) -> asyncio.Future[AudienceAnswered]:
        """The answer to come; `forget` it afterwards."""
        future = self._waiting[upload_id] = asyncio.get_running_loop().create_future()
        return future

    def forget(self, upload_id: str) -> None:
        """Nobody waits any longer."""
        self._waiting.pop(upload_id, None)

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        """For ever, whatever comes: who waits for an answer that was passed over asks again under his key."""
        while True:
            try:
                await self._read_once(consumer)
                self._trouble = None
            except (OffsetOutOfRangeError, NoOffsetForPartitionError, CorruptRecordException) as error:
                self._is_lost = True
                log.warning("audience_answers_go_on_at_the_end", error=repr(error))
                await self._pause(error)
            except Exception as error:  # noqa: BLE001 - a reader that ends makes every request a 503 for ever
                log.warning("audience_answers_wait", error=repr(error))
                await self._pause(error)

    async def _pause(self, error: Exception) -> None:
        self._trouble = f"{NOT_READ}: {type(error).__name__}"
        await asyncio.sleep(AWAY_S)

    async def _read_once(self, consumer: AIOKafkaConsumer) -> None:
        if self._is_lost:
            await consumer.seek_to_end(self._tp)
            self._is_lost = False
        for records in (await consumer.getmany(self._tp, timeout_ms=POLL_MS)).values():
            for record in records:
                self._take(record.key, record.value)

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        try:
            future = self._waiting.get((key or b"").decode())
            if future is not None and not future.done() and value is not None:
                future.set_result(self._decoder.decode(value))
        except (UnicodeDecodeError, msgspec.DecodeError):
            log.exception("audience_answer_refused", key=repr(key))

    async def stop(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        if self._consumer is not None:
            await stop_within(self._consumer, STOP_S)
