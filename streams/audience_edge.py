"""The audience endpoints' side of Kafka: a request is one transaction, its answer comes back on a topic.

One process has one transactional id (`<app>.http.<worker>`), so its requests are written one after the other;
each is answered by the stage `audience` on `audience.answers`, which every HTTP process reads from now on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import structlog
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from connectors.clock import now_ms
from connectors.http.audience.commands import Upload, topic_of
from connectors.http.ports import BrokerUnavailableError
from connectors.reference.book import ReferenceBook
from schemas import topics as t
from schemas.codec import encode
from schemas.records import AudienceAnswered, AudienceLabel, RequestProgress
from streams.engine.api import EngineConfig
from streams.engine.kafka import restore_consumer, stop_within, transactional_producer
from streams.engine.outputs import Outputs
from streams.engine.reference import GlobalTable

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

log = structlog.get_logger("audience")
ANSWER_S = 10.0
STOP_S = 3.0
AWAY_S = 1.0
POLL_MS = 200
WAITING = 32
"""Requests of this process at once; a full one holds some 30 MiB."""


class LabelBook:
    """Labels and progress of requests, as `audience.labels` has them."""

    def __init__(self) -> None:
        self.labels: dict[str, AudienceLabel] = {}
        self.requests: dict[str, RequestProgress] = {}
        self._label = msgspec.json.Decoder(AudienceLabel)
        self._request = msgspec.json.Decoder(RequestProgress)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the topic in; a kind this version does not know is passed over."""
        kind, _, name = key.decode().partition(":")
        if value is None:
            self.labels.pop(name, None) if kind == "label" else self.requests.pop(name, None)
        elif f"{kind}:" == t.LABEL_KEY:
            self.labels[name] = self._label.decode(value)
        elif f"{kind}:" == t.REQUEST_KEY:
            self.requests[name] = self._request.decode(value)


class Answers:
    """Hands each answer to whoever waits for it; those to other processes are passed over."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._tp = TopicPartition(t.AUDIENCE_ANSWERS, 0)
        self._waiting: dict[str, asyncio.Future[AudienceAnswered]] = {}
        self._decoder = msgspec.json.Decoder(AudienceAnswered)
        self._consumer: AIOKafkaConsumer | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Stand at the end before the first request is written."""
        self._consumer = consumer = restore_consumer(self._config)
        await consumer.start()
        consumer.assign([self._tp])
        await consumer.seek_to_end(self._tp)
        await consumer.position(self._tp)
        self._reader = asyncio.create_task(self._read_on(consumer))

    def expected(self, upload_id: str) -> asyncio.Future[AudienceAnswered]:
        """The answer to come; `forget` it afterwards."""
        future = self._waiting[upload_id] = asyncio.get_running_loop().create_future()
        return future

    def forget(self, upload_id: str) -> None:
        """Nobody waits any longer."""
        self._waiting.pop(upload_id, None)

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            try:
                for records in (await consumer.getmany(self._tp, timeout_ms=POLL_MS)).values():
                    for record in records:
                        self._take((record.key or b"").decode(), record.value)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError):
                await consumer.seek_to_end(self._tp)
            except KafkaError as error:
                log.warning("audience_answers_wait", error=repr(error))
                await asyncio.sleep(AWAY_S)

    def _take(self, upload_id: str, value: bytes | None) -> None:
        future = self._waiting.get(upload_id)
        if future is not None and not future.done() and value is not None:
            future.set_result(self._decoder.decode(value))

    async def stop(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        if self._consumer is not None:
            await stop_within(self._consumer, STOP_S)


class AudienceEdge:
    """The `Audience` port over Kafka."""

    def __init__(self, config: EngineConfig) -> None:
        """Nothing is connected before `connect`."""
        self._config = config
        self._book = LabelBook()
        self._known = ReferenceBook()
        self._tables: tuple[GlobalTable, ...] = ()
        self._answers: Answers | None = None
        self._producer: AIOKafkaProducer | None = None
        self._writing = asyncio.Lock()
        self._asked = 0

    async def connect(self) -> None:
        """Read reference data and labels, stand at the end of answers; again until Kafka is there."""
        while self._answers is None:
            tables = (
                GlobalTable(self._config, t.REFERENCE, self._known.apply),
                GlobalTable(self._config, t.AUDIENCE_LABELS, self._book.apply),
            )
            answers = Answers(self._config)
            parts: tuple[GlobalTable | Answers, ...] = (*tables, answers)
            try:
                for part in parts:
                    await part.start()
                self._tables, self._answers = tables, answers
            except (KafkaError, OSError) as error:
                log.warning("kafka_waits", error=str(error))
            finally:
                if self._answers is None:
                    for part in parts:
                        await part.stop()
            if self._answers is None:
                await asyncio.sleep(AWAY_S)

    async def stop(self) -> None:
        """Disconnect; a transaction under way is left to the fence of the next process."""
        await self._drop_producer()
        for table in self._tables:
            await table.stop()
        if self._answers is not None:
            await self._answers.stop()

    @property
    def known(self) -> ReferenceBook:
        """Reference data; raises before it was read."""
        self._connected()
        return self._known

    async def catch_up(self) -> None:
        """Read on to the end of the moment."""
        self._connected()
        if not all(await asyncio.gather(*(table.catch_up() for table in self._tables))):
            raise BrokerUnavailableError("reference data and labels wait")

    def labels(self) -> Mapping[str, AudienceLabel]:
        """All labels."""
        self._connected()
        return self._book.labels

    def request(self, request_id: str) -> RequestProgress | None:
        """Progress of a request."""
        self._connected()
        return self._book.requests.get(request_id)

    async def reachable(self) -> str | None:
        """None when requests can be taken."""
        return "not connected to Kafka yet" if self._answers is None else None

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:
        """Write the request in one transaction and wait for its answer, both within `ANSWER_S`.

        After a failure nobody knows whether it was written: the caller asks again under the same key.
        """
        answers = self._connected()
        if self._asked >= WAITING:
            raise BrokerUnavailableError("too many requests at once")
        self._asked += 1
        answer = answers.expected(upload.upload_id)
        try:
            async with asyncio.timeout(ANSWER_S):
                async with self._writing:
                    await self._write(upload, tuple(headers.items()))
                return await answer
        except (TimeoutError, KafkaError, OSError) as error:
            raise BrokerUnavailableError(repr(error)) from error
        finally:
            self._asked -= 1
            answers.forget(upload.upload_id)

    def _connected(self) -> Answers:
        if self._answers is None:
            raise BrokerUnavailableError("not connected to Kafka yet")
        return self._answers

    async def _write(self, upload: Upload, headers: tuple[tuple[str, bytes], ...]) -> None:
        """One transaction; every answer of the broker is awaited before its commit (design rule 5).

        A producer that failed, or was left in the middle, is never used again: its successor's fence aborts.
        """
        is_done = False
        try:
            producer = await self._started()
            outputs = Outputs(producer, {})
            await producer.begin_transaction()
            key, at = upload.campaign_label.encode(), now_ms()
            for record in upload.records:
                outputs.append(topic_of(record), 0, key, encode(record), at, headers)
            await outputs.flush()
            await producer.commit_transaction()
            is_done = True
        finally:
            if not is_done:
                await self._drop_producer()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            name = f"{self._config.app}.http.{self._config.worker}"
            self._producer = transactional_producer(self._config, name)
            await self._producer.start()
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_within(producer, STOP_S)
