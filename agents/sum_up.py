"""The stats stage: add up the partial counts of all status and members tasks and publish each changed window.

consumes  stats.partials (StatsPartial, LabelPartial), timers (StatsDue)
keeps     totals: counts of each window
emits     StatsRecord (notification.stats), LabelStats (audience.stats) once per changed window and batch, of
          hours of messages StatsRow (rows), too; StatsDue (timer) for each new minute window; StatsForgotten,
          LabelStatsForgotten (tombstones) when its 2 days are over (NS-EVT-OP-05)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.records import (
    LabelPartial,
    LabelStats,
    LabelStatsForgotten,
    StatsDue,
    StatsForgotten,
    StatsPartial,
    StatsRecord,
    StatsRow,
)
from tables.totals import Totals, ends_at, key_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Stream, Table
    from tables.totals import Published

Outcome = StatsRecord | LabelStats | StatsRow | StatsDue | StatsForgotten | LabelStatsForgotten
STORED = "hour"  # a day is the sum of its hours, and minutes are gone after 2 days


async def sum_up(stream: Stream, totals: Table[bytes, Totals]) -> AsyncIterator[Outcome]:
    """One batch of one stats task."""
    changed: dict[str, Published] = {}
    rows: dict[str, StatsRow] = {}
    async for event in stream:
        value: StatsPartial | LabelPartial | StatsDue = event.value
        if isinstance(value, StatsDue):
            yield LabelStatsForgotten(key=value.key) if value.is_of_label else StatsForgotten(key=value.key)
        elif ends_at(value) > stream.now:
            key = key_of(value)
            before = totals.get(key.encode())
            after = (before or Totals()).add(value.counts, stream.now)
            totals.put(key.encode(), after, expires_at=ends_at(value))
            changed[key] = after.record(value)
            if isinstance(value, StatsPartial) and value.period == STORED:
                rows[key] = after.row(value)
            if before is None and value.period == "minute":
                is_of_label = isinstance(value, LabelPartial)
                yield StatsDue(key=key, due_at=ends_at(value), is_of_label=is_of_label)
    for record in changed.values():
        yield record
    for row in rows.values():
        yield row
