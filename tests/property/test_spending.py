"""Several workers spend of one budget: nothing is forgotten, and what is spent beyond it is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.add_up import add_up
from agents.deliver import deliver
from agents.heed import Memory
from agents.serve import Choice
from connectors.purse import Purse
from schemas.records import CallEnded, CostIncurred, ProviderCall, SpendingBudget, SpendingSummed
from tests.budgets import CHEAP, DEAR, KIND, MILLION, SMS, Clock, purse_of
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable

BUDGET = SpendingBudget(of="sms", per_day="20")
MOST = 20 * MILLION
WORKERS = 3
VERDICTS = ["accepted", "delivered", "hidden", "permanent", "temporary"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, WORKERS - 1), st.sampled_from(VERDICTS)),
        st.tuples(st.just("sum"), st.just(0), st.just("")),
        st.tuples(st.just("hear"), st.integers(0, WORKERS - 1), st.just("")),
        st.tuples(st.just("restart"), st.integers(0, WORKERS - 1), st.just("")),
    ),
    max_size=60,
)
Steps = list[tuple[str, int, str]]


class Play:
    """Workers, the stage that sums, and what lies between. `paid`: costs of calls that may be billed."""

    def __init__(self, *, is_mandatory: bool = False) -> None:
        self.clock = Clock()
        self.reference = MemoryReference(
            types=[replace(KIND, is_mandatory=is_mandatory)], active=[CHEAP, DEAR]
        )
        self.purses = [self._purse() for _ in range(WORKERS)]
        self.paid: list[int] = []
        self.costs: list[CostIncurred] = []
        self.sums: list[SpendingSummed] = []
        self.heard = [0] * WORKERS
        self.table = MemoryTable[bytes, SpendingSummed]()
        self.statuses: list[str] = []

    async def run(self, steps: Steps) -> None:
        for step, worker, verdict in steps:
            self.clock.now += 1_000
            match step:
                case "send":
                    await self.send(worker, verdict)
                case "sum":
                    await self.sum_up()
                case "hear":
                    self.hear(worker)
                case _:
                    self.purses[worker] = self._purse()
                    self.heard[worker] = 0
                    self.hear(worker)

    async def send(self, worker: int, verdict: str) -> None:
        """One message, to its end or to its first timer."""
        values: list[Any] = [SMS]
        while values:
            outcomes = await self._decided(worker, values.pop())
            for one in outcomes:
                if isinstance(one, CostIncurred):
                    self.costs.append(one)
                elif isinstance(one, ProviderCall):
                    values.append(await self._called(worker, one, verdict))
                elif hasattr(one, "status"):
                    self.statuses.append(one.status)

    async def sum_up(self) -> None:
        events = [FakeEvent(cost, at=self.clock.now) for cost in self.costs]
        self.costs.clear()
        self.sums += [one async for one in add_up(FakeStream(events, now=self.clock.now), self.table)]

    def hear(self, worker: int) -> None:
        for one in self.sums[self.heard[worker] :]:
            self.purses[worker].summed(one)
        self.heard[worker] = len(self.sums)

    def _purse(self) -> Purse:
        return purse_of(BUDGET, clock=self.clock)

    async def _decided(self, worker: int, value: Any) -> list[Any]:
        memory, choice = Memory(MemoryTable(), MemoryTable()), Choice(purse=self.purses[worker])
        stream = FakeStream([FakeEvent(value)], now=self.clock.now)
        return [one async for one in deliver(stream, memory, self.reference, choice)]

    async def _called(self, worker: int, call: ProviderCall, verdict: str) -> CallEnded:
        async def perform(asked: ProviderCall) -> CallEnded:
            if verdict in {"accepted", "delivered", "hidden"}:
                self.paid.append(asked.cost or 0)
            held = replace(asked, task=replace(asked.task, unknown_policy="hold"))
            return CallEnded(call=held, verdict=verdict)

        return await self.purses[worker].paying(perform)(call)


def played(steps: Iterable[tuple[str, int, str]], *, is_mandatory: bool = False) -> Play:
    play = Play(is_mandatory=is_mandatory)
    asyncio.run(play.run(list(steps)))
    asyncio.run(play.sum_up())
    return play


@pytest.mark.spec("NS-OPS-OP-12")
@given(STEPS)
def test_the_sum_is_that_of_all_costs_whoever_died(steps: Steps) -> None:
    play = played(steps)
    summed = play.table.get(b"sms")
    assert sum(play.paid) == (summed.in_all if summed else 0)


@pytest.mark.spec("NS-OPS-OP-12")
@given(STEPS)
def test_a_budget_is_exceeded_by_what_others_spend_unheard_at_most(steps: Steps) -> None:
    """Without restarts, each worker stops by itself at the budget, whatever it hears or not."""
    assert sum(played([one for one in steps if one[0] != "restart"]).paid) <= WORKERS * MOST


@pytest.mark.spec("NS-OPS-OP-12")
@given(STEPS)
def test_where_each_sum_is_heard_at_once_no_budget_is_exceeded(steps: Steps) -> None:
    """Restarts as well: what was spent is in the sums."""
    everybody = [("hear", worker, "") for worker in range(WORKERS)]
    heard = [each for step in steps for each in (step, ("sum", 0, ""), *everybody)]
    assert sum(played(heard).paid) <= MOST


@pytest.mark.spec("NS-OPS-OP-12")
@given(STEPS)
def test_one_worker_alone_never_exceeds_a_budget(steps: Steps) -> None:
    alone = [(step, 0, verdict) for step, _, verdict in steps if step != "restart"]
    assert sum(played(alone).paid) <= MOST


@pytest.mark.spec("NS-OPS-OP-12")
@given(STEPS)
def test_what_is_mandatory_always_passes(steps: Steps) -> None:
    play = played(steps, is_mandatory=True)
    assert sum(step == "send" and verdict in VERDICTS[:3] for step, _, verdict in steps) == len(play.paid)
    assert "skipped" not in play.statuses
