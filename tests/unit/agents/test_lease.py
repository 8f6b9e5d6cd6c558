"""The rates stage: a batch of reports, and what is granted once all are heard."""

from __future__ import annotations

from typing import Any

from agents.lease import lease
from schemas.records import Provider, RateDemanded, RateDue, RateGranted
from tables.rates import Budget
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable

NOW = 1_700_000_000_000
LIMITED = Provider(name="a", channel_type="sms", kind="fake_sms", rate_limit=10)


def asks(worker: str, account: str = "sms/a", **figures: int) -> RateDemanded:
    given = {"high": 0, "others": 0, "seen": 0, "back": 0, **figures}
    return RateDemanded(account=account, worker=worker, number=1, **given)


async def played(*values: Any, budgets: MemoryTable[bytes, Budget] | None = None) -> list[Any]:
    budgets = MemoryTable() if budgets is None else budgets
    free = Provider(name="free", channel_type="sms", kind="fake_sms")
    stream = FakeStream([FakeEvent(value) for value in values], NOW)
    reference = MemoryReference(active=[LIMITED, free])
    return [outcome async for outcome in lease(stream, budgets, reference)]


async def test_all_reports_of_a_batch_are_heard_before_any_is_granted() -> None:
    """Mutation tried: shared out after each: fails, bulk that was heard first gets both."""
    granted = await played(asks("bulk", others=9), asks("otp", high=2))
    assert [
        RateGranted(account="sms/a", worker="otp", granted=2),
        RateDue(account="sms/a", due_at=NOW + 50),
    ] == granted


async def test_a_timer_goes_on_where_the_reports_left_off() -> None:
    budgets: MemoryTable[bytes, Budget] = MemoryTable()
    await played(asks("w", others=9), budgets=budgets)
    rows = dict(budgets.rows)
    assert [b"sms/a"] == list(rows)
    budgets.rows[b"sms/a"] = (replaced(rows[b"sms/a"][0]), None)
    assert [
        RateGranted(account="sms/a", worker="w", granted=3),
        RateDue(account="sms/a", due_at=NOW + 100),
    ] == await played(RateDue(account="sms/a", due_at=NOW), budgets=budgets)


def replaced(budget: Budget) -> Budget:
    """As of 100 ms before, with no credit left and a timer for now."""
    return Budget(leases=budget.leases, credit=0, credited_at=NOW - 100, turns=2, due_at=NOW)


async def test_what_is_asked_of_a_provider_without_a_limit_or_of_none_is_passed_over() -> None:
    budgets: MemoryTable[bytes, Budget] = MemoryTable()
    reports = (asks("w", account, others=5) for account in ("sms/free", "sms/gone", "push/a"))
    assert [] == await played(*reports, budgets=budgets)
    assert {} == budgets.rows
