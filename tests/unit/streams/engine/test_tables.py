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

NOW = 1_000
SPEC = TableSpec("numbers", 7, str.encode, lambda n: b"%d" % n, int)


def table(rows: dict[bytes, bytes], now: int = NOW) -> tuple[TaskTable, Overlay]:
    overlay = Overlay(rows.get, now)
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


class Scanned:
    """A store of three tables."""

    def scan(self, _prefix: bytes, first: bytes, last: bytes) -> list[tuple[bytes, bytes]]:
        rows = {b"\1a": b"0", b"\2a": b"1", b"\2b": b"2", b"\3a": b"3"}
        return [(key, b"\0" * 8 + row) for key, row in rows.items() if first <= key < last]


def test_who_looks_on_sees_the_rows_of_one_table() -> None:
    spec = TableSpec("two", 2, bytes, lambda _: b"", int)
    assert [(b"a", 1), (b"b", 2)] == list(committed(spec, cast("Any", Scanned())))
