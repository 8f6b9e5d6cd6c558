"""The spending stage adds up costs by scope, each batch told once."""

from __future__ import annotations

from agents.add_up import add_up
from schemas.records import CostIncurred, SpendingSummed
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import T0


async def summed(table: MemoryTable[bytes, SpendingSummed], *costs: tuple[str, int]) -> dict[str, int]:
    events = [FakeEvent(CostIncurred(of=of, cost=cost, at=T0), at=T0) for of, cost in costs]
    told = [one async for one in add_up(FakeStream(events, now=T0), table)]
    assert len({one.of for one in told}) == len(told)
    return {one.of: one.in_all for one in told}


async def test_a_batch_tells_each_scope_once_and_the_next_one_goes_on_from_there() -> None:
    table = MemoryTable[bytes, SpendingSummed]()
    assert {"sms": 5, "sms/a": 2} == await summed(table, ("sms", 2), ("sms/a", 2), ("sms", 3))
    assert {"sms": 6} == await summed(table, ("sms", 1))
