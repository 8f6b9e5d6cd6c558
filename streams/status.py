"""The status stage: what it reads, keeps and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.settle import Memory, settle
from schemas import records as r
from schemas import topics as t
from schemas.codec import encode_json
from streams.engine.api import Input, Stage
from streams.routes import fallback_timer, granted_to, lane_of, window_key
from streams.wiring import Reading, to
from tables.progress import Progress
from tables.waits import Wait

if TYPE_CHECKING:
    from streams.settings import Settings

HAPPENED = (
    r.RequestDecided,
    r.MessageQueued,
    r.AttemptEnded,
    r.FallbackPlanned,
    r.MessageSeen,
    r.FallbackAsked,
)


def status_stage(settings: Settings, reading: Reading) -> Stage:
    """One state per message, and what nobody saw in time (agents/settle.py, agents/watch.py)."""
    return Stage(
        name="status",
        inputs=(Input(t.OUTCOMES, reading.records(*HAPPENED)),),
        agent=lambda stream, tables: settle(stream, Memory(tables["progress"], tables["waits"])),
        routes={
            r.RequestDecided: (to(t.ROWS, same_partition=True),),
            r.MessageRow: (to(t.ROWS, same_partition=True),),
            r.StatusLogged: (to(t.ROWS, key=lambda line: line.message_id.encode(), same_partition=True),),
            r.NotificationEvent: (to(t.EVENTS, encoder=encode_json, same_partition=True),),
            r.StatsPartial: (to(t.PARTIALS, key=window_key),),
            **dict.fromkeys((r.FallbackDue, r.FallbackOff), (fallback_timer(reading),)),
            r.FallbackAsked: (to(t.SEEN),),
            r.FallbackGranted: (to(lane_of, key=granted_to),),
        },
        tables=(reading.table("progress", 1, Progress), reading.table("waits", 2, Wait)),
        min_interval_ms=settings.engine.interval_slow_ms,
        max_batch=settings.engine.max_batch,
    )
