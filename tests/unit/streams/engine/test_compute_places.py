"""Outputs go to the partition of their key, also where a topic and the stage differ in number (rule 2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka.partitioner import murmur2

from streams.engine.api import Stream, Tables, ToTopic
from tests.unit.streams.engine.desks import TASK, Bench, Out, record, relay, stage_of

KEY = b"user:18"
"""Its murmur2 lies in task 3 of 4, in 3 of 8 and in 11 of 12."""
HASH = int(murmur2(KEY) & 0x7FFFFFFF)
SAME = {Out: (ToTopic(lambda _: "out", lambda o: o.key, lambda o: o.body, same_partition=True),)}


@pytest.mark.parametrize(
    ("tasks", "count", "expected"), [(4, 4, 3), (4, 12, 11), (4, 8, 3), (4, 2, 1), (8, 12, 11), (8, 4, 3)]
)
async def test_records_keyed_like_the_inputs_go_where_their_key_is(
    tasks: int, count: int, expected: int
) -> None:
    """Mutation: `_partition` gives the task's number whenever `same`, as while all counts were equal."""
    bench = Bench(stage_of(relay, routes=SAME), partitions=lambda _: count, tasks=tasks)
    await bench.compute(record(1, key=KEY))
    assert [expected] == [row.partition for row in bench.written]


async def test_a_record_keyed_otherwise_stays_with_the_task_where_a_divisor_tells_its_place() -> None:
    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for _ in stream:
            yield Out(b"another key", b"")

    bench = Bench(stage_of(agent, routes=SAME), partitions=lambda _: 2, tasks=4)
    await bench.compute(record(1, key=KEY))
    assert [TASK % 2] == [row.partition for row in bench.written]


@pytest.mark.parametrize(("count", "expected"), [(4, 3), (12, 11), (1, 0)])
async def test_a_record_that_only_knows_a_hash_lies_beside_those_of_that_key(
    count: int, expected: int
) -> None:
    spread = {Out: (ToTopic(lambda _: "out", lambda _: b"other", lambda o: o.body, spread=lambda _: HASH),)}
    bench = Bench(stage_of(relay, routes=spread), partitions=lambda _: count, tasks=4)
    await bench.compute(record(1, key=b"of another partition"))
    assert [expected] == [row.partition for row in bench.written]
