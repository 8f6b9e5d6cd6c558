"""Every row goes to the partition of its key, once, however often a change is begun again."""

from __future__ import annotations

from random import Random

import pytest

from streams.engine.kafka import partition_of
from streams.scaling.moves import MisplacedError, Moves, Write

OLD, NEW = 4, 12
USERS = [b"user:%d" % number for number in range(200)]
BIRTH = (b"birth", b"of the changelog")
Row = tuple[bytes, bytes | None]
Rows = dict[tuple[int, bytes], bytes]


def home(key: bytes, _value: bytes) -> bytes:
    return key.partition(b"/")[0]


def log(number: int, seed: int) -> list[Row]:
    """A changelog of puts, changes and tombstones of users who live in this partition."""
    dice = Random(seed)  # noqa: S311 - a test
    ours = [user for user in USERS if partition_of(user, OLD) == number]
    rows: list[Row] = [BIRTH]
    for turn in range(300):
        key = dice.choice(ours) + b"/%d" % dice.randrange(2)
        rows.append((key, None if dice.random() < 0.3 else b"%d" % turn))
        rows.append((b"time", b""))
    return rows


def moves(number: int = 1) -> Moves:
    return Moves(number, OLD, NEW, home)


def folded(rows: list[Row]) -> dict[bytes, bytes]:
    """Live rows of a log."""
    live: dict[bytes, bytes] = {}
    for key, value in rows:
        if value is None:
            live.pop(key, None)
        elif key not in {b"birth", b"time"}:
            live[key] = value
    return live


def apply(rows: Rows, writes: list[Write]) -> None:
    for partition, key, value in writes:
        if value is None:
            rows.pop((partition, key), None)
        else:
            rows[partition, key] = value


def take(change: Moves, rows: list[Row]) -> list[Write]:
    return [write for row in rows if (write := change.take(*row)) is not None]


def at_home(live: dict[bytes, bytes]) -> Rows:
    """Where the rows belong."""
    return {(partition_of(home(key, b""), NEW), key): value for key, value in live.items()}


def test_all_rows_end_where_their_keys_are_and_nowhere_else() -> None:
    """Mutations: `leaving` gives nothing; a tombstone is not passed on."""
    for number in range(OLD):
        history, change = log(number, seed=number), moves(number)
        rows: Rows = {(number, key): value for key, value in folded(history).items()}
        apply(rows, take(change, history))
        apply(rows, list(change.leaving()))
        assert at_home(folded(history)) == rows
        assert {0, 4, 8} == {partition - number for partition, _ in rows}


@pytest.mark.parametrize("killed_after", [0, 1, 50, 400, 601])
def test_a_change_that_was_killed_and_begun_again_gives_the_same(killed_after: int) -> None:
    """Rows that ended in between, their tombstones compacted away, do not come back.

    Mutation: `surplus` gives nothing.
    """
    before, after = log(1, seed=7), log(1, seed=8)[1:]
    rows: Rows = {}
    apply(rows, take(moves(), before[:killed_after]))
    left = list(rows.items())
    now = folded([*before, *after])
    compacted: list[Row] = [BIRTH, *now.items()]
    change = moves()
    for (partition, key), value in left:
        change.found(partition, key, value)
    apply(rows, take(change, compacted))
    apply(rows, list(change.surplus()))
    expected = {place: value for place, value in at_home(now).items() if place[0] != 1}
    assert expected == rows
    assert [] == list(change.surplus())


def test_rows_that_are_no_rows_stay() -> None:
    assert [] == take(moves(), [BIRTH, (b"time", b"")])


def test_a_row_in_the_partition_of_another_key_stops_the_change() -> None:
    stranger = next(user for user in USERS if partition_of(user, OLD) != 1)
    with pytest.raises(MisplacedError, match="is in partition 1"):
        moves().take(stranger, b"row")
