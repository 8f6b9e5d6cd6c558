"""Tables of one task as its agent sees them: a batch's overlay above the store (design rule 5).

Nothing reaches the store before Kafka has committed; a failed batch is dropped by dropping its overlay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.engine.outputs import DEFAULT_RECORD_BYTES, OVERHEAD_BYTES, TooLargeError
from streams.engine.store import NEVER, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.engine.api import TableSpec
    from streams.engine.store import Store

_ABSENT = object()
MOST_ROW_BYTES = DEFAULT_RECORD_BYTES - OVERHEAD_BYTES - 8


class Overlay:
    """Raw writes of one batch, by row key (table number + key); None is a tombstone."""

    __slots__ = ("now", "read", "writes")

    def __init__(self, read: Callable[[bytes], bytes | None], now: int) -> None:
        """`read` gives a committed row's bytes; `now` (ms) decides what has expired."""
        self.read = read
        self.now = now
        self.writes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Live payload of a row, without its expiry."""
        raw = self.writes[key] if key in self.writes else self.read(key)
        if raw is None or (raw[:8] != NEVER and int.from_bytes(raw[:8], "big") <= self.now):
            return None
        return raw[8:]

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

    def put(self, key: Any, value: Any, *, expires_at: int | None = None) -> None:
        """Write; seen at once by this batch, kept only if it commits."""
        self._overlay.put(self._prefix + self._encode_key(key), self._encode(value), expires_at)
        expired = expires_at is not None and expires_at <= self._overlay.now
        self._seen[key] = None if expired else value

    def delete(self, key: Any) -> None:
        """Remove; the changelog gets a tombstone."""
        self._overlay.delete(self._prefix + self._encode_key(key))
        self._seen[key] = None


def committed(spec: TableSpec, store: Store) -> Iterator[tuple[bytes, Any]]:
    """Rows of a table as last committed, keys as they are stored, expired ones too; for who only looks on."""
    for key, raw in store.scan(b"t", bytes([spec.number]), bytes([spec.number + 1])):
        yield key[1:], spec.decode(raw[8:])


def bind(specs: tuple[TableSpec, ...], overlay: Overlay) -> dict[str, TaskTable]:
    """Tables of one batch by name."""
    return {spec.name: TaskTable(spec, overlay) for spec in specs}
