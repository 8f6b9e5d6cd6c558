"""What comes far too fast waits for an admin: the stage that judges and holds, and its ends in each worker.

    requests that came ─► flows.counts ─ quarantine ─► flows.anomalies ─► every worker
    recipient ─► request.quarantine ─ quarantine ─► request.* ─ recipient

Counts are absolute within a minute, and told each second: a flood is noticed as soon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.quarantine import Memory, quarantine
from connectors.clock import now_ms
from connectors.flow_metrics import FlowMetrics
from connectors.flows import FlowBook
from schemas import records as r
from schemas import topics as t
from schemas.codec import Decoder
from schemas.ids import subject_key
from schemas.quarantine_words import flow_key
from streams.engine.api import Input, Stage
from streams.engine.reference import GlobalTable
from streams.reporting import Reporting, Reports, life_of
from streams.routes import nothing, timer
from streams.wiring import to
from tables.flows import MINUTE_MS, Flow, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from schemas.codec import SchemaBook
    from streams.engine.api import EngineConfig
    from streams.settings import Settings
    from streams.topology import Outside

    OfFlow = r.FlowCounted | r.AnomalyFound | r.AnomalyEnded | r.QuarantineOrdered

QUARANTINE = "quarantine"
QUARANTINE_INPUTS = {QUARANTINE: (t.FLOW_COUNTS, t.QUARANTINE)}


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


class FlowEnds(Reporting[r.FlowCounted]):
    """What one worker counts and what it knows of holds, and what joins it to the two topics."""

    def __init__(
        self,
        config: EngineConfig,
        is_known: Callable[[str], bool],
        book: SchemaBook,
        registry: CollectorRegistry,
    ) -> None:
        """`is_known`: whether there is such a type; `book`: schemas of other versions of what is told."""
        decode = Decoder(r.AnomalyFound, book=book)
        self.book = flows = FlowBook(life_of(config), is_known, decode, FlowMetrics(registry))
        anomalies = GlobalTable(config, t.ANOMALIES, flows.apply)
        super().__init__(
            config,
            anomalies,
            Reports(
                topic=t.FLOW_COUNTS,
                key=key_of,
                made=lambda _is_beat: flows.reports(now_ms()),
                unheard=flows.unheard,
            ),
        )


def _name(due: r.FlowDue) -> tuple[str, str]:
    return due.source, due.notification_type
