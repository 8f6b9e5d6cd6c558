"""aiokafka's records at our own cost: read straight as events, written straight into its batches (rule 17).

Pinned to aiokafka 0.14. Its `ConsumerRecord`, made of each record and then copied into an event, and the
checks of its `BatchBuilder.append` were a tenth of what a record costs the engine.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.engine.api import LATER, PASSED_OVER, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aiokafka.structs import TopicPartition

    from streams.engine.api import Headers

BATCH_BYTES = 1 << 20
PASSED_AT_ONCE = 100
"""Records that are passed over for one event: so few that a reader of some events holds nobody up."""
END = object()


class Batch(BatchBuilder):  # type: ignore[misc] # it has no types
    """Records of one transaction for one partition, for `send_batch`."""

    def __init__(self) -> None:
        """Empty and open."""
        super().__init__(BATCH_BYTES, 0, is_transactional=True)

    def add(self, key: bytes | None, value: bytes | None, at: int, headers: Headers) -> bool:
        """Append one record; False when the batch is full. `at`: ms."""
        if self._builder.append(self._relative_offset, at, key, value, [*headers]) is None:
            return False
        self._relative_offset += 1
        return True


class AsEvents:
    """A mark: a consumer with this as its `value_deserializer` gives `Event`s, not decoded yet.

    `passes`: topic → which of its records are passed over. One event, `PASSED_OVER`, comes for each hundred
    of them, and for what is left at the end, so that whoever reads gets on.
    """

    def __init__(self, passes: Mapping[str, Callable[[bytes], bool]] = MappingProxyType({})) -> None:
        self.passes = passes

    def __call__(self, _value: bytes) -> None:
        """Never: records are made without it."""
        raise NotImplementedError


class _EventRecords(fetcher.PartitionRecords):  # type: ignore[misc] # it has no types
    """Records of one answer to a fetch, of one partition, as events."""

    passes: Callable[[bytes], bool] | None = None
    _records_iterator: Iterator[Event | None] | None

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Any:
        value, headers = record.value, record.headers
        if self.passes is not None and self.passes(value or b""):
            return None
        return Event(
            LATER,
            record.key or b"",
            record.timestamp,
            tuple(headers) if headers else (),
            tp.topic,
            tp.partition,
            record.offset,
            value,
        )

    def __next__(self) -> Any:
        """The next one that is not passed over, or one that stands for those that were."""
        passed = 0
        while self._records_iterator is not None and passed < PASSED_AT_ONCE:
            event = next(self._records_iterator, END)
            if event is END:
                self._records_iterator = None
            elif event is not None:
                return event
            else:
                passed += 1
        if not passed:
            raise StopIteration
        last = self.next_fetch_offset - 1
        return Event(PASSED_OVER, b"", 0, (), self._tp.topic, self._tp.partition, last)


_ConsumerRecords = fetcher.PartitionRecords


def _partition_records(  # noqa: PLR0913, PLR0917 - aiokafka's own signature
    tp: TopicPartition,
    records: Any,
    aborted: Any,
    offset: int,
    key_deserializer: Any,
    value_deserializer: Any,
    check_crcs: bool,  # noqa: FBT001
    isolation: int,
) -> fetcher.PartitionRecords:
    """What the fetcher makes of an answer: events for our readers, its own records for all others."""
    given = (tp, records, aborted, offset, key_deserializer, value_deserializer, check_crcs, isolation)
    if not isinstance(value_deserializer, AsEvents):
        return _ConsumerRecords(*given)
    events = _EventRecords(*given)
    events.passes = value_deserializer.passes.get(tp.topic)
    return events


fetcher.PartitionRecords = _partition_records
