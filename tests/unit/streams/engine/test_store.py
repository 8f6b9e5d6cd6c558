"""A task's RocksDB: rows, expiry order and origin move together; its lock is named and freed (rule 9)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rocksdict

from streams.engine.api import NotYet
from streams.engine.store import EXPIRY, LOG_BYTES, Origin, Store, StoreMemory, stamp, wipe

MIB = 1 << 20
ORIGIN = Origin(b"birth", 7, 1_000)


@pytest.fixture(scope="module")
def memory() -> StoreMemory:
    return StoreMemory(MIB, MIB)


@pytest.fixture(params=["new", "opened again"])
def store(request: pytest.FixtureRequest, tmp_path: Path, memory: StoreMemory) -> Iterator[Store]:
    """RocksDB keeps options beside the rows, and some of those it would rather believe."""
    if request.param == "opened again":
        Store(tmp_path / "3", memory).close()
    opened = Store(tmp_path / "3", memory)
    yield opened
    opened.close()


def live(payload: bytes, until: int = 0) -> bytes:
    return stamp(until) + payload


def test_rows_and_origin_are_written_together(store: Store) -> None:
    assert store.origin() is None
    store.write([(b"\1a", live(b"1")), (b"\1b", live(b"2"))], ORIGIN)
    store.write([(b"\1a", None)], Origin(b"birth", 9, 2_000))
    assert [None, live(b"2")] == [store.get_row(b"\1a"), store.get_row(b"\1b")]
    assert Origin(b"birth", 9, 2_000) == store.origin()


def test_rows_that_expire_are_found_in_the_order_in_which_they_do(store: Store) -> None:
    rows = [(b"\1late", live(b"", 300)), (b"\1soon", live(b"", 100)), (b"\1never", live(b""))]
    store.write(rows, ORIGIN)
    found = [entry[8:] for entry, _ in store.scan(EXPIRY, stamp(0), stamp(301))]
    assert [b"\1soon", b"\1late"] == found
    store.forget_expiries([stamp(100) + b"\1soon"])
    assert [b"\1late"] == [entry[8:] for entry, _ in store.scan(EXPIRY, stamp(0), stamp(301))]
    assert [] == list(store.scan(EXPIRY, stamp(0), stamp(300)))


def test_rows_of_a_range_come_in_order_and_nothing_else_does(store: Store) -> None:
    store.write([(key, live(key)) for key in (b"\1b", b"\1a", b"\1c", b"\2a", b"\0z")], ORIGIN)
    assert [(b"\1a", live(b"\1a")), (b"\1b", live(b"\1b"))] == list(store.rows(b"\1", b"\1c"))


def test_rows_that_have_ended_leave_the_disk(store: Store) -> None:
    """Files of tombstones alone are too few for RocksDB to look at: 40 MiB stayed under no rows."""
    keys = [b"\1%d" % number for number in range(1_000)]
    store.write([(key, live(b"x" * 100, until=1)) for key in keys], ORIGIN)
    store._db.flush()
    assert entries(store) > len(keys)
    store.write([(key, None) for key in keys], ORIGIN)
    store.forget_expiries([stamp(1) + key for key in keys])
    store._db.flush()
    deadline = time.monotonic() + 30
    while entries(store) > 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 3 == entries(store)  # what the store knows of itself


def entries(store: Store) -> int:
    """Rows and tombstones in the files of a store."""
    return sum(file["num_entries"] for file in store._db.live_files())


def test_a_closed_store_is_found_again(tmp_path: Path, memory: StoreMemory) -> None:
    first = Store(tmp_path / "0", memory)
    first.write([(b"\1a", live(b"1"))], ORIGIN)
    first.close()
    second = Store(tmp_path / "0", memory)
    assert (ORIGIN, live(b"1")) == (second.origin(), second.get_row(b"\1a"))
    second.close()
    wipe(tmp_path / "0")
    assert [] == list(tmp_path.iterdir())


def test_a_store_that_another_holds_is_a_wait_with_a_name(store: Store, memory: StoreMemory) -> None:
    with pytest.raises(NotYet, match=r"^store_locked$"):
        Store(store.path, memory)


def test_a_folder_that_is_no_store_is_an_error(tmp_path: Path, memory: StoreMemory) -> None:
    (tmp_path / "0" / "CURRENT").mkdir(parents=True)
    with pytest.raises(Exception, match="CURRENT") as failed:
        Store(tmp_path / "0", memory)
    assert not isinstance(failed.value, NotYet)


def test_close_under_the_writes_of_another_thread_ends_them_and_frees_the_lock(
    tmp_path: Path, memory: StoreMemory
) -> None:
    """An open that was cancelled closes under its last write. Mutation: no lock of ours around both."""
    store = Store(tmp_path / "0", memory)
    rows = [(b"\1%d" % number, live(b"x" * 100)) for number in range(20_000)]
    ends: list[Exception] = []
    began = threading.Event()

    def write() -> None:
        try:
            while True:
                store.write(rows, ORIGIN)
                began.set()
        except Exception as error:  # noqa: BLE001 - which one is what the test is about
            ends.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    began.wait()
    store.close()
    writer.join()
    assert [rocksdict.DbClosedError] == [type(error) for error in ends]
    Store(tmp_path / "0", memory).close()


def test_many_stores_share_what_they_may_write_to(tmp_path: Path) -> None:
    """A row in each is no reason to write files. Mutation: RocksDB's own block of a megabyte."""
    memory = StoreMemory(8 * MIB, 8 * MIB)
    stores = [Store(tmp_path / str(number), memory) for number in range(32)]
    try:
        for turn in range(4):
            for store in stores:
                store.write([(b"\1%d" % turn, live(b"x" * 400))], ORIGIN)
        time.sleep(0.2)  # files are made behind the write
        assert [] == list(tmp_path.glob("*/*.sst"))
    finally:
        for store in stores:
            store.close()


def test_a_store_that_is_opened_again_reads_through_the_shared_cache(tmp_path: Path) -> None:
    """Each had 32 MiB of its own after a restart. Mutation: options without the column family."""
    for _ in range(2):
        memory = StoreMemory(8 * MIB, 8 * MIB)
        store = Store(tmp_path / "0", memory)
        store.write([(b"\1%d" % number, live(b"x" * 400)) for number in range(1_000)], ORIGIN)
        store._db.flush()
        store.get_row(b"\1500")
        store.close()
        assert memory._cache.get_usage() > 0


def test_what_rocksdb_writes_of_itself_is_bounded(tmp_path: Path, memory: StoreMemory) -> None:
    """It was a gigabyte an hour in a soak. Mutation: a file of any size."""
    store = Store(tmp_path / "3", memory)
    for number in range(400):
        store.write([(b"\1%d" % number, live(b"x"))], ORIGIN)
        store._db.flush()
    store.close()
    assert sum(file.stat().st_size for file in (tmp_path / "3").glob("LOG*")) <= 2 * LOG_BYTES
