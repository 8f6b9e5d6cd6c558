"""Which rows of one changelog partition go where when its keys are spread over more tasks. No Kafka in here.

A new count is a multiple of the old one, so the rows of task p go to p, p + old, p + 2·old … and to no other.
Copies in new partitions are read by nobody until the change is done: they may be written early, and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.engine.kafka import partition_of
from streams.engine.restore import NO_ROWS


class Write(NamedTuple):
    """A changelog record to write; None is a tombstone."""

    partition: int
    key: bytes
    value: bytes | None


class MisplacedError(ValueError):
    """A row is in another partition than its key: nothing can be told of the others."""


class Moves:
    """Follows the records of one old partition in their order."""

    def __init__(self, partition: int, old: int, new: int, home: Callable[[bytes, bytes], bytes]) -> None:
        """`home`: row key and value → Kafka key."""
        self.partition = partition
        self.targets = range(partition + old, new, old)
        self.away: dict[bytes, int] = {}
        self._old = old
        self._new = new
        self._home = home
        self._found: set[tuple[int, bytes]] = set()

    def found(self, partition: int, key: bytes, value: bytes | None) -> None:
        """A record that a change which was interrupted has left in a new partition."""
        if key not in NO_ROWS:
            (self._found.discard if value is None else self._found.add)((partition, key))

    def take(self, key: bytes, value: bytes | None) -> Write | None:
        """The next record of the old partition; what follows for a new one. `MisplacedError`."""
        if key in NO_ROWS:
            return None
        if value is None:
            target = self.away.pop(key, None)
            return None if target is None else Write(target, key, None)
        kafka_key = self._home(key, value)
        if partition_of(kafka_key, self._old) != self.partition:
            raise MisplacedError(f"a row of key {kafka_key!r} is in partition {self.partition}")
        target = partition_of(kafka_key, self._new)
        if target == self.partition:
            return None
        self.away[key] = target
        return Write(target, key, value)

    def surplus(self) -> Iterator[Write]:
        """Tombstones for what was left in new partitions and is no row any more; after all was taken."""
        for partition, key in sorted(self._found):
            if self.away.get(key) != partition:
                yield Write(partition, key, None)
        self._found.clear()

    def leaving(self) -> Iterator[Write]:
        """Tombstones for the old partition: what lives elsewhere once the change is done."""
        return (Write(self.partition, key, None) for key in self.away)
