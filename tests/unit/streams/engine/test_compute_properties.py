"""Any batch, cut anywhere: survivors as if the dead had never been, each record dealt with once, in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.api import NotYet, Stream, Tables
from tests.unit.streams.engine.desks import Bench, Out, record, stage_of

WORDS = st.sampled_from([b"a", b"b", b"c", b"poison", b"?", b"!", b"late"])


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from([b"k1", b"k2"]), WORDS), max_size=25), st.integers(1, 8), st.booleans()
)
def test_survivors_come_out_as_if_the_dead_had_never_been(
    given_records: list[tuple[bytes, bytes]], limit: int, stops_early: bool
) -> None:
    """`late` must wait once; poison writes to the table before it raises."""
    waited: set[int] = set()

    async def agent(stream: Stream, tables: Tables) -> AsyncIterator[object]:
        counts = tables["counts"]
        async for event in stream:
            number = (counts.get(event.key) or 0) + 1
            counts.put(event.key, number)
            yield Out(event.key, b"%s %d" % (event.value, number))
            if event.value == b"poison":
                raise ValueError("poison")
            if event.value == b"late" and event.offset not in waited:
                waited.add(event.offset)
                raise NotYet("late")
            if stops_early and event.value == b"c":
                return

    came, buried = asyncio.run(through(Bench(stage_of(agent)), given_records, limit))
    dead = [number for number, (_, word) in enumerate(given_records) if word in {b"poison", b"?", b"!"}]
    counts: Counter[bytes] = Counter()
    expected = []
    for number, (key, word) in enumerate(given_records):
        if number not in dead:
            counts[key] += 1
            expected.append((key, b"%s %d" % (word, counts[key])))
    assert expected == came
    assert dead == buried


async def through(
    bench: Bench, words: list[tuple[bytes, bytes]], limit: int
) -> tuple[list[tuple[bytes | None, bytes | None]], list[int]]:
    """Compute batch after batch until nothing is left: outputs, and offsets of the dead."""
    left = [record(number, word, key=key) for number, (key, word) in enumerate(words)]
    came: list[tuple[bytes | None, bytes | None]] = []
    buried: list[int] = []
    while left:
        try:
            done = await bench.compute(*left[:limit])
        except NotYet:
            continue
        assert done.taken
        came += [(row.key, row.value) for row in bench.written]
        buried += [event.offset for event, *_ in done.dead]
        bench.rows.update({key: row for key, row in done.overlay.writes.items() if row is not None})
        left = left[done.taken :]
    return came, buried
