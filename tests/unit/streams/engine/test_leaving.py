"""A row that moves to a new partition is in one of the copies at every moment, whatever is read first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
from aiokafka.structs import TopicPartition

from streams.engine.followed import Followed
from streams.engine.follower import Follower
from streams.engine.kafka import partition_of
from streams.engine.layout import Layout, Phase
from streams.engine.leaving import AGAIN_MS, MOVED, SETTLED_MS, Leaving, moved_to
from streams.engine.restore import Bounds
from streams.engine.store import NEVER, StoreMemory
from tests.unit.streams.engine.lives import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

NOW, DAY = 1_000_000_000, 86_400_000


def record(offset: int, key: bytes, value: bytes | None, *headers: tuple[str, bytes]) -> Any:
    return SimpleNamespace(offset=offset, key=key, value=value, timestamp=NOW, headers=headers)


def left(offset: int, key: bytes) -> Any:
    return record(offset, key, None, (MOVED, b"2"))


class Copy:
    """As much of a copy as is asked."""

    def __init__(self, fresh_at: int, *, caught_up: bool = True) -> None:
        self.fresh_at, self.caught_up = fresh_at, caught_up


def test_nothing_is_read_from_the_first_row_that_left_until_all_others_are_fresh() -> None:
    """Mutations tried: a copy not whole, one missing, fresh at the moment itself: all fail."""
    leaving = Leaving()
    records = [record(5, b"a", b"row"), record(6, b"b", None), left(7, b"c"), left(8, b"d")]
    assert records[:2] == leaving.taken(0, records, NOW)
    late = NOW + SETTLED_MS
    not_yet: list[dict[int, Any]] = [
        {0: Copy(NOW)},
        {0: Copy(NOW), 1: Copy(late - 1)},
        {0: Copy(NOW), 1: Copy(late, caught_up=False)},
    ]
    assert [[], [], []] == [leaving.let_through(copies, late) for copies in not_yet]
    assert [] == leaving.taken(0, records[2:], late)
    assert [0] == leaving.let_through({0: Copy(NOW), 1: Copy(late)}, late)
    assert records[2:] == leaving.taken(0, records[2:], late)
    assert [] == leaving.let_through({0: Copy(NOW), 1: Copy(late)}, late)


def test_rows_that_leave_in_the_next_change_wait_again() -> None:
    leaving = Leaving()
    leaving.taken(0, [left(7, b"c")], NOW)
    copies: dict[int, Any] = {0: Copy(NOW), 1: Copy(NOW + SETTLED_MS)}
    assert [0] == leaving.let_through(copies, NOW)
    assert 1 == len(leaving.taken(0, [left(8, b"c")], NOW + AGAIN_MS - 1))
    assert [] == leaving.taken(0, [left(9, b"c")], NOW + AGAIN_MS)


def test_rows_that_simply_ended_wait_for_nothing() -> None:
    assert 0 == moved_to(record(1, b"a", None))
    assert 0 == moved_to(record(1, b"a", None, ("traceparent", b"x")))
    assert 12 == moved_to(record(1, b"a", None, (MOVED, b"12")))


class Logs:
    """A consumer of two partitions, of which each poll gives what the test says is there by now."""

    def __init__(self) -> None:
        self.logs: dict[int, list[Any]] = {0: [], 1: []}
        self.positions = {0: 2, 1: 2}
        self.paused: set[int] = set()
        self.heard_at = NOW

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        found = {}
        for number, log in self.logs.items():
            records = [one for one in log if one.offset >= self.positions[number]]
            if records and number not in self.paused:
                self.positions[number] = records[-1].offset + 1
                found[TopicPartition("log", number)] = records
        return found

    def pause(self, tp: TopicPartition) -> None:
        self.paused.add(tp.partition)

    def resume(self, tp: TopicPartition) -> None:
        self.paused.remove(tp.partition)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.positions[tp.partition] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self.positions[tp.partition]

    def last_stable_offset(self, tp: TopicPartition) -> int:
        return max([2, *(int(one.offset) + 1 for one in self.logs[tp.partition])])

    def last_poll_timestamp(self, _tp: TopicPartition) -> int:
        return self.heard_at


async def test_a_row_is_found_while_its_old_partition_is_read_before_its_new_one(tmp_path: Path) -> None:
    """Mutation tried: tombstones are taken as they come: the row is in neither place: fails."""
    clock, memory = [NOW], StoreMemory(1 << 20, 1 << 20)
    key = next(b"%d" % n for n in range(99) if partition_of(b"%d" % n, 2) == 1)
    follower = Follower(CONFIG, "count", (1,), lambda: clock[0])
    for number in (0, 1):
        path = tmp_path / str(number)
        copy = await Followed.open(path, memory, Bounds(0, 2, b"birth"), NOW, 7 * DAY)
        rows = [record(0, b"birth", b"birth"), record(1, b"\1row" if number == 0 else b"\2", NEVER + b"x")]
        copy.keep(copy.taken(rows, frozenset([b"\1"])))
        copy.reached(2, 2, NOW)
        follower._copies[number] = copy
    follower._layouts._take(b"count", msgspec.json.encode(Layout(1, 2, Phase.DRAIN)))
    consumer = Logs()

    async def seen(at: int, phase: Phase = Phase.DRAIN) -> tuple[bytes | None, set[int]]:
        clock[0] = consumer.heard_at = NOW + at
        follower._layouts._take(b"count", msgspec.json.encode(Layout(1, 2, phase)))
        await follower._read_once(cast("Any", consumer))
        return follower.row(key, 1, b"row"), set(consumer.paused)

    consumer.logs[0] = [left(2, b"\1row"), record(3, b"\1other", NEVER + b"y")]
    assert (b"x", {0}) == await seen(1)
    assert (b"x", {0}) == await seen(2, Phase.DONE)
    consumer.logs[1] = [record(2, b"\1row", NEVER + b"x")]
    assert (b"x", {0}) == await seen(SETTLED_MS)
    assert (b"x", set()) == await seen(SETTLED_MS + 1)
    assert (b"x", set()) == await seen(SETTLED_MS + 2)
    old = follower._copies[0]
    assert (None, b"y", 4) == (old.row(b"\1row", NOW), old.row(b"\1other", NOW), old.position)
    await follower._close()
