"""What comes far too fast waits for an admin: the stage that judges and holds, and its ends in each worker.

    requests that came ─► flows.counts ─ quarantine ─► flows.anomalies ─► every worker
    recipient ─► request.quarantine ─ quarantine ─► request.* ─ recipient

Counts are absolute within a minute, so a plain producer does: lost or repeated ones harm nothing.
"""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import TYPE_CHECKING

import structlog

from agents.quarantine import Memory, quarantine
from connectors.clock import now_ms
from connectors.flow_metrics import FlowMetrics
from connectors.flows import FlowBook
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder, encode
from schemas.ids import subject_key
from schemas.quarantine_words import flow_key
from streams.engine.api import Input, Stage
from streams.engine.kafka import reporting_producer, stop_within
from streams.engine.reference import GlobalTable
from streams.routes import nothing, timer
from streams.wiring import to
from tables.flows import MINUTE_MS, Flow, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiokafka import AIOKafkaProducer
    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig
    from streams.settings import Settings
    from streams.topology import Outside

    OfFlow = r.FlowCounted | r.AnomalyFound | r.AnomalyEnded | r.QuarantineOrdered

log = structlog.get_logger("quarantine")
QUARANTINE = "quarantine"
QUARANTINE_INPUTS = {QUARANTINE: (t.FLOW_COUNTS, t.QUARANTINE)}
BEAT_S = 1.0
"""How often counts are told: a flood is noticed as soon."""
STOP_S = 2.0


def quarantine_stage(settings: Settings, outside: Outside) -> Stage:
    """Judges the rate of each flow, and holds its requests (agents/quarantine.py). Its one task knows all."""
    read = outside.reading.records
    orders = read(r.RequestQuarantined, r.QuarantineOrdered)
    return Stage(
        name=QUARANTINE,
        inputs=(
            Input(t.FLOW_COUNTS, read(r.FlowCounted), lane=0, urgent=True),
            Input(t.QUARANTINE, orders, lane=1),
        ),
        agent=lambda stream, tables: quarantine(
            stream, Memory(tables["flows"], tables["held"]), outside.reference, terms_of(settings)
        ),
        routes={
            r.AnomalyFound: (to(t.ANOMALIES, key=key_of),),
            r.AnomalyEnded: (to(t.ANOMALIES, key=key_of, encoder=nothing),),
            r.RequestFreed: (to(lane_of, key=lambda freed: subject_key(freed.request.user_id)),),
            r.FlowDue: (timer(outside.reading, r.FlowDue, lambda due: flow_key(*_name(due)).decode()),),
        },
        tables=(
            outside.reading.table("flows", 1, Flow),
            outside.reading.table("held", 2, r.RequestReceived),
        ),
        min_interval_ms=settings.engine.interval_normal_ms,
        max_batch=settings.engine.max_batch,
    )


def terms_of(settings: Settings) -> Terms:
    """When a flow is anomalous, and what follows."""
    given = settings.quarantine
    grace_ms = given.grace_minutes * MINUTE_MS
    return Terms(given.factor, given.floor_per_minute, grace_ms, holds=given.mode == "hold")


def key_of(record: OfFlow) -> bytes:
    """The flow that a record is about."""
    return flow_key(record.source, record.notification_type)


def quarantined_key(aside: r.RequestQuarantined) -> bytes:
    """The flow that a request is of."""
    return flow_key(aside.request.source, aside.request.notification_type)


def lane_of(freed: r.RequestFreed) -> str:
    """The topic that the request came by."""
    return t.request_topic(freed.request.lane)


class FlowEnds:
    """What one worker counts and what it knows of holds, and what joins it to the two topics."""

    def __init__(
        self,
        config: EngineConfig,
        is_known: Callable[[str], bool],
        book: SchemaBook,
        registry: CollectorRegistry,
    ) -> None:
        """`is_known`: whether there is such a type; `book`: schemas of other versions of what is told."""
        self._config = config
        life = f"{config.worker}/{token_hex(8)}"
        self.book = FlowBook(life, is_known, Decoder(r.AnomalyFound, book=book), FlowMetrics(registry))
        self._anomalies = GlobalTable(config, t.ANOMALIES, self.book.apply)
        self._producer: AIOKafkaProducer | None = None
        self._reporter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Know what is held before the first request is read."""
        await self._anomalies.start()
        self._producer = reporting_producer(self._config)
        await self._producer.start()
        self._reporter = asyncio.create_task(self._report_on(self._producer))

    async def stop(self) -> None:
        """What was counted since the last report is lost, as little as that is."""
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.wait([self._reporter])
        if self._producer is not None:
            await stop_within(self._producer, STOP_S)
        await self._anomalies.stop()

    async def _report_on(self, producer: AIOKafkaProducer) -> None:
        """For ever, whatever comes."""
        while True:
            await asyncio.sleep(BEAT_S)
            await self._report(producer, self.book.reports(now_ms()))

    async def _report(self, producer: AIOKafkaProducer, reports: list[r.FlowCounted]) -> None:
        """All of a beat go together; one that fails is made anew with the figures of then."""
        try:
            answers = [await producer.send(t.FLOW_COUNTS, encode(each), key=key_of(each)) for each in reports]
            await asyncio.gather(*answers)
        except Exception as error:  # noqa: BLE001 - they are made anew
            log.warning("flow_reports_wait", error=repr(error))
            self.book.unheard(reports)


def _name(due: r.FlowDue) -> tuple[str, str]:
    return due.source, due.notification_type
