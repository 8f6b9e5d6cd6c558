"""What one process still spends: the sums of all, and its own costs that are in no sum yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from connectors.budget_metrics import BudgetMetrics
from connectors.purse import UNHEARD_MS, Purse
from schemas.budgets import DAY_MS
from schemas.records import CallEnded, ProviderCall, SpendingBudget, SpendingSummed
from schemas.words import Verdict
from tests.budgets import MILLION, Clock, answered, paid, purse_of
from tests.messages import T0

DAILY = SpendingBudget(of="sms", per_day="10")
SCOPES = ("sms", "sms/cheap")
TODAY = T0 - T0 % DAY_MS


def summed(cost: int, heard_at: int = T0) -> SpendingSummed:
    return SpendingSummed(
        of="sms", day_at=TODAY, of_day=cost * MILLION, in_all=cost * MILLION, heard_at=heard_at
    )


def has_room(purse: Purse, cost: int, now: int = T0) -> bool:
    return purse.refused_by(SCOPES, cost * MILLION, now) is None


async def ended(purse: Purse, verdicts: Sequence[str], *, is_limited: bool = True) -> list[str]:
    """Calls of 3 each, one after the other, and how each ended."""

    async def perform(call: ProviderCall) -> CallEnded:
        return answered(call, left.pop(0))

    left = list(verdicts)
    paying = purse.paying(perform)
    return [(await paying(paid(is_limited=is_limited))).verdict for _ in verdicts]


@pytest.mark.spec("NS-OPS-116")
def test_a_sum_leaves_room_for_what_is_missing_to_the_budget() -> None:
    purse = purse_of(DAILY)
    purse.summed(summed(7))
    assert [True, False] == [has_room(purse, 3), has_room(purse, 4)]
    assert has_room(purse, 10, T0 + DAY_MS)
    assert "sms per_day" == purse.refused_by(SCOPES, 4 * MILLION, T0)


def test_without_a_budget_everything_has_room() -> None:
    assert has_room(purse_of(), 1_000_000)


@pytest.mark.spec("NS-OPS-OP-12")
async def test_nothing_is_begun_beyond_the_budget_while_nobody_sums() -> None:
    found = await ended(purse_of(DAILY), ["accepted", "hidden", "delivered", "accepted"])
    assert ["accepted", "hidden", "delivered", "lapsed"] == found


async def test_what_no_provider_took_costs_nothing() -> None:
    taken = [verdict for verdict in Verdict if verdict not in {"accepted", "delivered", "hidden"}]
    purse = purse_of(DAILY)
    await ended(purse, taken)
    assert has_room(purse, 10)


async def test_calls_under_way_take_their_room() -> None:
    purse, answer = purse_of(DAILY), asyncio.Event()

    async def perform(call: ProviderCall) -> CallEnded:
        await answer.wait()
        return answered(call, "permanent")

    paying = purse.paying(perform)
    calls = [asyncio.ensure_future(paying(paid())) for _ in range(3)]
    await asyncio.sleep(0)
    refused = await paying(paid())
    answer.set()
    await asyncio.gather(*calls)
    assert ("lapsed", True) == (refused.verdict, has_room(purse, 10))


@pytest.mark.spec("NS-OPS-OP-12")
async def test_what_is_mandatory_is_called_and_counted_beyond_the_budget() -> None:
    purse = purse_of(DAILY)
    assert ["accepted"] * 4 == await ended(purse, ["accepted"] * 4, is_limited=False)
    assert not has_room(purse, 1)


async def test_an_exception_of_a_call_leaves_its_cost_spent() -> None:
    async def perform(_call: ProviderCall) -> CallEnded:
        raise asyncio.CancelledError

    purse = purse_of(DAILY)
    with pytest.raises(asyncio.CancelledError):
        await purse.paying(perform)(paid(cost=10))
    assert not has_room(purse, 1)


async def test_own_costs_are_forgotten_when_a_sum_has_them_and_not_before() -> None:
    clock = Clock()
    purse = purse_of(DAILY, clock=clock)
    await ended(purse, ["accepted"])
    clock.now += 1_000
    await ended(purse, ["accepted"])
    purse.summed(summed(3, heard_at=T0 + 999))
    later = T0 + 1_000 + UNHEARD_MS
    assert [True, False] == [has_room(purse, 4, later), has_room(purse, 5, later)]
    purse.summed(summed(6, heard_at=T0 + 1_000))
    assert [True, False] == [has_room(purse, 4, later), has_room(purse, 5, later)]


async def test_a_sum_that_heard_of_others_later_does_not_take_ours_for_summed_at_once() -> None:
    """Two more were sent after each sum of another worker. Mutation: forgotten by its time."""
    purse = purse_of(DAILY)
    await ended(purse, ["accepted"])
    purse.summed(summed(5, heard_at=T0 + 60_000))
    assert [True, False] == [has_room(purse, 2), has_room(purse, 3)]
    assert [True, False] == [has_room(purse, 5, T0 + UNHEARD_MS), has_room(purse, 6, T0 + UNHEARD_MS)]


def test_a_sum_that_is_read_again_is_no_newer_one() -> None:
    purse = purse_of(DAILY)
    purse.summed(summed(7))
    purse.summed(summed(2))
    assert not has_room(purse, 4)


async def test_own_costs_of_yesterday_do_not_count_today() -> None:
    purse = purse_of(DAILY)
    await ended(purse, ["accepted"] * 3)
    assert has_room(purse, 10, TODAY + DAY_MS)


@pytest.mark.spec("NS-OPS-116 NS-OPS-OP-12")
def test_the_share_that_is_spent_and_refusals_are_shown_from_the_first_sum_on() -> None:
    registry, clock = CollectorRegistry(), Clock()
    purse = Purse({"sms": DAILY}.get, BudgetMetrics(registry), clock)
    labels = {"budget": "sms", "period": "per_day"}

    def shown() -> list[float | None]:
        names = ("carillon_budget_used_ratio", "carillon_budget_refusals_total")
        return [registry.get_sample_value(name, labels) for name in names]

    before = shown()
    purse.summed(summed(8))
    first = shown()
    has_room(purse, 3)
    second = shown()
    clock.now += DAY_MS
    assert ([None, None], [0.8, 0], [0.8, 1], [0, 1]) == (before, first, second, shown())
