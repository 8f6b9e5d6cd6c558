"""The audience endpoints' side of Kafka: a request is one transaction, its answer comes back on a topic.

One process has one transactional id (`<app>.http.<worker>`), so its requests are written one after the other;
each is answered by the stage `audience` on `audience.answers`, which every HTTP process reads from now on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog
from aiokafka.errors import KafkaError

from connectors.http.ports import BrokerUnavailableError
from connectors.reference.book import ReferenceBook
from schemas import topics as t
from streams.audience_answers import Answers
from streams.audience_labels import LabelBook
from streams.audience_writer import Writer
from streams.engine.reference import GlobalTable
from streams.outside import publish_schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.http.audience.commands import Upload
    from connectors.reference.wire import Sealer
    from schemas.records import AudienceAnswered, AudienceLabel, Provider, RequestProgress
    from streams.engine.api import EngineConfig

log = structlog.get_logger("audience")
ANSWER_S = 10.0
AWAY_S = 1.0
NOT_YET = "not connected to Kafka yet"


class _Part(Protocol):
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class AudienceEdge:
    """The `Audience` port over Kafka."""

    def __init__(self, config: EngineConfig, cipher: Sealer | None = None) -> None:
        """Nothing is connected before `connect`. `cipher` opens the configuration of providers."""
        self._config = config
        self.book = LabelBook()
        self._known = ReferenceBook(cipher)
        self._tables: tuple[GlobalTable, ...] = ()
        self._answers: Answers | None = None
        self._writer: Writer | None = None

    async def connect(self) -> None:
        """Publish schemas, read reference data and labels, stand at the end of answers, have a producer.

        Again until Kafka is there. Until then every request is a 503; seen posts need none of it.
        """
        while self._answers is None:
            try:
                await self._connect()
            except (KafkaError, OSError) as error:
                log.warning("kafka_waits", error=str(error))
            except Exception:
                log.exception("audience_edge_fails")
            if self._answers is None:
                await asyncio.sleep(AWAY_S)

    async def _connect(self) -> None:
        """Schemas first: what this process writes must be readable when it is written."""
        tables = (
            GlobalTable(self._config, t.REFERENCE, self._known.apply),
            GlobalTable(self._config, t.AUDIENCE_LABELS, self.book.apply),
        )
        answers, writer = Answers(self._config), Writer(self._config)
        parts: tuple[_Part, ...] = (*tables, answers, writer)
        try:
            await publish_schemas(self._config.brokers)
            for part in parts:
                await part.start()
            self._tables, self._writer, self._answers = tables, writer, answers
        finally:
            if self._answers is None:
                for part in parts:
                    await part.stop()

    async def stop(self) -> None:
        """Disconnect; a transaction in the middle is aborted, if Kafka answers in time."""
        parts: tuple[_Part | None, ...] = (self._writer, *self._tables, self._answers)
        for part in parts:
            if part is not None:
                await part.stop()

    @property
    def known(self) -> ReferenceBook:
        """Reference data; raises before it was read."""
        self._connected()
        return self._known

    def provider(self, channel: str, name: str) -> Provider | None:
        """Find a provider, as far as reference data was read."""
        return self.known.provider(channel, name)

    async def catch_up(self) -> None:
        """Read on to the end of the moment."""
        self._connected()
        if not all(await asyncio.gather(*(table.catch_up() for table in self._tables))):
            raise BrokerUnavailableError("reference data and labels wait")

    def labels(self) -> Mapping[str, AudienceLabel]:
        """All labels."""
        self._connected()
        return self.book.labels

    def request(self, request_id: str) -> RequestProgress | None:
        """Progress of a request."""
        self._connected()
        return self.book.requests.get(request_id)

    @property
    def unread(self) -> str | None:
        """Why labels and reference data are not read, or no longer; None when they are."""
        if self._answers is None:
            return NOT_YET
        return None if all(table.is_reading for table in self._tables) else "labels are not read"

    @property
    def fresh_at(self) -> int:
        """At this time (ms, ours) nothing of labels and reference data was missing; 0: never yet."""
        return min((table.fresh_at for table in self._tables), default=0)

    @property
    def trouble(self) -> str | None:
        """Why requests cannot be taken; None when they can."""
        unread = self.unread
        return self._answers.trouble if unread is None and self._answers is not None else unread

    async def reachable(self) -> str | None:
        """`trouble`, as a check."""
        return self.trouble

    async def ask(self, upload: Upload, headers: Mapping[str, bytes]) -> AudienceAnswered:
        """Write the request in one transaction and wait for its answer, both within `ANSWER_S`.

        After a failure nobody knows whether it was written: the caller asks again under the same key.
        """
        answers, writer = self._connected()
        if answers.trouble is not None:  # it would be written, and its answer never read
            raise BrokerUnavailableError(answers.trouble)
        answer = answers.expected(upload.upload_id)
        try:
            async with asyncio.timeout(ANSWER_S):
                await writer.write(upload, tuple(headers.items()))
                return await answer
        except (TimeoutError, KafkaError, OSError) as error:
            raise BrokerUnavailableError(repr(error)) from error
        finally:
            answers.forget(upload.upload_id)

    def _connected(self) -> tuple[Answers, Writer]:
        if self._answers is None or self._writer is None:
            raise BrokerUnavailableError(NOT_YET)
        return self._answers, self._writer
