"""What a turn may handle: results of effects, then due timers, then records by lane."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.engine.api import Event
    from streams.engine.effects import Effects
    from streams.engine.lanes import Lanes
    from streams.engine.timers import Timers


@dataclass(frozen=True, slots=True)
class Gathered:
    """`inner` results and timers, then records. `bound`: next bound of timers, ms."""

    events: list[Event]
    inner: int
    bound: int | None


def gather(limit: int, now: int, effects: Effects | None, timers: Timers | None, lanes: Lanes) -> Gathered:
    """At most `limit` events; nothing is removed from anywhere before the commit."""
    events: list[Event] = []
    bound = None
    if effects is not None:
        events.extend(islice(effects.results, limit))
        limit = min(limit, len(events) + max(effects.room, 0))
    if len(events) < limit and timers is not None and timers.due(now):
        due, bound = timers.take(now, limit - len(events))
        events.extend(due)
    inner = len(events)
    if inner < limit:
        events.extend(lanes.peek(limit - inner))
    return Gathered(events, inner, bound)
