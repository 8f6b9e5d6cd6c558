"""Tables of one task as its agent sees them: a batch's overlay above the store (design rule 5).

Nothing reaches the store before Kafka has committed; a failed batch is dropped by dropping its overlay.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, Protocol

from streams.engine.outputs import DEFAULT_RECORD_BYTES, OVERHEAD_BYTES, TooLargeError
from streams.engine.store import NEVER, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.engine.api import TableSpec
    from streams.engine.store import Store

_ABSENT = object()
MOST_ROW_BYTES = DEFAULT_RECORD_BYTES - OVERHEAD_BYTES - 8


class Committed(Protocol):
    """A task's committed rows, in bytes: its store."""

    @property
    def get_row(self) -> Callable[[bytes], bytes | None]:
        """A row's value with its expiry."""
        ...

    def rows(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows of `first` <= key < `last`, in order."""
        ...


class NoRows:
    """What is committed where nothing is kept."""

    def get_row(self, _key: bytes) -> bytes | None:
        """None."""
        return None

    def rows(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:  # noqa: ARG002 - the port's
        """None."""
        return iter(())


class Overlay:
    """Raw writes of one batch, by row key (table number + key); None is a tombstone."""

    __slots__ = ("_committed", "now", "read", "writes")

    def __init__(self, committed: Committed, now: int) -> None:
        """`now` (ms) decides what has expired."""
        self._committed = committed
        self.read = committed.get_row
        self.now = now
        self.writes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Live payload of a row, without its expiry."""
        raw = self.writes[key] if key in self.writes else self.read(key)
        return None if raw is None or self._has_ended(raw) else raw[8:]

    def scan(self, first: bytes, last: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Live rows of `first` <= key < `last`, in order, at most `limit`; this batch's writes count."""
        writes = self.writes
        new = sorted((key, raw) for key, raw in writes.items() if raw is not None and first <= key < last)
        old = (row for row in self._committed.rows(first, last) if row[0] not in writes)
        found: list[tuple[bytes, bytes]] = []
        for key, raw in merge(new, old):
            if len(found) >= limit:
                break
            if not self._has_ended(raw):
                found.append((key, raw[8:]))
        return found

    def _has_ended(self, raw: bytes) -> bool:
        return raw[:8] != NEVER and int.from_bytes(raw[:8], "big") <= self.now

    def put(self, key: bytes, payload: bytes, expires_at: int | None = None) -> None:
        """Write a row that ends at `expires_at` (ms), or never; one that has ended already is a tombstone.

        `TooLargeError` for what the changelog would not take: better here, where one event is to blame.
        """
        if len(key) + len(payload) > MOST_ROW_BYTES:
            raise TooLargeError(f"a table row of {len(key) + len(payload)} bytes")
        if expires_at is None:
            self.writes[key] = NEVER + payload
        else:
            self.writes[key] = stamp(expires_at) + payload if expires_at > self.now else None

    def delete(self, key: bytes) -> None:
        """Write a tombstone."""
        self.writes[key] = None


class TaskTable:
    """One table of one batch: typed keys and values over the overlay, decoded once per batch."""

    __slots__ = ("_decode", "_encode", "_encode_key", "_overlay", "_prefix", "_seen")

    def __init__(self, spec: TableSpec, overlay: Overlay) -> None:
        """Bind `spec` to the batch's overlay."""
        self._overlay = overlay
        self._prefix = bytes([spec.number])
        self._encode_key = spec.encode_key
        self._encode = spec.encode
        self._decode = spec.decode
        self._seen: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        """The live value, None when absent or expired."""
        value = self._seen.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        raw = self._overlay.get(self._prefix + self._encode_key(key))
        value = None if raw is None else self._decode(raw)
        self._seen[key] = value
        return value

    def scan(self, prefix: bytes, after: bytes = b"", limit: int = 1_000) -> list[tuple[bytes, Any]]:
        """Live rows whose encoded key begins with `prefix` and lies behind `after`, in order of keys.

        At most `limit`: ask again from the last one. Costs 2 µs a row, and the batch's own writes are looked
        through each time.
        """
        start = self._prefix + prefix
        first = max(start, self._prefix + after + b"\0") if after else start
        skip = len(self._prefix)
        return [
            (key[skip:], self._decode(raw)) for key, raw in self._overlay.scan(first, _behind(start), limit)
        ]

    def put(self, key: Any, value: Any, *, expires_at: int | None = None) -> None:
        """Write; seen at once by this batch, kept only if it commits."""
        self._overlay.put(self._prefix + self._encode_key(key), self._encode(value), expires_at)
        expired = expires_at is not None and expires_at <= self._overlay.now
        self._seen[key] = None if expired else value

    def delete(self, key: Any) -> None:
        """Remove; the changelog gets a tombstone."""
        self._overlay.delete(self._prefix + self._encode_key(key))
        self._seen[key] = None


def _behind(prefix: bytes) -> bytes:
    """The first key that is behind all that begin with `prefix`, whose first byte is a table's number."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])


def committed(spec: TableSpec, store: Store) -> Iterator[tuple[bytes, Any]]:
    """Rows of a table as last committed, keys as they are stored, expired ones too; for who only looks on."""
    for key, raw in store.scan(b"t", bytes([spec.number]), bytes([spec.number + 1])):
        yield key[1:], spec.decode(raw[8:])


def bind(specs: tuple[TableSpec, ...], overlay: Overlay) -> dict[str, TaskTable]:
    """Tables of one batch by name."""
    return {spec.name: TaskTable(spec, overlay) for spec in specs}
