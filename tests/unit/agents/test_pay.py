"""What a message costs goes with its call, and into the fact of its sending."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.deliver import deliver
from agents.heed import Memory
from schemas.records import AttemptEnded, CallEnded, CostIncurred, Provider, ProviderCall, RetryDue
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import T0, TASK

SMS = replace(TASK, channel="sms", segments=2)
SMSC = Provider(name="smsc", channel_type="sms", kind="smsc", priority=2, cost_per_message="3.5")
FREE = Provider(name="free", channel_type="sms", kind="fake_sms")
CALL = ProviderCall(task=SMS, provider="smsc", cost=7_000_000, is_limited=True)
ANSWERS = {
    "accepted": [("sent", 7_000_000)],
    "delivered": [("sent", 7_000_000), ("delivered", None)],
    "permanent": [("failed", None)],
    "hidden": [("unknown", None)],
}


async def outcomes(value: object, *providers: Provider) -> list[object]:
    memory, reference = Memory(MemoryTable(), MemoryTable()), MemoryReference(active=list(providers))
    stream = FakeStream([FakeEvent(value)], now=T0)
    return [one async for one in deliver(stream, memory, reference)]


@pytest.mark.spec("NS-OPS-OP-12")
async def test_a_call_bears_what_it_will_cost() -> None:
    assert [CALL] == await outcomes(SMS, SMSC, FREE)


async def test_a_call_of_a_provider_without_a_price_bears_none() -> None:
    assert [ProviderCall(task=SMS, provider="free")] == await outcomes(SMS, FREE)


@pytest.mark.spec("NS-OPS-OP-12")
@pytest.mark.parametrize("verdict", ANSWERS)
async def test_only_what_a_provider_took_has_a_cost(verdict: str) -> None:
    dearer = replace(SMSC, cost_per_message="9")
    held = replace(CALL, task=replace(SMS, unknown_policy="hold"))
    facts = await outcomes(CallEnded(call=held, verdict=verdict), dearer)
    assert ANSWERS[verdict] == [(one.status, one.cost) for one in facts if isinstance(one, AttemptEnded)]


async def test_the_next_provider_has_a_price_of_its_own() -> None:
    other = replace(SMSC, name="dear", priority=1, cost_per_message="4")
    found = await outcomes(CallEnded(call=CALL, verdict="temporary"), SMSC, other)
    assert [("dear", 8_000_000)] == [
        (one.provider, one.cost) for one in found if isinstance(one, ProviderCall)
    ]


async def test_a_question_keeps_the_cost_of_what_it_is_about() -> None:
    asking = replace(CALL, task=replace(SMS, unknown_policy="ask"))
    dearer = replace(SMSC, cost_per_message="9")
    found = await outcomes(CallEnded(call=asking, verdict="hidden"), dearer)
    (question,) = [one for one in found if isinstance(one, ProviderCall)]
    (sent,) = await outcomes(CallEnded(call=question, verdict="accepted"), dearer)
    assert isinstance(sent, AttemptEnded)
    assert (True, 7_000_000, 7_000_000) == (question.ask, question.cost, sent.cost)


async def test_a_question_that_is_put_again_keeps_it_too_and_has_none_of_its_own() -> None:
    """Mutation: the price of the moment."""
    asking = replace(CALL, ask=True, task=replace(SMS, unknown_policy="ask"))
    (later,) = await outcomes(CallEnded(call=asking, verdict="temporary"), SMSC)
    dearer = replace(SMSC, cost_per_message="9")
    (again,) = await outcomes(later, dearer)
    (without,) = await outcomes(RetryDue(task=SMS, due_at=T0, ask="smsc"), dearer)
    assert isinstance(again, ProviderCall)
    assert isinstance(without, ProviderCall)
    assert (7_000_000, None) == (again.cost, without.cost)


@pytest.mark.spec("NS-OPS-OP-12")
@pytest.mark.parametrize("verdict", ["accepted", "delivered", "hidden"])
async def test_what_may_have_to_be_paid_for_is_told_by_scope_once_for_a_batch(verdict: str) -> None:
    held = replace(CALL, task=replace(SMS, unknown_policy="hold", campaign_label="spring"))
    memory, reference = Memory(MemoryTable(), MemoryTable()), MemoryReference(active=[SMSC])
    stream = FakeStream([FakeEvent(CallEnded(call=held, verdict=verdict))] * 2, now=T0)
    found = [one async for one in deliver(stream, memory, reference) if isinstance(one, CostIncurred)]
    scopes = ["sms", "sms/smsc", "campaign/spring"]
    assert [CostIncurred(of=of, cost=14_000_000, at=T0) for of in scopes] == found


@pytest.mark.parametrize("verdict", ["temporary", "permanent", "limited", "misconfigured", "lapsed"])
async def test_what_no_provider_took_costs_nothing(verdict: str) -> None:
    found = await outcomes(CallEnded(call=CALL, verdict=verdict), SMSC)
    assert [] == [one for one in found if isinstance(one, CostIncurred)]


async def test_the_answer_to_a_question_costs_nothing_more() -> None:
    found = await outcomes(CallEnded(call=replace(CALL, ask=True), verdict="accepted"), SMSC)
    assert [] == [one for one in found if isinstance(one, CostIncurred)]
