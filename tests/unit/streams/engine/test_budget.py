"""When a batch ends before its last event: for what is urgent, and for its budget (promise 3, rule 13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.engine import batch, compute, turns
from streams.engine.api import Input, Stream, Tables
from streams.engine.batch import RIDE_S
from tests.unit.streams.engine.desks import Bench, Out, decode, record, stage_of
from tests.unit.streams.engine.lives import turns as let_turn

TWO_INPUTS = (Input("high", decode, 0, urgent=True), Input("in", decode, 1))


class Clock:
    """A second passes only when somebody is `busy`."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def busy(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (batch, compute, turns):
        monkeypatch.setattr(module, "time", made)
    return made


class Slow:
    """An agent of which each record takes 0.3 of what bulk may take beside what is urgent."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.came: list[str] = []

    async def __call__(self, stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            self.clock.busy(RIDE_S * 0.3)
            self.came.append(event.topic)
            yield Out(event.key, b"")


async def test_a_bulk_batch_ends_early_once_something_urgent_waits_behind_it(clock: Clock) -> None:
    """It is seen when the loop has turned: between two slices of 5 ms, each two records of 3 ms.

    Mutation tried: the budget alone: fails (all 20).
    """
    slow = Slow(clock)
    bench = Bench(stage_of(slow, inputs=TWO_INPUTS), urgent=lambda: len(slow.came) > 6)
    done = await bench.compute(*(record(number) for number in range(20)))
    assert 8 == done.taken


async def test_bulk_rides_for_a_moment_in_a_batch_with_urgent_records_which_it_never_cuts(
    clock: Clock,
) -> None:
    """Mutations tried: no ride, or all of it: fails; urgent records cut too: fails."""
    bench = Bench(stage_of(Slow(clock), inputs=TWO_INPUTS), urgent=lambda: True)
    bulk = [record(number) for number in range(10)]
    done = await bench.compute(*(record(number, topic="high") for number in range(6)), *bulk)
    assert 6 == done.taken
    done = await bench.compute(record(7, topic="high"), *bulk)
    assert 1 + 3 == done.taken


async def test_the_share_of_bulk_among_urgent_records_does_not_end_their_batch(clock: Clock) -> None:
    """A flood of urgent records in small batches would wait for five times as many transactions.

    Mutation tried: the batch ends at any record that is not urgent: fails (5 of the first 8).
    """
    bench = Bench(stage_of(Slow(clock), inputs=TWO_INPUTS), urgent=lambda: True)
    topics = ["high", "high", "in", "high", "high", "in", "high", "high", *["in"] * 10]
    done = await bench.compute(*(record(number, topic=topic) for number, topic in enumerate(topics)))
    assert 8 == done.taken


async def test_a_budget_is_the_batchs_own_time(clock: Clock) -> None:
    """What others take of the loop between two slices would make batches small just when there is much to do.

    Mutation tried: wall time: fails (the first slice is all).
    """
    slow = Slow(clock)
    bench = Bench(stage_of(slow, budget_ms=RIDE_S * 0.3 * 8 * 1000))

    async def other() -> None:
        async with bench.turns.turn(lambda: False) as turn:
            while len(slow.came) < 8:
                clock.busy(RIDE_S)
                await turn.pass_on()

    others = asyncio.create_task(other())
    await let_turn(2)
    done = await bench.compute(*(record(number) for number in range(20)))
    await others
    assert 8 <= done.taken <= 9


async def test_slow_transactions_make_longer_batches(clock: Clock) -> None:
    """Where one takes a second, batches of a tenth of that bring a tenth of what the brokers could carry.

    Mutations tried: the budget not lengthened: fails; the ride of bulk not: fails; as long however many tasks
    share the loop: fails; without an end: fails.
    """
    records = [record(number) for number in range(1_000)]
    bench = Bench(stage_of(Slow(clock), inputs=TWO_INPUTS, budget_ms=RIDE_S * 0.3 * 8 * 1000))
    done = await bench.compute(*records)
    assert 8 <= done.taken <= 9
    bench.commit_s = 0.3
    done = await bench.compute(*records)
    assert 100 <= done.taken <= 101
    bench.urgent = lambda: True
    bench.turns.members = 5
    done = await bench.compute(record(7, topic="high"), *records)
    assert 10 <= done.taken <= 12
    bench.turns.members = 50
    done = await bench.compute(record(7, topic="high"), *records)
    assert 4 == done.taken
    bench.commit_s = 60.0
    bench.urgent = lambda: False
    done = await bench.compute(*records)
    assert 166 <= done.taken <= 168
