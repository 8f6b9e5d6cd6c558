"""What an agent wants counted is told after the commit, by what survived the batch."""

from __future__ import annotations

from collections.abc import AsyncIterator

from streams.engine.api import Stream, Tables, ToCount
from tests.unit.streams.engine.desks import Bench, record, stage_of


async def test_what_is_counted_is_told_when_the_task_says_so_and_only_by_survivors() -> None:
    """The task says so after its commit. Mutation tried: told while it is routed: fails."""
    told: list[object] = []

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield event.value
            if event.value == b"poison":
                raise ValueError

    bench = Bench(stage_of(agent, routes={bytes: (ToCount(told.append),)}))
    done = await bench.compute(record(1, b"1"), record(2, b"poison"), record(3, b"3"))
    assert [] == told
    done.tell()
    assert [b"1", b"3"] == told
