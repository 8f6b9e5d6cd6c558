"""What a turn may handle, and when the timers' bound holds (design, promise 3; rules 14, 15)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

from aiokafka.structs import TopicPartition

from streams.engine.api import LATER, Event, Input
from streams.engine.gathering import Gathered, gather
from streams.engine.lanes import Lane, Lanes

NOW = 1_000


def inner(letter: str, count: int) -> list[Event]:
    return [Event(letter, b"", 0, (), "", -1, -1) for _ in range(count)]


@dataclass(slots=True)
class Effects:
    """Calls of which so many more may be opened; `freed`: beside those whose results are in the batch."""

    room: int
    kept: int = 0
    results: deque[Event] = field(default_factory=deque)
    freed: int = 0

    def places(self, settled: int = 0) -> tuple[int, int]:
        return self.room + min(settled, self.freed), self.kept


@dataclass(slots=True)
class Timers:
    """So many are due; the bound after them is 7."""

    count: int

    def due(self, _now: int) -> bool:
        return self.count > 0

    def take(self, _now: int, room: int) -> tuple[list[Event], int]:
        return inner("t", min(self.count, room)), 7


def lanes_of(high: int = 0, low: int = 0) -> Lanes:
    lanes = []
    for rank, (name, count) in enumerate({"high": high, "low": low}.items()):
        lane = Lane(Input(name, bytes, rank, urgent=rank == 0), TopicPartition(name, 0), 0)
        lane.records.extend(Event(LATER, b"k", n, (), name, 0, n, b"v") for n in range(count))
        lanes.append(lane)
    return Lanes(lanes)


def gathered(
    lanes: Lanes, effects: Effects | None = None, timers: Timers | None = None, limit: int = 100
) -> Gathered:
    return gather(limit, NOW, cast("Any", effects), cast("Any", timers), lanes)


def letters(found: Gathered) -> str:
    return "".join(event.topic[:1] or str(event.value) for event in found.events)


def test_results_come_before_timers_and_both_before_bulk() -> None:
    effects = Effects(10, results=deque(inner("r", 2)))
    found = gathered(lanes_of(low=3), effects, Timers(2))
    assert ("rrttlll", 4, 7) == (letters(found), found.until, found.bound)


def test_what_is_urgent_comes_before_results_and_timers() -> None:
    effects = Effects(10, results=deque(inner("r", 2)))
    found = gathered(lanes_of(high=3, low=2), effects, Timers(2))
    assert ("hhhrrttll", 7, 7) == (letters(found), found.until, found.bound)


def test_the_bound_holds_only_when_the_last_timer_is_in_the_batch() -> None:
    """The timers between would never fire. Mutation tried: `until` = the batch's length: fails."""
    found = gathered(lanes_of(high=50), timers=Timers(50), limit=20)
    assert "t" in letters(found)
    assert len(found.events) < found.until


def test_without_timers_there_is_no_bound() -> None:
    found = gathered(lanes_of(low=1), Effects(10), Timers(0))
    assert (0, None) == (found.until, found.bound)


def test_no_more_records_and_timers_than_calls_may_be_opened() -> None:
    """Mutations tried: timers beside the room: fails; the kept places given to bulk: fails."""
    results = deque(inner("r", 2))
    assert "rrtll" == letters(gathered(lanes_of(low=9), Effects(3, results=results), Timers(1)))
    assert "rrt" == letters(gathered(lanes_of(low=9), Effects(3, 2, results), Timers(9)))
    assert "rrtll" == letters(gathered(lanes_of(low=9), Effects(5, 2, results), Timers(1)))
    assert "hhrr" == letters(gathered(lanes_of(high=2, low=9), Effects(2, 2, results), Timers(9)))
    assert "rr" == letters(gathered(lanes_of(high=2, low=9), Effects(0, 2, results), Timers(9)))


def test_a_turn_that_settles_calls_records_as_many_new_ones() -> None:
    """Where it did not, recording and settling took turns: twice the transactions for as many calls.

    Mutation tried: the room without what is settled: fails.
    """
    results = deque(inner("r", 3))
    assert "rrrlll" == letters(gathered(lanes_of(low=9), Effects(0, results=results, freed=9)))
