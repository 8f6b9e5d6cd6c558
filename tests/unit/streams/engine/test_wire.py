"""Records as the broker stores them: written by our batches, read as events (rule 17)."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.engine.api import LATER, PASSED_OVER, Event, Headers
from streams.engine.wire import BATCH_BYTES, PASSED_AT_ONCE, AsEvents, Batch

TP = TopicPartition("in", 3)
HEADERS = (("request_id", b"r-1"), ("traceparent", b""))
ROWS: tuple[tuple[bytes | None, bytes | None, int, Headers], ...] = (
    (b"user-1", b"{}", 1_700, HEADERS),
    (b"", b"", 0, ()),
    (None, b"no key", 1_900, ()),
    (b"tombstone", None, 1_600, (("request_id", b"r-2"),)),
    (b"user-1", bytes(300), 1 << 41, ()),
)


def read(batch: Batch, value_deserializer: Any, offset: int = 0) -> list[Any]:
    """What a consumer makes of the batch, from `offset` on."""
    found = fetcher.PartitionRecords(
        TP, MemoryRecords(bytes(batch._build())), [], offset, None, value_deserializer, True, 1
    )
    return list(found)


def test_a_record_is_read_as_an_event_that_nobody_has_decoded() -> None:
    """Mutations tried: headers left out, offset of the batch instead of the record's: fail."""
    batch = Batch()
    assert batch.add(b"user-1", b"{}", 1_700, HEADERS)
    assert batch.add(None, None, 1_800, ())
    first, second = read(batch, AsEvents())
    assert Event(LATER, b"user-1", 1_700, HEADERS, "in", 3, 0, b"{}") == first
    assert Event(LATER, b"", 1_800, (), "in", 3, 1, None) == second
    assert 2 == batch.record_count()


def test_a_batch_is_byte_for_byte_what_aiokafkas_own_append_makes() -> None:
    """Mutations tried: headers left out, the offset not moved, one more record than theirs: fail."""
    ours, theirs = Batch(), BatchBuilder(BATCH_BYTES, 0, is_transactional=True)
    for key, value, at, headers in ROWS:
        assert ours.add(key, value, at, headers)
        assert theirs.append(timestamp=at, key=key, value=value, headers=[*headers]) is not None
    assert theirs.record_count() == ours.record_count()
    assert bytes(theirs._build()) == bytes(ours._build())


def test_a_batch_is_full_at_the_record_at_which_aiokafkas_own_is() -> None:
    """Mutation tried: a limit of our own, half as large: fails."""
    ours, theirs = Batch(), BatchBuilder(BATCH_BYTES, 0, is_transactional=True)
    value = bytes(10_000)
    while ours.add(b"k", value, 0, HEADERS):
        assert theirs.append(timestamp=0, key=b"k", value=value, headers=[*HEADERS]) is not None
    assert theirs.append(timestamp=0, key=b"k", value=value, headers=[*HEADERS]) is None
    assert theirs.record_count() == ours.record_count() > 90
    assert bytes(theirs._build()) == bytes(ours._build())


def test_what_lies_below_the_position_is_left() -> None:
    """A broker answers with the whole batch in which the position lies.

    Mutation tried: the fetcher is given 0 for the position: fails.
    """
    batch = Batch()
    for number in range(5):
        batch.add(b"k", str(number).encode(), 0, ())
    assert [b"3", b"4"] == [event.raw for event in read(batch, AsEvents(), 3)]


def test_other_consumers_of_the_process_get_their_own_records() -> None:
    """With a deserializer of their own, and without. Mutation tried: events for all: fails."""
    for deserializer, value in ((None, b"v"), (bytes.decode, "v")):
        batch = Batch()
        batch.add(b"k", b"v", 5, HEADERS)
        (record,) = read(batch, deserializer)
        assert isinstance(record, ConsumerRecord)
        assert (b"k", value, 5, HEADERS) == (record.key, record.value, record.timestamp, record.headers)


def test_a_full_batch_takes_no_more_and_keeps_what_it_has() -> None:
    """Mutation tried: count what was not taken: fails."""
    batch = Batch()
    assert batch.add(b"k", bytes(BATCH_BYTES // 2), 0, ())
    assert not batch.add(b"k", bytes(BATCH_BYTES // 2), 0, ())
    assert 1 == batch.record_count()
    assert 1 == len(read(batch, AsEvents()))


def passing(count: int, *ours: int) -> list[tuple[int, bytes | None]]:
    """Offsets and values of what is read of so many records, of which only these are not passed over."""
    batch = Batch()
    for number in range(count):
        batch.add(b"k", b"ours" if number in ours else b"theirs", 5, ())
    found = read(batch, AsEvents({"in": lambda raw: raw == b"theirs", "other": lambda _raw: True}))
    return [(event.offset, b"" if event.value is PASSED_OVER else event.raw) for event in found]


def test_records_that_are_passed_over_leave_one_so_that_the_offset_moves() -> None:
    """Mutations tried: none at the end: fails (they are fetched again for ever); one after each: fails."""
    assert [(3, b"ours"), (6, b"ours"), (9, b"")] == passing(10, 3, 6)
    assert [(9, b"ours")] == passing(10, 9)[-1:]
    assert [(0, b"ours"), (1, b"ours")] == passing(2, 0, 1)


def test_one_comes_for_so_many_that_nobody_is_held_up() -> None:
    """Mutation tried: one for all of an answer: fails. Some thousand take the event loop for milliseconds."""
    found = passing(2 * PASSED_AT_ONCE + 1)
    assert [(PASSED_AT_ONCE - 1, b""), (2 * PASSED_AT_ONCE - 1, b""), (2 * PASSED_AT_ONCE, b"")] == found


def test_the_mark_of_events_is_no_function() -> None:
    """Mutation tried: give the value back: fails."""
    with pytest.raises(NotImplementedError):
        AsEvents()(b"")
