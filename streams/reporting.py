"""Figures that a process tells again and again, and what it hears of all processes.

Figures are absolute, so a plain producer does: lost or repeated ones harm nothing, and those that Kafka did
not take are made anew with the figures of then.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from schemas.codec import encode
from schemas.records.root import Record
from streams.engine.kafka import reporting_producer, stop_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka import AIOKafkaProducer

    from streams.engine.api import EngineConfig
    from streams.engine.reference import GlobalTable

log = structlog.get_logger("reporting")
R = TypeVar("R", bound=Record)
BEAT_S = 1.0
"""How often figures are told that nobody calls news. A third of `tables.rates.SILENT_MS`: two may be lost."""
REST_S = 0.05
"""The least time between two reports."""
AWAY_S = 1.0
STOP_S = 2.0


def life_of(config: EngineConfig) -> str:
    """The name of one life of a worker: its figures begin at 0 and never go back."""
    return f"{config.worker}/{token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Reports(Generic[R]):
    """What is told, and where.

    `made`: what there is to tell, given whether the beat asks and not the news. `unheard`: these did not
    arrive. `news`: set when something cannot wait for the beat.
    """

    topic: str
    key: Callable[[R], bytes]
    made: Callable[[bool], list[R]]
    unheard: Callable[[list[R]], None]
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Reporting(Generic[R]):
    """The two ends of one worker: `heard` is read before the first report."""

    def __init__(self, config: EngineConfig, heard: GlobalTable, reports: Reports[R]) -> None:
        self._config = config
        self._heard = heard
        self._reports = reports
        self._producer: AIOKafkaProducer | None = None
        self._reporter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen first, then tell."""
        await self._heard.start()
        self._producer = reporting_producer(self._config)
        await self._producer.start()
        self._reporter = asyncio.create_task(self.report_on(self._producer))

    async def stop(self) -> None:
        """Say nothing more: what came since the last report is lost, as little as that is."""
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.wait([self._reporter])
        if self._producer is not None:
            await stop_within(self._producer, STOP_S)
        await self._heard.stop()

    async def report_on(self, producer: AIOKafkaProducer) -> None:
        """For ever, whatever comes."""
        loop, reports = asyncio.get_running_loop(), self._reports
        beat_at = loop.time() + BEAT_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    await reports.news.wait()
            is_beat = loop.time() >= beat_at
            beat_at = loop.time() + BEAT_S if is_beat else beat_at
            await self._tell(producer, is_beat=is_beat)
            await asyncio.sleep(REST_S)

    async def _tell(self, producer: AIOKafkaProducer, *, is_beat: bool) -> None:
        """All go together."""
        topic, key = self._reports.topic, self._reports.key
        made: list[R] = []
        try:
            made = self._reports.made(is_beat)
            answers = [await producer.send(topic, encode(each), key=key(each)) for each in made]
            await asyncio.gather(*answers)
        except Exception as error:  # noqa: BLE001 - they are made anew
            log.warning("reports_wait", topic=topic, error=repr(error))
            self._reports.unheard(made)
            await asyncio.sleep(AWAY_S)
