"""Fetched records of one task that wait for its next batch, by input, in lane order (design, promise 3)."""

from __future__ import annotations

from collections import deque
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING

from streams.engine.api import PASSED_OVER
from streams.engine.places import SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aiokafka.structs import TopicPartition

    from streams.engine.api import Event, Input


PASSED_MS = 1_000
"""How often a task commits where it has got to while all that comes is passed over."""


class Lane:
    """Records of one input partition between fetch and batch. `next_fetch` and `position` are offsets.

    `until`: end of the log as it was after the open, once known; `is_fetched`: all before it was fetched.
    """

    __slots__ = ("input", "is_fetched", "position", "records", "tp", "until")

    def __init__(self, source: Input, tp: TopicPartition, position: int) -> None:
        """Start at `position`, the committed offset."""
        self.input = source
        self.tp = tp
        self.position = position
        self.records: deque[Event] = deque()
        self.until: int | None = None
        self.is_fetched = not source.notices

    @property
    def is_behind(self) -> bool:
        """What had been written before the open is not all handled yet; told of notices only."""
        return not self.is_fetched or ((self.until or 0) > self.position and bool(self.records))

    @property
    def waits(self) -> bool:
        """Whether there is a record of the stage's own."""
        return len(self.records) > 1 or (bool(self.records) and self.records[0].value is not PASSED_OVER)

    def interval_ms(self, default: int) -> int:
        """Least wait between transactions; one that only moves the offset is not worth many."""
        if not self.waits:
            return PASSED_MS
        return default if self.input.min_interval_ms is None else self.input.min_interval_ms

    def extend(self, records: list[Event]) -> None:
        """Only the last may stand for records that were passed over: any other moves the offset, too."""
        if records and self.records and self.records[-1].value is PASSED_OVER:
            self.records.pop()
        self.records.extend(one for one in records[:-1] if one.value is not PASSED_OVER)
        self.records.extend(records[-1:])

    @property
    def next_fetch(self) -> int:
        """Offset from which the consumer goes on."""
        return self.records[-1].offset + 1 if self.records else self.position


class Lanes:
    """All lanes of a task, most urgent first."""

    def __init__(self, lanes: list[Lane]) -> None:
        """Lanes of equal number take turns."""
        self._handled = 0
        self._arrange(lanes)

    def _arrange(self, lanes: list[Lane]) -> None:
        self._lanes = sorted(lanes, key=_rank)
        self._urgent = [lane for lane in self._lanes if lane.input.urgent]
        self._notices = [lane for lane in self._lanes if lane.input.notices]
        self._ranks = [list(rank) for _, rank in groupby(self._lanes, key=_rank)]
        self.by_tp = {lane.tp: lane for lane in lanes}

    def add(self, lane: Lane) -> None:
        """One more, of a task that is open."""
        self._arrange([*self._lanes, lane])

    def __len__(self) -> int:
        """Records waiting."""
        return sum(len(lane.records) for lane in self._lanes)

    def urgent(self) -> bool:
        """Whether an urgent record waits, or is in the batch under way."""
        return any(lane.waits for lane in self._urgent)

    def notices(self) -> Iterator[Event]:
        """Records that wait and need no room for a call."""
        return chain.from_iterable(lane.records for lane in self._notices)

    def noticed(self, events: Iterable[Event]) -> set[bytes]:
        """Keys of those of these events that are notices."""
        topics = {lane.input.topic for lane in self._notices}
        return {event.key for event in events if event.topic in topics}

    def behind(self) -> bool:
        """Whether notices from before the open are still to come: nothing else is handled before them."""
        return any(lane.is_behind for lane in self._notices)

    def feed(self, tp: TopicPartition, records: list[Event]) -> None:
        """Add fetched records; what lies below the expected offset was fetched before a seek and is left."""
        lane = self.by_tp[tp]
        expected = lane.next_fetch
        if records[0].offset < expected:
            records = [r for r in records if r.offset >= expected]
        if lane.input.passes is None:
            lane.records.extend(records)
        else:
            lane.extend(records)

    def clear(self) -> None:
        """Forget what was fetched; positions stay, and no notice is waited for any more: it is the end."""
        self._notices = []
        for lane in self._lanes:
            lane.records.clear()

    def interval_ms(self, default: int) -> int:
        """Least wait between transactions that the waiting records allow."""
        waits = [lane.interval_ms(default) for lane in self._lanes if lane.records]
        return min(waits, default=default)

    def peek(self, limit: int, inner: Iterable[Event] = (), room: Room | None = None) -> list[Event]:
        """At most `limit` events, not decoded yet, the same again until `advance`.

        `inner`, timers and results, ranks behind urgent records and before all others. The most urgent rank
        fills the batch but for the shares of the others, which lie spread over it: a batch may be cut at any
        place by its time budget, or hold one event only.
        """
        room = room or Room(limit)
        urgent: list[Iterator[Event]] = []
        others: list[Iterator[Event]] = [iter(inner)]
        for rank in self._ranks:
            if queues := [lane.records for lane in rank if lane.records]:
                source, records = rank[0].input, _in_turn(queues, self._handled)
                if not source.notices:
                    records = room.within(records, urgent=source.urgent)
                (urgent if source.urgent else others).append(records)
        return list(islice(_shared_out([*urgent, *others], self._handled), limit))

    def advance(self, positions: dict[TopicPartition, int]) -> None:
        """Drop what lies below the given offsets: they are committed."""
        for tp, position in positions.items():
            lane = self.by_tp[tp]
            lane.position = position
            records = lane.records
            while records and records[0].offset < position:
                records.popleft()
                self._handled += 1


class Room:
    """Places for records in one batch: `count`, of which `kept` are for urgent ones."""

    def __init__(self, count: int, kept: int = 0) -> None:
        """All are free."""
        self._places = iter(range(max(count, 0)))
        self._open = iter(range(max(count - kept, 0)))

    def within(self, records: Iterator[Event], *, urgent: bool) -> Iterator[Event]:
        """Records as long as there is room; all ranks of a batch take of the same."""
        if urgent:
            return (record for record, _ in zip(records, self._places, strict=False))
        return (record for record, _, _ in zip(records, self._open, self._places, strict=False))


def _rank(lane: Lane) -> tuple[bool, int, bool]:
    return not lane.input.urgent, lane.input.lane, not lane.input.notices


def _shared_out(ranks: list[Iterator[Event]], place: int) -> Iterator[Event]:
    """Of each ten places the last ones belong to the lower ranks; what a rank leaves goes to the others."""
    while len(ranks) > 1:
        rank = ranks[max(place % SHARE + min(len(ranks), SHARE) - SHARE, 0)]
        event = next(rank, None)
        if event is None:
            ranks.remove(rank)
            continue
        place += 1
        yield event
    yield from ranks[0]


def _in_turn(queues: list[deque[Event]], place: int) -> Iterator[Event]:
    """One of each queue in turn, so that inputs of equal rank share alike."""
    if len(queues) == 1:
        yield from queues[0]
        return
    first = place % len(queues)
    waiting = [iter(queue) for queue in (*queues[first:], *queues[:first])]
    while waiting:
        for queue in tuple(waiting):
            record = next(queue, None)
            if record is None:
                waiting.remove(queue)
            else:
                yield record
