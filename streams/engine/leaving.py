"""Rows that leave a followed partition for new ones stay in its copy until those of the new ones have them.

A change of the number of tasks copies rows, and then deletes them where they were, in one transaction. Who
follows both partitions reads them in any order: for a moment the row would be in neither. So the first such
tombstone is not read before all other copies are whole and were fresh after it was seen. No Kafka in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka.structs import ConsumerRecord

MOVED = "moved"
"""Header of a tombstone whose row lives elsewhere; its value: how many partitions there are from now on."""
SETTLED_MS = 1_000
"""A fetch that was answered so long after the tombstone was seen was also asked after that."""
AGAIN_MS = 60_000
"""Tombstones that come so long after those that were let through may be of another change."""


class Copy(Protocol):
    """As much as is asked of a copy."""

    @property
    def caught_up(self) -> bool: ...
    @property
    def fresh_at(self) -> int: ...


class _Hold(NamedTuple):
    since: int
    partitions: int


class Leaving:
    """Which partitions must not be read on, by number. Times in ms, ours."""

    def __init__(self) -> None:
        self._held: dict[int, _Hold] = {}
        self._passed: dict[int, int] = {}

    def taken(
        self, number: int, records: Sequence[ConsumerRecord[bytes, bytes]], now: int
    ) -> Sequence[ConsumerRecord[bytes, bytes]]:
        """As many of the next records of a partition as may be taken now; it waits at the others."""
        if number in self._passed and now < self._passed[number] + AGAIN_MS:
            return records
        for place, record in enumerate(records):
            if record.value is None and (partitions := moved_to(record)):
                self._held.setdefault(number, _Hold(now, partitions))
                return records[:place]
        return records

    def let_through(self, copies: Mapping[int, Copy], now: int) -> list[int]:
        """Partitions that are to be read on from here."""
        found = [number for number, hold in self._held.items() if self._is_whole(copies, hold)]
        for number in found:
            del self._held[number]
            self._passed[number] = now
        return found

    def _is_whole(self, copies: Mapping[int, Copy], hold: _Hold) -> bool:
        """Whether every row that left is in the copy of its new partition."""
        others = [copy for number, copy in copies.items() if number not in self._held]
        fresh = all(copy.caught_up and copy.fresh_at >= hold.since + SETTLED_MS for copy in others)
        return fresh and len(copies) >= hold.partitions


def moved_to(record: ConsumerRecord[Any, Any]) -> int:
    """Over how many partitions the rows are spread now, if this row has left its own; else 0."""
    return next((int(value) for name, value in record.headers if name == MOVED), 0)
