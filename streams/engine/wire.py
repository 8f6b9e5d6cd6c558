"""aiokafka's records at our own cost: read straight as events, written straight into its batches (rule 17).

Pinned to aiokafka 0.14. Its `ConsumerRecord`, made of each record and then copied into an event, and the
checks of its `BatchBuilder.append` were a tenth of what a record costs the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka.consumer import fetcher
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.engine.api import LATER, Event

if TYPE_CHECKING:
    from aiokafka.structs import TopicPartition

    from streams.engine.api import Headers

BATCH_BYTES = 1 << 20


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


def as_events(_value: bytes) -> None:
    """Never called: a consumer with this as its `value_deserializer` gives `Event`s, not decoded yet."""
    raise NotImplementedError


class _EventRecords(fetcher.PartitionRecords):  # type: ignore[misc] # it has no types
    """Records of one answer to a fetch, of one partition, as events."""

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Any:
        headers = record.headers
        return Event(
            LATER,
            record.key or b"",
            record.timestamp,
            tuple(headers) if headers else (),
            tp.topic,
            tp.partition,
            record.offset,
            record.value,
        )


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
    kind = _EventRecords if value_deserializer is as_events else _ConsumerRecords
    return kind(tp, records, aborted, offset, key_deserializer, value_deserializer, check_crcs, isolation)


fetcher.PartitionRecords = _partition_records
