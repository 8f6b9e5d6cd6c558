"""What of a batch waits, what is left of it, and who else may run (design rules 11 and 13)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from streams.engine.api import NotYet, StageFailedError, Stream, Tables
from streams.engine.turns import SLICE_S
from tests.unit.streams.engine.desks import TIMER, Bench, Out, due_timer, record, relay, stage_of

# ---- what waits ----


async def test_only_what_comes_before_a_record_that_must_wait_is_taken() -> None:
    """Mutation tried: `NotYet` passing through (one unknown schema blocked all lanes): fails."""
    bench = Bench(stage_of(relay))
    done = await bench.compute(record(1, b"a"), record(2, b"?"), record(3, b"~"), record(4, b"b"))
    assert ([b"a"], 2, 1) == (bench.bodies, done.taken, len(done.dead))
    with pytest.raises(NotYet, match="schema"):
        await bench.compute(record(3, b"~"), record(4, b"b"))


async def test_an_agent_that_must_wait_at_a_record_leaves_no_trace_of_it() -> None:
    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield Out(event.key, event.value)
            if event.value == b"wait":
                raise NotYet("reference")

    bench = Bench(stage_of(agent))
    done = await bench.compute(record(1, b"a"), record(2, b"wait"), record(3, b"b"))
    assert ([b"a"], 1) == (bench.bodies, done.taken)
    with pytest.raises(NotYet, match="reference"):
        await bench.compute(record(2, b"wait"), record(3, b"b"))


async def test_a_missing_topic_holds_up_nothing_that_comes_before_it() -> None:
    """Partition counts are asked for when an output needs them; until then `NotYet` names the topic."""

    def count(_topic: str) -> int:
        raise NotYet("topic_missing:out")

    async def agent(stream: Stream, tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            tables["counts"].put(event.value, 1)
            if event.value == b"out":
                yield Out(b"k", b"")

    bench = Bench(stage_of(agent), partitions=count)
    assert 1 == (await bench.compute(record(1, b"in"), record(2, b"out"))).taken
    with pytest.raises(NotYet, match="topic_missing:out"):
        await bench.compute(record(2, b"out"))


# ---- what is left, and who else may run (rule 13) ----


async def test_an_agent_that_stops_early_leaves_the_rest_for_the_next_batch() -> None:
    async def two(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        pulled = 0
        async for event in stream:
            pulled += 1
            yield Out(event.key, event.value)
            if pulled == 2:
                return

    bench = Bench(stage_of(two))
    done = await bench.compute(
        record(1, b"a"), record(2, b"?"), record(3, b"b"), record(4, b"?"), record(5, b"c")
    )
    assert ([b"a", b"b"], 3) == (bench.bodies, done.taken)
    assert [2] == [event.offset for event, *_ in done.dead]


async def test_an_agent_that_takes_nothing_stops_the_stage() -> None:
    """Found by reading: such a batch came again at once, without a turn of the event loop, for ever.

    Mutation tried: returning the empty computation: fails.
    """

    async def idle(_stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        return
        yield

    with pytest.raises(StageFailedError, match="takes no event"):
        await Bench(stage_of(idle)).compute(record(1))


async def test_two_loops_over_the_stream_see_each_record_once() -> None:
    """Mutation tried: a new pass for each `async for`: fails."""

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield Out(event.key, b"first " + event.value)
            break
        async for event in stream:
            yield Out(event.key, event.value)

    bench = Bench(stage_of(agent))
    done = await bench.compute(record(1, b"1"), record(2, b"2"), record(3, b"3"))
    assert ([b"first 1", b"2", b"3"], 3) == (bench.bodies, done.taken)


async def test_no_frame_of_an_agent_outlives_its_batch() -> None:
    """Mutation tried: iterating the agent without `aclosing`: fails (a frame waits for its collector)."""
    left: list[str] = []

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        try:
            async for event in stream:
                yield event.value if event.value == b"lost" else Out(b"k", event.value)
        finally:
            left.append("frame")

    held = []

    def hold(stream: Stream, tables: Tables) -> AsyncIterator[object]:
        held.append(agent(stream, tables))
        return held[-1]

    await Bench(stage_of(hold)).compute(record(1, b"a"), record(2, b"lost"))
    assert ["frame", "frame"] == left


async def test_a_spent_budget_leaves_the_rest() -> None:
    """Mutation tried: no look at the budget: fails."""
    bench = Bench(stage_of(relay, budget_ms=0))
    done = await bench.compute(*(record(number) for number in range(5)))
    assert 1 == done.taken
    assert 1 == len(bench.written)


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def test_the_event_loop_turns_after_each_slice_of_a_long_batch() -> None:
    """Mutation tried: no `breathe` in the stream: fails (20 records in one turn)."""
    turn, turns = 0, []

    async def agent(stream: Stream, tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            busy(SLICE_S / 4)
            turns.append(turn)
            tables["counts"].put(event.key, turn)
        yield Out(None, b"")

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count_turns())
    await Bench(stage_of(agent)).compute(*(record(number) for number in range(20)))
    counter.cancel()
    assert 20 == len(turns)
    assert 5 >= max(turns.count(one) for one in turns)


async def test_the_event_loop_turns_while_one_record_fans_out() -> None:
    """Mutation tried: looking at the slice only when a record is pulled: fails (20 in one turn)."""
    turn, turns = 0, []

    async def agent(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            for _ in range(20):
                busy(SLICE_S / 4)
                turns.append(turn)
                yield Out(event.key, event.value)

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count_turns())
    await Bench(stage_of(agent)).compute(record(1))
    counter.cancel()
    assert 20 == len(turns)
    assert 5 >= max(turns.count(one) for one in turns)


async def test_an_agent_is_not_run_without_events() -> None:
    async def agent(_stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        yield Out(None, b"out of nothing")

    bench = Bench(stage_of(agent))
    assert 0 == (await bench.compute()).taken
    assert [] == bench.written


async def test_timers_are_decoded_by_their_route() -> None:
    bench = Bench(stage_of(relay))
    await bench.compute(due_timer(5, b"tick"))
    assert [b"tick"] == bench.bodies
    assert TIMER is bench.stage.timer
