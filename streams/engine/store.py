"""The local copy of one task's changelog: bytes in RocksDB (design rule 9).

The changelog is the truth; the store only saves reading it again. Writes skip RocksDB's own log: after a kill
the store falls back to an earlier flush *together with* the changelog offset it stands for, and restore goes
on from there.

Keys: `t` + table number + key for rows, `x` + expiry (8 bytes) + row key for the order in which rows expire,
`m` + name for what the store knows of itself. A row's value starts with its expiry in ms (8 bytes, 0 =
never).
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import rocksdict

from streams.engine.api import NotYet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROW = b"t"
EXPIRY = b"x"
META_OFFSET, META_WRITTEN_AT, META_BIRTH = b"moffset", b"mwritten_at", b"mbirth"
NEVER = b"\0" * 8
LOCKED = "lock"
MOSTLY_DEAD = 0.75
"""Share of tombstones by which a file is compacted at once; else rows that ended stay on disk until many more
are written. A table whose rows end as fast as they come has a half: that is left to the usual compaction."""

BLOCK_BYTES = 64 << 10
"""What a memtable takes at a time of the memory that all stores share. RocksDB's usual megabyte is gone with
one row in each of 64 stores, and from then on every write makes a file."""
LOG_BYTES = 256 << 10
"""RocksDB's text about itself begins anew after so much, and the old one goes: a flush is two kilobytes."""


def stamp(number: int) -> bytes:
    """A time or offset so that bytes sort as numbers do."""
    return number.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a store says of itself: the changelog it copies, how far, and when it was last written (ms)."""

    birth: bytes
    offset: int
    written_at: int


class StoreMemory:
    """Block cache and write buffers shared by every store of the process, so that memory has one bound."""

    def __init__(self, cache_bytes: int, write_bytes: int) -> None:
        """Reserve `cache_bytes` for reads and let memtables of all stores fill `write_bytes`."""
        self._cache = rocksdict.Cache(cache_bytes)
        self._buffers = rocksdict.WriteBufferManager(write_bytes, False)  # noqa: FBT003 - positional in rocksdict

    def options(self) -> rocksdict.Options:
        """Options of one store: raw bytes, bloom filters, everything charged to the shared budget."""
        table = rocksdict.BlockBasedOptions()
        table.set_block_cache(self._cache)
        table.set_bloom_filter(10, False)  # noqa: FBT003 - positional in rocksdict
        table.set_cache_index_and_filter_blocks(True)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)  # noqa: FBT003
        options.set_block_based_table_factory(table)
        options.set_write_buffer_manager(self._buffers)
        options.set_max_open_files(256)
        options.set_arena_block_size(BLOCK_BYTES)
        options.set_keep_log_file_num(1)
        options.set_max_log_file_size(LOG_BYTES)
        options.set_stats_dump_period_sec(0)
        options.set_max_background_jobs(2)
        options.add_compact_on_deletion_collector_factory(0, 0, MOSTLY_DEAD)
        return options


class Store:
    """One open RocksDB. Not shared between tasks; `close()` releases its lock at once.

    Writes and `close` may come from different threads: an open that was cancelled closes under its last
    write.
    """

    def __init__(self, path: Path, memory: StoreMemory) -> None:
        """Open or create the store at `path`; `NotYet` while another holds its lock."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._db = _opened(path, memory)
        self._unlogged = rocksdict.WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign,assignment] # a property, its stub says method
        self.get = self._db.get
        self.get_row = self._row_reader()

    def _row_reader(self) -> Callable[[bytes], bytes | None]:
        get = cast("Callable[[bytes], bytes | None]", self._db.get)

        def row(key: bytes) -> bytes | None:
            return get(ROW + key)

        return row

    def origin(self) -> Origin | None:
        """What this store holds, None when it is new."""
        found = cast("list[bytes | None]", self._db.get([META_BIRTH, META_OFFSET, META_WRITTEN_AT]))
        birth, offset, written_at = found
        if birth is None or offset is None or written_at is None:
            return None
        return Origin(birth, int.from_bytes(offset, "big"), int.from_bytes(written_at, "big"))

    def write(
        self, rows: Iterable[tuple[bytes, bytes | None]], origin: Origin, *, is_swept: bool = True
    ) -> None:
        """Apply rows and the changelog offset they reach in one atomic batch.

        Rows that end are listed by their end for the sweep, which also clears the list: where nobody sweeps,
        it would grow for ever.
        """
        batch = rocksdict.WriteBatch(raw_mode=True)
        put = batch.put
        for key, value in rows:
            if value is None:
                batch.delete(ROW + key)
                continue
            put(ROW + key, value)
            if is_swept and value[:8] != NEVER:
                put(EXPIRY + value[:8] + key, b"")
        put(META_BIRTH, origin.birth)
        put(META_OFFSET, stamp(origin.offset))
        put(META_WRITTEN_AT, stamp(origin.written_at))
        with self._lock:
            self._db.write(batch, self._unlogged)

    def scan(self, prefix: bytes, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key is `prefix` + k with `first` <= k < `last`, in order; keys without the prefix."""
        skip = len(prefix)
        stop = prefix + last
        cursor = self._db.iter()
        cursor.seek(prefix + first)
        while cursor.valid():
            key = cursor.key()
            if key >= stop:
                return
            yield key[skip:], cursor.value()
            cursor.next()

    def rows(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows of `first` <= key < `last`, in order, ended ones included."""
        return self.scan(ROW, first, last)

    def forget_expiries(self, keys: Iterable[bytes]) -> None:
        """Drop entries of the expiry order that were dealt with; they are no part of the changelog."""
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key in keys:
            batch.delete(EXPIRY + key)
        with self._lock:
            self._db.write(batch, self._unlogged)

    def close(self) -> None:
        """Flush and release the lock, even when flushing fails: what is missing is read again."""
        with self._lock:
            try:
                self._db.flush()
            finally:
                self._db.close()


def _opened(path: Path, memory: StoreMemory) -> rocksdict.Rdict:
    """The options are told for the column family, too: what RocksDB keeps in files knows no shared cache."""
    try:
        return rocksdict.Rdict(str(path), memory.options(), {"default": memory.options()})
    except Exception as error:
        if LOCKED in str(error).lower():  # rocksdict has one class for all
            raise NotYet("store_locked") from error
        raise


def wipe(path: Path) -> None:
    """Delete a store's folder."""
    shutil.rmtree(path, ignore_errors=True)
