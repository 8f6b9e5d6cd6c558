"""A budget on the real stages: what it pays for goes out with its cost, the rest falls back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.add_up import add_up
from agents.deliver import deliver
from agents.heed import Memory
from agents.serve import Choice
from connectors.purse import Purse
from schemas.codec import Decoder, encode
from schemas.records import (
    AttemptEnded,
    CallEnded,
    CostIncurred,
    Device,
    MessageRow,
    Provider,
    ProviderCall,
    SendTask,
    SpendingBudget,
    SpendingSummed,
)
from schemas.topics import OUTCOMES, ROWS
from streams.telling import SINK_RECORDS
from tests.budgets import MILLION, purse_of
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.pipeline.fallback_line import Line
from tests.requests import ALARM, REGISTERED, REQUEST

PEOPLE, PAID_FOR = 12, 5
PUSH = Provider(name="paid", channel_type="push", kind="fake_push", cost_per_message="1")


async def asked() -> Line:
    """Everybody is to get a push."""
    line = Line()
    for number in range(PEOPLE):
        devices = [Device(token=b"sealed:%d" % number, platform="ios")]
        named = {
            "user_id": f"user-{number}",
            "request_id": f"request-{number}",
            "idempotency_key": f"{number}",
        }
        line.tell(replace(REGISTERED, user_id=f"user-{number}", devices=devices))
        line.tell(replace(REQUEST, **named, notification_type=ALARM.code, origin=f"t/0/{number}"))
    await line.run()
    return line


async def delivered(line: Line, purse: Purse, *, is_mandatory: bool = False) -> list[CostIncurred]:
    """All pushes in batches of the real agent, and its calls; what they cost."""

    async def perform(call: ProviderCall) -> CallEnded:
        return CallEnded(call=call, verdict="accepted")

    kind = replace(ALARM, is_mandatory=is_mandatory)
    memory, reference = Memory(MemoryTable(), MemoryTable()), MemoryReference(types=[kind], active=[PUSH])
    values: list[SendTask | CallEnded] = [*line.tasks("push")]
    costs: list[CostIncurred] = []
    while values:
        stream = FakeStream([FakeEvent(value) for value in values], now=line.now)
        outcomes: list[Any] = [one async for one in deliver(stream, memory, reference, Choice(purse=purse))]
        line.topics[OUTCOMES] += [encode(one) for one in outcomes if isinstance(one, AttemptEnded)]
        costs += [one for one in outcomes if isinstance(one, CostIncurred)]
        values = [await purse.paying(perform)(one) for one in outcomes if isinstance(one, ProviderCall)]
    return costs


def last_rows(line: Line) -> dict[str, MessageRow]:
    read = Decoder(*SINK_RECORDS)
    rows = [row for raw in line.topics[ROWS] if isinstance(row := read(raw), MessageRow)]
    return {row.message_id: row for row in rows if row.channel == "push"}


@pytest.mark.spec("NS-OPS-116 NS-OPS-OP-12 NS-DATA-OP-14")
async def test_a_budget_pays_for_five_pushes_and_the_others_fall_back_to_a_text_at_once() -> None:
    """All twelve are intended in one batch, while there is room for each of them alone."""
    line = await asked()
    purse = purse_of(SpendingBudget(of="push", per_day=str(PAID_FOR)))
    costs = await delivered(line, purse)
    await line.run()
    rows = last_rows(line).values()
    assert PEOPLE == len(rows)
    assert [("sent", MILLION, None)] * PAID_FOR == [
        (row.status, row.cost, row.reason) for row in rows if row.cost is not None
    ]
    skipped = [(row.status, row.reason, row.detail) for row in rows if row.cost is None]
    assert [("skipped", "budget_spent", "push per_day")] * (PEOPLE - PAID_FOR) == skipped
    assert PEOPLE - PAID_FOR == len(line.tasks("sms"))
    summed = await sums(costs)
    assert {"push": PAID_FOR * MILLION, "push/paid": PAID_FOR * MILLION} == summed


@pytest.mark.spec("NS-OPS-OP-12")
async def test_of_a_mandatory_type_all_go_out_beyond_the_budget_and_are_counted() -> None:
    line = await asked()
    purse = purse_of(SpendingBudget(of="push", per_day=str(PAID_FOR)))
    costs = await delivered(line, purse, is_mandatory=True)
    await line.run()
    assert ["sent"] * PEOPLE == [row.status for row in last_rows(line).values()]
    assert PEOPLE * MILLION == (await sums(costs))["push"]


async def sums(costs: list[CostIncurred]) -> dict[str, int]:
    stream = FakeStream([FakeEvent(cost) for cost in costs], now=0)
    table = MemoryTable[bytes, SpendingSummed]()
    return {one.of: one.in_all async for one in add_up(stream, table)}
