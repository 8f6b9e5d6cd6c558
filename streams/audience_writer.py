"""Writes audience requests to Kafka: one transaction each, one after the other, with a producer kept ready.

While a transaction is open, readers of commands and of users stand still before it, whoever's requests
come behind. So it is short (`WRITE_S`), and when it fails a successor starts at once: its first act fences
the old producer and aborts what that left open.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError

from connectors.clock import now_ms
from connectors.http.audience.commands import topic_of
from streams.engine.kafka import stop_within, transactional_producer
from streams.engine.outputs import Outputs

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

    from connectors.http.audience.commands import Upload
    from streams.engine.api import EngineConfig

log = structlog.get_logger("audience")
WRITE_S = 5.0
TRANSACTION_MS = 6_000
"""After this the broker aborts a transaction of a process that nobody starts again under its name."""
STOP_S = 3.0
AWAY_S = 0.5
AT_ONCE = 8
"""Records between two turns of the loop: 0.4 MB to copy."""


class Writer:
    """One producer with the transactional id of this process; its successor when it failed."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = replace(config, transaction_timeout_ms=TRANSACTION_MS)
        self._name = f"{config.app}.http.{config.worker}"
        self._writing = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._ready = asyncio.Event()
        self._succeeding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have a producer; a transaction that a killed predecessor left open is aborted. `KafkaError`."""
        producer = transactional_producer(self._config, self._name)
        try:
            await producer.start()
        except BaseException:
            await stop_within(producer, STOP_S)
            raise
        self._producer = producer
        self._ready.set()

    async def stop(self) -> None:
        """Disconnect; what was interrupted in the middle is aborted first, if Kafka answers in time."""
        if self._succeeding is not None:
            await asyncio.wait([self._succeeding], timeout=STOP_S)
            self._succeeding.cancel()
            await asyncio.wait([self._succeeding])
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_within(producer, STOP_S)

    async def write(self, upload: Upload, headers: tuple[tuple[str, bytes], ...]) -> None:
        """One transaction; every answer of the broker is awaited before its commit (design rule 5).

        `KafkaError`, `TimeoutError`: nobody knows whether it was written.
        """
        async with self._writing:
            await self._ready.wait()
            assert self._producer is not None
            outputs = await self._filled(self._producer, upload, headers)
            is_done = False
            try:
                async with asyncio.timeout(WRITE_S):
                    await self._producer.begin_transaction()
                    await outputs.flush()
                    await self._producer.commit_transaction()
                is_done = True
            finally:
                if not is_done:
                    self._fail()

    async def _filled(
        self, producer: AIOKafkaProducer, upload: Upload, headers: tuple[tuple[str, bytes], ...]
    ) -> Outputs:
        """All records, before the transaction begins, and with breaths: seen posts share this loop."""
        outputs = Outputs(producer, {})
        key, at = upload.campaign_label.encode(), now_ms()
        for number, record in enumerate(upload.records):
            outputs.append(topic_of(number), 0, key, record, at, headers)
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        return outputs

    def _fail(self) -> None:
        """A producer that failed, or was left in the middle, is never used again."""
        failed, self._producer = self._producer, None
        self._ready.clear()
        self._succeeding = asyncio.create_task(self._succeed(failed))

    async def _succeed(self, failed: AIOKafkaProducer | None) -> None:
        """Start anew until it works; only then end the old one: the fence must not wait for it."""
        log.warning("audience_producer_begins_anew")
        while not self._ready.is_set():
            try:
                await self.start()
            except (KafkaError, OSError) as error:
                log.warning("audience_producer_waits", error=repr(error))
                await asyncio.sleep(AWAY_S)
        if failed is not None:
            await stop_within(failed, STOP_S)
