"""Fetched records of one task that wait for its next batch, by input and in lane order (promise 3 of the design)."""

from __future__ import annotations

import traceback
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from streams.engine.api import Event, NotYet, Undecodable, Unreadable

if TYPE_CHECKING:
    from aiokafka.structs import ConsumerRecord, TopicPartition

    from streams.engine.api import Input

RESERVED = 10  # one record in ten is kept for each lower lane, so that none starves


class Lane:
    """Records of one input partition between fetch and batch. `next_fetch` and `position` are offsets."""

    __slots__ = ("input", "paused", "position", "records", "tp")

    def __init__(self, source: Input, tp: TopicPartition, position: int) -> None:
        """Start at `position`, the committed offset."""
        self.input = source
        self.tp = tp
        self.position = position
        self.records: deque[ConsumerRecord[Any, Any]] = deque()
        self.paused = False

    @property
    def next_fetch(self) -> int:
        """Offset from which the consumer goes on."""
        return self.records[-1].offset + 1 if self.records else self.position


class Lanes:
    """All lanes of a task, most urgent first."""

    def __init__(self, lanes: list[Lane]) -> None:
        """Sort by lane number; equal numbers keep their order."""
        self._lanes = sorted(lanes, key=lambda lane: lane.input.lane)
        self.by_tp = {lane.tp: lane for lane in lanes}

    def __len__(self) -> int:
        """Records waiting."""
        return sum(len(lane.records) for lane in self._lanes)

    def feed(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        """Add fetched records; what lies below the expected offset was fetched before a seek and is dropped."""
        lane = self.by_tp[tp]
        expected = lane.next_fetch
        lane.records.extend(
            records if records[0].offset >= expected else [r for r in records if r.offset >= expected]
        )

    def clear(self) -> None:
        """Forget what was fetched; positions stay."""
        for lane in self._lanes:
            lane.records.clear()

    def interval_ms(self, default: int) -> int:
        """Least wait between transactions that the waiting records allow."""
        waits = [
            default if lane.input.min_interval_ms is None else lane.input.min_interval_ms
            for lane in self._lanes
            if lane.records
        ]
        return min(waits, default=default)

    def peek(self, limit: int) -> list[Event]:
        """At most `limit` decoded events, urgent lanes first; the records stay until `advance`."""
        events: list[Event] = []
        waiting = [lane for lane in self._lanes if lane.records]
        for place, lane in enumerate(waiting):
            lower = len(waiting) - place - 1
            room = max(limit - len(events) - lower * (limit // RESERVED), 1)
            decode = lane.input.decode
            events.extend(read(record, decode) for record in islice(lane.records, room))
        return events

    def advance(self, positions: dict[TopicPartition, int]) -> None:
        """Drop what lies below the given offsets: they are committed."""
        for tp, position in positions.items():
            lane = self.by_tp[tp]
            lane.position = position
            records = lane.records
            while records and records[0].offset < position:
                records.popleft()


def read(record: ConsumerRecord[Any, Any], decode: Any) -> Event:  # noqa: ANN401 - Input.decode
    """A record as an event; what cannot be decoded becomes a value too."""
    try:
        value = decode(record.value if record.value is not None else b"")
    except Undecodable as error:
        value = Unreadable(str(error))
    except NotYet:
        raise
    except Exception as error:  # noqa: BLE001 - a defect of the decoder is tied to its record
        value = Unreadable(f"{type(error).__name__}: {error}", traceback.format_exc(limit=-8))
    return Event(
        value,
        record.key or b"",
        record.timestamp,
        record.headers,
        record.topic,
        record.partition,
        record.offset,
        record.value,
    )
