"""What a turn may handle: urgent records, then results of effects and due timers, then records by lane."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from streams.engine.lanes import Room

if TYPE_CHECKING:
    from streams.engine.api import Event
    from streams.engine.effects import Effects
    from streams.engine.lanes import Lanes
    from streams.engine.timers import Timers

FEW = 100
"""Timers that are looked up beside urgent records, which leave them one place in ten."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Events of a turn. `bound`: next bound of timers (ms), once `until` events are dealt with."""

    events: list[Event]
    until: int
    bound: int | None


def gather(limit: int, now: int, effects: Effects | None, timers: Timers | None, lanes: Lanes) -> Gathered:
    """At most `limit` events; nothing is removed from anywhere before the commit.

    Each event may open a call of the outside, so there are only as many as calls have room, those that end
    with this turn left out. What was noticed before the task opened comes before all of them, calls that go
    on or come back included.
    """
    results = [] if effects is None else list(effects.results)[:limit]
    if lanes.behind():
        return Gathered(list(islice(lanes.notices(), limit)), 0, None)
    room, kept = (2 * limit, 0) if effects is None else effects.places(len(results))
    due: list[Event] = []
    bound = None
    most = min(limit - len(results), room - kept, FEW if lanes.urgent() else limit)
    if most > 0 and timers is not None and timers.due(now):
        due, bound = timers.take(now, most)
    events = lanes.peek(limit, [*results, *due], Room(room - len(due), kept))
    return Gathered(events, _dealt_with(events, due[-1]) if due else 0, bound)


def wanted(effects: Effects | None, lanes: Lanes) -> bool | None:
    """Whether there must be a turn, or must be none; None: it is for records, timers and sweeps to say."""
    if any(lanes.notices()):
        return True
    if lanes.behind():
        return False
    if effects is None:
        return None
    if effects.results:
        return True
    room, kept = effects.places()
    return None if room > kept else room > 0 and lanes.urgent()


def _dealt_with(events: list[Event], last: Event) -> int:
    """How many events must be dealt with until this one is; more than there are when it is not among them."""
    return next((place for place, event in enumerate(events, 1) if event is last), len(events) + 1)
