"""One rate per provider account, over all workers: the stage that shares it out, and its ends in each worker.

    calls that wait ─► rates.demands ─ rates ─► rates.grants ─► calls that go

Reports are absolute and numbered, so a plain producer does: lost or repeated ones harm nothing, and each is
followed by a newer one within a second while calls wait.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

import structlog

from agents.lease import lease
from connectors.clock import now_ms
from connectors.rate_metrics import RateMetrics
from connectors.rates import RateGate
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder, encode
from streams.engine.api import Input, Stage
from streams.engine.kafka import reporting_producer, stop_within
from streams.engine.reference import GlobalTable
from streams.routes import timer
from streams.wiring import to
from tables.rates import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiokafka import AIOKafkaProducer
    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig
    from streams.settings import Settings
    from streams.topology import Outside

log = structlog.get_logger("leases")
BEAT_S = 1.0
"""How often calls that wait are reported; a third of `tables.rates.SILENT_MS`, so that two may be lost."""
REST_S = 0.05
"""The least time between two reports."""
AWAY_S = 1.0
STOP_S = 2.0


def rates_stage(settings: Settings, outside: Outside) -> Stage:
    """Shares out the rate of each account (agents/lease.py)."""
    read = outside.reading.records
    return Stage(
        name="rates",
        inputs=(Input(t.RATE_DEMANDS, read(r.RateDemanded), urgent=True),),
        agent=lambda stream, tables: lease(stream, tables["budgets"], outside.reference),
        routes={
            r.RateGranted: (to(t.RATE_GRANTS, key=_account),),
            r.RateDue: (timer(outside.reading, r.RateDue, lambda due: due.account),),
        },
        tables=(outside.reading.table("budgets", 1, Budget),),
        min_interval_ms=settings.engine.interval_high_ms,
        max_batch=settings.engine.max_batch,
    )


class Leases:
    """This worker's gate, and what joins it to the two topics."""

    def __init__(
        self,
        config: EngineConfig,
        providers: Callable[[str], Iterable[r.Provider]],
        book: SchemaBook,
        registry: CollectorRegistry,
    ) -> None:
        """`providers`: channel → the active ones; `book`: schemas of other versions of grants."""
        self._config = config
        self._decode = Decoder(r.RateGranted, book=book)
        life = f"{config.worker}/{token_hex(8)}"
        self.gate = RateGate(providers, life, RateMetrics(registry), now_ms)
        self._grants = GlobalTable(config, t.RATE_GRANTS, self._granted, from_end=True)
        self._producer: AIOKafkaProducer | None = None
        self._reporter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen first, then ask."""
        await self._grants.start()
        self._producer = reporting_producer(self._config)
        await self._producer.start()
        self._reporter = asyncio.create_task(self._report_on(self._producer))

    async def stop(self) -> None:
        """Say nothing more: what this worker asked for is forgotten soon."""
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.wait([self._reporter])
        if self._producer is not None:
            await stop_within(self._producer, STOP_S)
        await self._grants.stop()

    def _granted(self, _key: bytes, value: bytes | None) -> None:
        if value is not None:
            self.gate.granted(self._decode(value))

    async def _report_on(self, producer: AIOKafkaProducer) -> None:
        """For ever, whatever comes: without reports nothing is granted."""
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + BEAT_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    await self.gate.news.wait()
            is_beat = loop.time() >= beat_at
            beat_at = loop.time() + BEAT_S if is_beat else beat_at
            await self._report(producer, self.gate.reports(is_beat=is_beat))
            await asyncio.sleep(REST_S)

    async def _report(self, producer: AIOKafkaProducer, reports: list[r.RateDemanded]) -> None:
        try:
            for each in reports:
                await producer.send_and_wait(t.RATE_DEMANDS, encode(each), key=_account(each))
        except Exception as error:  # noqa: BLE001 - they are made anew, with the figures of then
            log.warning("rate_reports_wait", error=repr(error))
            self.gate.unheard(reports)
            await asyncio.sleep(AWAY_S)


def _account(record: r.RateDemanded | r.RateGranted) -> bytes:
    return record.account.encode()
