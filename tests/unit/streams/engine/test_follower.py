"""Copies of a stage's rows in another process: what they keep, what they answer, where they look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.api import NotYet
from streams.engine.followed import Followed
from streams.engine.follower import Follower
from streams.engine.kafka import partition_of
from streams.engine.layout import Layout, Phase
from streams.engine.restore import BIRTH_KEY, Bounds
from streams.engine.store import NEVER, StoreMemory, stamp
from tests.unit.streams.engine.lives import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

NOW, DAY = 1_000_000_000, 86_400_000
TABLES = frozenset([b"\1", b"\3"])
BORN = Bounds(0, 3, b"birth")


def record(offset: int, key: bytes, value: bytes | None, at: int = NOW) -> Any:
    return SimpleNamespace(offset=offset, key=key, value=value, timestamp=at, headers=())


RECORDS = [
    record(0, BIRTH_KEY, b"birth"),
    record(1, b"\1a", NEVER + b"one"),
    record(2, b"\2a", NEVER + b"other table"),
    record(3, b"\3a", stamp(NOW) + b"ended"),
    record(4, b"\1b", stamp(NOW + 1) + b"live"),
]


@pytest.fixture
def memory() -> StoreMemory:
    return StoreMemory(1 << 20, 1 << 20)


async def opened(path: Path, memory: StoreMemory, bounds: Bounds = BORN, now: int = NOW) -> Followed:
    return await Followed.open(path, memory, bounds, now, 7 * DAY)


def fed(copy: Followed, records: list[Any]) -> None:
    copy.keep(copy.taken(records, TABLES))


async def test_rows_of_its_tables_are_kept_and_read_while_they_live(
    tmp_path: Path, memory: StoreMemory
) -> None:
    """Mutation tried: the expiry is not looked at: fails."""
    copy = await opened(tmp_path / "0", memory)
    fed(copy, RECORDS)
    rows = [copy.row(key, NOW) for key in (b"\1a", b"\2a", b"\3a", b"\1b")]
    assert [b"one", None, None, b"live"] == rows
    fed(copy, [record(5, b"\1a", None)])
    assert None is copy.row(b"\1a", NOW)


async def test_a_copy_goes_on_where_it_stood(tmp_path: Path, memory: StoreMemory) -> None:
    copy = await opened(tmp_path / "0", memory)
    fed(copy, RECORDS)
    copy.store.close()
    again = await opened(tmp_path / "0", memory, Bounds(0, 9, b"birth"))
    assert (5, b"one", False) == (again.position, again.row(b"\1a", NOW), again.caught_up)


async def test_rows_that_ended_leave_nothing_behind(tmp_path: Path, memory: StoreMemory) -> None:
    """Nobody sweeps a copy. Mutation tried: listed by their end: fails, and the disk fills up."""
    copy = await opened(tmp_path / "0", memory)
    fed(copy, [RECORDS[0], *(record(n, b"\1%d" % n, stamp(NOW + n) + b"row") for n in range(1, 50))])
    fed(copy, [record(50 + n, b"\1%d" % n, None) for n in range(1, 50)])
    assert [] == list(copy.store.scan(b"x", b"", b"\xff" * 9))
    assert [] == list(copy.store.scan(b"t", b"", b"\xff"))


async def test_a_copy_that_cannot_be_closed_does_not_end_the_follower() -> None:
    """As on a full disk. Mutation tried: the error goes on: fails, and the other copy stays open."""
    closed = []

    def close(name: str) -> None:
        closed.append(name)
        if name == "first":
            raise OSError("no space left on device")

    found = follower()
    for number, name in enumerate(("first", "second")):
        found._copies[number] = cast(
            "Any", SimpleNamespace(store=SimpleNamespace(close=lambda name=name: close(name)))
        )
    await found._close()
    assert (["first", "second"], {}) == (closed, found._copies)


@pytest.mark.parametrize(
    ("bounds", "now"),
    [
        (Bounds(0, 9, b"another"), NOW),
        (Bounds(6, 9, b"birth"), NOW),
        (Bounds(0, 4, b"birth"), NOW),
        (Bounds(0, 9, b"birth"), NOW + 4 * DAY),
        (Bounds(0, 0, None), NOW),
    ],
    ids=["of another birth", "below the start", "beyond the end", "too old", "of a log that is empty now"],
)
async def test_a_copy_that_may_be_wrong_begins_anew(
    tmp_path: Path, memory: StoreMemory, bounds: Bounds, now: int
) -> None:
    copy = await opened(tmp_path / "0", memory)
    fed(copy, RECORDS)
    copy.store.close()
    again = await opened(tmp_path / "0", memory, bounds, now)
    assert (bounds.start, None) == (again.position, again.row(b"\1a", NOW))


async def test_a_copy_is_whole_once_it_passed_the_end_of_its_start_and_fresh_at_each_end(
    tmp_path: Path, memory: StoreMemory
) -> None:
    copy = await opened(tmp_path / "0", memory)
    states = []
    for position, end, heard in ((2, 5, 10), (3, 5, 20), (5, 5, 30), (5, 6, 40)):
        copy.reached(position, end, heard)
        states.append((copy.caught_up, copy.fresh_at))
    assert [(False, 0), (True, 0), (True, 30), (True, 30)] == states


class Copy:
    """As much of a copy as a follower asks."""

    def __init__(self, rows: dict[bytes, bytes], *, caught_up: bool = True, fresh_at: int = NOW) -> None:
        self.rows, self.caught_up, self.fresh_at = rows, caught_up, fresh_at

    def row(self, key: bytes, _now: int) -> bytes | None:
        return self.rows.get(key)


def follower(layout: Layout | None = None, **copies: Copy) -> Follower:
    found = Follower(CONFIG, "count", (1, 3), lambda: NOW)
    stand_in: Any = {int(name[1:]): copy for name, copy in copies.items()}
    found._copies = stand_in
    if layout is not None:
        found._layouts._take(b"count", msgspec.json.encode(layout))
    return found


def test_a_row_is_looked_for_where_its_key_belongs_and_its_copy_must_be_whole() -> None:
    key = next(b"%d" % n for n in range(99) if partition_of(b"%d" % n, 2) == 1)
    whole = follower(p0=Copy({}, caught_up=False), p1=Copy({b"\1row": b"found"}))
    assert b"found" == whole.row(key, 1, b"row")
    with pytest.raises(NotYet):
        follower(p0=Copy({}), p1=Copy({}, caught_up=False)).row(key, 1, b"row")
    with pytest.raises(NotYet):
        follower().row(key, 1, b"row")


def test_it_lags_as_far_as_its_last_copy() -> None:
    assert [None, None, 7] == [
        found.lag_ms()
        for found in (
            follower(),
            follower(p0=Copy({}), p1=Copy({}, caught_up=False)),
            follower(p0=Copy({}, fresh_at=NOW - 7), p1=Copy({}, fresh_at=NOW + 3)),
        )
    ]


@given(st.sampled_from(list(Phase)), st.integers(0, 50), st.sampled_from(["old", "new", "both"]))
def test_a_row_is_found_in_every_phase_of_a_change_wherever_it_is_copied_or_moved_to(
    phase: Phase, number: int, lies: str
) -> None:
    """The one that counts wins. Mutation tried: only the first place is looked at: fails."""
    key, row = b"%d" % number, b"\1row"
    old, new = partition_of(key, 2), partition_of(key, 3)
    layout = Layout(2, 3, phase)
    copies = {number: Copy({}) for number in range(3)}
    if lies != "old":
        copies[new].rows[row] = b"new"
    if lies != "new":
        copies[old].rows[row] = b"old"
    found = follower(layout, **{f"p{number}": copy for number, copy in copies.items()}).row(key, 1, b"row")
    counts = b"old" if phase is not Phase.DONE else b"new"
    same = copies[old].rows[row] if old == new else counts
    assert found == (same if lies == "both" else lies.encode())


@pytest.mark.parametrize(
    ("phase", "answers"), [(Phase.GROW, True), (Phase.DRAIN, True), (Phase.MOVE, False), (Phase.DONE, False)]
)
def test_a_partition_that_is_not_followed_yet_is_missed_from_the_move_on(
    phase: Phase, *, answers: bool
) -> None:
    """Else rows that moved there would seem to be gone. Mutation tried: never missed: fails."""
    key = next(b"%d" % n for n in range(99) if partition_of(b"%d" % n, 3) == 2)
    behind = follower(Layout(2, 3, phase), p0=Copy({}), p1=Copy({}))
    if answers:
        assert None is behind.row(key, 1, b"row")
    else:
        with pytest.raises(NotYet):
            behind.row(key, 1, b"row")
