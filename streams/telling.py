"""The stages that tell what became of requests: status, statistics, and the rows of Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.settle import Memory, settle
from agents.sum_up import sum_up
from schemas import records as r
from schemas import topics as t
from schemas.codec import encode_json
from schemas.punctuality import SendTimed
from streams.engine.api import Input, Stage, ToCount
from streams.routes import (
    bucket_key,
    forgotten_key,
    granted_to,
    lane_of,
    message_key,
    nothing,
    posted_by,
    status_timer,
    timer,
    window_key,
)
from streams.wiring import to
from tables.erased import Erased
from tables.progress import Progress
from tables.totals import Totals
from tables.waits import Wait

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.topology import Outside

HAPPENED = (
    r.RequestDecided,
    r.MessageQueued,
    r.AttemptEnded,
    r.FallbackPlanned,
    r.MessageSeen,
    r.FallbackAsked,
    r.ReceiptsAsked,
    r.Unsubscribed,
    r.PersonErased,
    r.ReceiptHeard,
)
"""What the status stage reads."""


SINK_RECORDS = (
    r.RequestDecided,
    r.MessageRow,
    r.StatusLogged,
    r.LabelChanged,
    r.PreferenceRow,
    r.DeviceRow,
    r.StatsRow,
    r.PersonErased,
)


def status_stage(settings: Settings, outside: Outside) -> Stage:
    """One state per message, and what is told of it (agents/settle.py)."""
    read = outside.reading.records
    return Stage(
        name="status",
        inputs=(Input(t.OUTCOMES, read(*HAPPENED)),),
        agent=lambda stream, tables: settle(
            stream,
            Memory(tables["progress"], tables["waits"], tables["erased"]),
            outside.reference.reporting,
            outside.reference.receipts_within_ms,
        ),
        routes={
            r.RequestDecided: (to(t.ROWS, same_partition=True),),
            r.MessageRow: (to(t.ROWS, same_partition=True),),
            r.StatusLogged: (to(t.ROWS, key=lambda line: line.message_id.encode(), same_partition=True),),
            r.NotificationEvent: (to(t.EVENTS, encoder=encode_json, same_partition=True),),
            r.StatsPartial: (to(t.PARTIALS, key=window_key),),
            r.PersonErased: (to(t.ROWS, same_partition=True),),
            **dict.fromkeys((r.FallbackDue, r.FallbackOff, r.ErasureDue), (status_timer(outside.reading),)),
            r.FallbackAsked: (to(t.SEEN),),
            r.ReceiptsAsked: (to(t.RECEIPTS, key=posted_by),),
            r.ReceiptHeard: (to(t.RECEIPTS_UNKNOWN, key=message_key, encoder=encode_json),),
            r.PreferenceChanged: (to(t.PREFERENCES),),
            r.ContactChanged: (to(t.CONTACTS),),
            r.FallbackGranted: (to(lane_of, key=granted_to),),
            SendTimed: (ToCount(outside.count_receipt),),
        },
        tables=(
            outside.reading.table("progress", 1, Progress),
            outside.reading.table("waits", 2, Wait),
            outside.reading.table("erased", 9, Erased),
        ),
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )


def stats_stage(settings: Settings, outside: Outside) -> Stage:
    """Sums by window (agents/sum_up.py)."""
    return Stage(
        name="stats",
        inputs=(Input(t.PARTIALS, outside.reading.records(r.StatsPartial, r.LabelPartial)),),
        agent=lambda stream, tables: sum_up(stream, tables["totals"]),
        routes={
            r.StatsRecord: (to(t.STATS, key=window_key, encoder=encode_json, same_partition=True),),
            r.StatsRow: (to(t.ROWS, key=bucket_key, same_partition=True),),
            r.StatsForgotten: (to(t.STATS, key=forgotten_key, encoder=nothing, same_partition=True),),
            r.LabelStats: (to(t.AUDIENCE_STATS, key=window_key, encoder=encode_json, same_partition=True),),
            r.LabelStatsForgotten: (
                to(t.AUDIENCE_STATS, key=forgotten_key, encoder=nothing, same_partition=True),
            ),
            r.StatsDue: (timer(outside.reading, r.StatsDue, lambda due: due.key),),
        },
        tables=(outside.reading.table("totals", 1, Totals),),
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )


def sink_stage(settings: Settings, outside: Outside) -> Stage:
    """Rows for Postgres."""
    read = outside.reading.records
    return Stage(
        name="sink",
        inputs=(Input(t.ROWS, read(*SINK_RECORDS)),),
        sink=outside.sink,
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )
