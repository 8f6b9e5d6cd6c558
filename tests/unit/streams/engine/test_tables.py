"""Tables as agents see them: writes of the batch above committed rows, rows that end (rule 10)."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.api import TableSpec
from streams.engine.outputs import TooLargeError
from streams.engine.store import NEVER, stamp
from streams.engine.tables import MOST_ROW_BYTES, Overlay, TaskTable, bind, committed
from tests.unit.streams.engine.desks import KeptRows

NOW = 1_000
SPEC = TableSpec("numbers", 7, str.encode, lambda n: b"%d" % n, int)


def table(rows: dict[bytes, bytes], now: int = NOW) -> tuple[TaskTable, Overlay]:
    overlay = Overlay(KeptRows(rows), now)
    return bind((SPEC,), overlay)["numbers"], overlay


@pytest.mark.parametrize(
    ("expires_at", "value"), [(None, 5), (NOW + 1, 5), (NOW, None), (NOW - 1, None)], ids=str
)
def test_a_row_that_has_ended_is_absent(expires_at: int | None, value: int | None) -> None:
    """Mutation tried: no look at the expiry in `Overlay.get`: fails."""
    rows = {b"\x07a": (NEVER if expires_at is None else stamp(expires_at)) + b"5"}
    numbers, _ = table(rows)
    assert value == numbers.get("a")


@pytest.mark.parametrize("expires_at", [NOW, 1, 0, -5])
def test_a_row_written_after_its_end_is_a_tombstone(expires_at: int) -> None:
    """The sweep looks for ends to come only, and an end at 0 reads as *never*: such a row lived for ever.

    Mutation tried: `stamp(expires_at)` whatever the clock says: fails.
    """
    numbers, overlay = table({b"\x07a": NEVER + b"5"})
    numbers.put("a", 6, expires_at=expires_at)
    assert numbers.get("a") is None
    assert {b"\x07a": None} == overlay.writes


def test_writes_are_seen_at_once_and_only_in_this_batch() -> None:
    rows = {b"\x07a": NEVER + b"1"}
    numbers, overlay = table(rows)
    numbers.put("a", 2)
    numbers.put("b", 3, expires_at=NOW + 10)
    assert (2, 3) == (numbers.get("a"), numbers.get("b"))
    numbers.delete("a")
    assert numbers.get("a") is None
    assert {b"\x07a": None, b"\x07b": stamp(NOW + 10) + b"3"} == overlay.writes
    assert {b"\x07a": NEVER + b"1"} == rows
    assert 1 == table(rows)[0].get("a")


def test_the_largest_row_fits_and_one_byte_more_does_not() -> None:
    _, overlay = table({})
    overlay.put(b"k", b"x" * (MOST_ROW_BYTES - 1))
    with pytest.raises(TooLargeError):
        overlay.put(b"k", b"x" * MOST_ROW_BYTES)


class Put(msgspec.Struct, frozen=True):
    key: str
    value: int
    lives: int | None


class Drop(msgspec.Struct, frozen=True):
    key: str


KEYS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.builds(Put, KEYS, st.integers(0, 9), st.none() | st.integers(-2, 3)), st.builds(Drop, KEYS)
)


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(STEPS, max_size=5), st.booleans()), max_size=8))
def test_a_table_is_a_dictionary_whose_entries_end(batches: list[tuple[int, list[Put | Drop], bool]]) -> None:
    """Over any batches, committed or dropped, with the clock going on between them."""
    rows: dict[bytes, bytes] = {}
    model: dict[str, tuple[int, int | None]] = {}
    now = NOW
    for later, steps, commits in batches:
        now += later
        numbers, overlay = table(rows, now)
        mine = dict(model)
        for step in steps:
            if isinstance(step, Drop):
                numbers.delete(step.key)
                mine.pop(step.key, None)
            else:
                ends = None if step.lives is None else now + step.lives
                numbers.put(step.key, step.value, expires_at=ends)
                mine[step.key] = (step.value, ends)
            for key in ("a", "b", "c"):
                value, ends = mine.get(key, (None, None))
                alive = ends is None or ends > now
                assert (value if alive else None) == numbers.get(key)
        if commits:
            model = mine
            for row_key, raw in overlay.writes.items():
                rows.pop(row_key, None)
                if raw is not None:
                    rows[row_key] = raw


BYTES = TableSpec("bytes", 7, bytes, bytes, bytes)
NAMES = st.binary(min_size=1, max_size=3) | st.sampled_from([b"a", b"a\xff", b"a\xff\xff", b"b"])
ENDS = st.sampled_from([None, NOW - 1, NOW, NOW + 1])


def test_a_scan_sees_what_its_batch_wrote_and_deleted() -> None:
    """Mutation tried: rows of the store that the batch has rewritten are given too: fails."""
    rows = {b"\x07a1": NEVER + b"1", b"\x07a2": NEVER + b"2", b"\x07a3": NEVER + b"3", b"\x08a": NEVER + b"9"}
    numbers, _ = table(rows)
    numbers.delete("a1")
    numbers.put("a2", 20)
    numbers.put("a25", 25)
    numbers.put("b", 5)
    assert [(b"a2", 20), (b"a25", 25), (b"a3", 3)] == numbers.scan(b"a")
    assert [(b"a2", 20), (b"a25", 25)] == numbers.scan(b"a", limit=2)
    assert [(b"a3", 3)] == numbers.scan(b"a", after=b"a25")


@given(
    st.dictionaries(NAMES, ENDS),
    st.lists(st.tuples(NAMES, ENDS | st.just(0))),
    NAMES | st.just(b""),
    st.integers(1, 4),
)
def test_scans_page_by_page_give_every_live_row_of_the_prefix_once(
    stored: dict[bytes, int | None], written: list[tuple[bytes, int | None]], prefix: bytes, limit: int
) -> None:
    """Mutations tried: `after` given again, the end of a prefix of bytes 255 cut off: fail."""
    rows = {b"\x07" + name: (NEVER if end is None else stamp(end)) + name for name, end in stored.items()}
    overlay = Overlay(KeptRows({**rows, b"\x06z": NEVER, b"\x08": NEVER}), NOW)
    kept = TaskTable(BYTES, overlay)
    for name, end in written:
        if end == 0:
            kept.delete(name)
        else:
            kept.put(name, name, expires_at=end)
    found: list[tuple[bytes, bytes]] = []
    while page := kept.scan(prefix, found[-1][0] if found else b"", limit):
        assert len(page) <= limit
        found += page
    names = {*stored, *(name for name, _ in written)}
    live = sorted(name for name in names if kept.get(name) is not None and name.startswith(prefix))
    assert [(name, name) for name in live] == found


class Scanned:
    """A store of three tables."""

    def scan(self, _prefix: bytes, first: bytes, last: bytes) -> list[tuple[bytes, bytes]]:
        rows = {b"\1a": b"0", b"\2a": b"1", b"\2b": b"2", b"\3a": b"3"}
        return [(key, b"\0" * 8 + row) for key, row in rows.items() if first <= key < last]


def test_who_looks_on_sees_the_rows_of_one_table() -> None:
    spec = TableSpec("two", 2, bytes, lambda _: b"", int)
    assert [(b"a", 1), (b"b", 2)] == list(committed(spec, cast("Any", Scanned())))
