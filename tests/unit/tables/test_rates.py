"""One rate of one account, shared out: who gets the next call, and what nobody gets twice (NS-CH-OP-03)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.rates import LONGEST_PAUSE_MS, Rate
from schemas.records import RateDemanded
from tables.rates import AGAIN_MS, SILENT_MS, TICK_MS, Budget

TEN = Rate(10, 1_000)
SIX_A_MINUTE = Rate(6, 60_000)
T0 = 1_700_000_000_000
ASKED = RateDemanded(account="sms/a", worker="w", number=1, high=0, others=0, seen=0, back=0)


def report(worker: str = "w", number: int = 1, **figures: int) -> RateDemanded:
    return replace(ASKED, worker=worker, number=number, **figures)


def heard(*reports: RateDemanded, budget: Budget | None = None, at: int = T0) -> Budget:
    budget = budget or Budget(credited_at=at)
    for each in reports:
        budget = budget.heard(each, TEN, at)
    return budget


def test_who_waits_gets_what_the_rate_allows_and_no_more() -> None:
    shared = heard(report(others=5)).shared(TEN, T0 + 100)
    assert ({"w": 1}, T0 + 200) == (shared.totals, shared.due_at)
    assert ({"w": 2}, T0 + 300) == shared.budget.shared(TEN, T0 + 200)[1:]


def test_credit_is_saved_for_a_quarter_of_a_second_and_no_longer() -> None:
    """Mutation tried: saved without end: fails, 100 calls at once."""
    assert {"w": 2} == heard(report(others=100)).shared(TEN, T0 + 2_900).totals


def test_of_a_slow_rate_one_call_is_saved() -> None:
    shared = heard(report(others=3)).shared(SIX_A_MINUTE, T0 + 2_000)
    assert ({}, T0 + 10_000) == (shared.totals, shared.due_at)
    later = shared.budget.heard(report(number=2, others=3), SIX_A_MINUTE, T0 + 60_000)
    assert {"w": 1} == later.shared(SIX_A_MINUTE, T0 + 60_000).totals


def test_nothing_is_granted_to_who_does_not_wait_and_no_timer_is_set() -> None:
    assert ({}, None) == heard(report()).shared(TEN, T0 + 1_000)[1:]


@pytest.mark.spec("NS-CH-OP-03")
def test_the_high_lane_goes_first_wherever_its_calls_wait() -> None:
    budget = heard(report("a", others=9), report("b", others=9), report("c", others=9, high=2))
    assert {"c": 2} == budget.shared(TEN, T0 + 1_000).totals


def test_others_get_their_calls_in_turns() -> None:
    budget = heard(*(report(name, others=50) for name in "abc"))
    given: dict[str, int] = {}
    for at in range(T0 + 100, T0 + 700, 100):
        shared = budget.shared(TEN, at)
        budget, given = shared.budget, given | shared.totals
    assert {"a": 2, "b": 2, "c": 2} == given


def test_what_nobody_wants_any_more_is_passed_on() -> None:
    budget = heard(report("a", others=9), report("b", others=9)).shared(TEN, T0 + 100).budget
    budget = heard(report("a", 2, others=0, seen=1), budget=budget, at=T0 + 150)
    assert {"b": 1} == budget.shared(TEN, T0 + 200).totals


def test_what_is_under_way_covers_demand_until_it_is_seen() -> None:
    """Mutation tried: not: fails, one call that waits gets a grant each time."""
    shared = heard(report(others=1)).shared(TEN, T0 + 100)
    assert {} == shared.budget.shared(TEN, T0 + 200).totals
    budget = heard(report(number=2, others=1, seen=1), budget=shared.budget, at=T0 + 200)
    assert {"w": 2} == budget.shared(TEN, T0 + 300).totals


def test_a_worker_that_does_not_hear_gets_half_a_second_ahead_and_the_rest_goes_to_others() -> None:
    """So one that hears again makes no more calls at once. Mutation tried: no bound: fails."""
    budget = heard(report("a", others=90))
    given: dict[str, int] = {}
    for at in range(T0 + 100, T0 + 2_000, 100):
        shared = budget.shared(TEN, at)
        budget, given = shared.budget, given | shared.totals
    assert {"a": 5} == given


def test_a_report_again_or_an_older_one_changes_nothing() -> None:
    once = heard(report(number=2, others=3))
    assert once == heard(report(number=2, others=3), report(number=1, others=9), budget=once, at=T0 + 50)


def test_what_is_handed_back_is_granted_again_at_once() -> None:
    budget = heard(report("a", others=1)).shared(TEN, T0 + 100).budget
    budget = heard(report("a", 2, seen=1, back=1), report("b", others=1), budget=budget, at=T0 + 110)
    assert {"b": 1} == budget.shared(TEN, T0 + 110).totals


def test_a_silent_worker_is_forgotten_and_what_it_was_granted_is_lost() -> None:
    budget = heard(report("dead", others=1)).shared(TEN, T0 + 100).budget
    budget = heard(report("b", others=9), budget=budget, at=T0 + SILENT_MS)
    shared = budget.shared(TEN, T0 + SILENT_MS)
    assert (["b"], {"b": 2}) == (list(shared.budget.leases), shared.totals)


def test_a_worker_that_was_forgotten_goes_on_from_what_it_has_seen() -> None:
    budget = heard(report(number=7, others=1, seen=41, back=3))
    assert {"w": 42} == budget.shared(TEN, T0 + 100).totals


def test_a_grant_that_was_not_seen_is_told_again_and_is_the_same_grant() -> None:
    budget = heard(report(others=1)).shared(TEN, T0 + 100).budget
    budget = heard(report(number=2, others=1), budget=budget, at=T0 + 100 + AGAIN_MS)
    assert {} == budget.shared(TEN, T0 + 99 + AGAIN_MS).totals
    assert {"w": 1} == budget.shared(TEN, T0 + 100 + AGAIN_MS).totals


def test_a_pause_that_the_provider_asked_for_holds_for_all_and_ends_by_itself() -> None:
    budget = heard(report("a", others=9, paused_until=T0 + 5_000), report("b", high=9))
    shared = budget.shared(TEN, T0 + 1_000)
    assert ({}, T0 + 5_000) == (shared.totals, shared.due_at)
    budget = heard(report("b", 2, high=9), budget=shared.budget, at=T0 + 5_000)
    assert {"b": 2} == budget.shared(TEN, T0 + 5_000).totals


def test_a_provider_that_asks_for_a_day_gets_an_hour() -> None:
    assert T0 + LONGEST_PAUSE_MS == heard(report(paused_until=T0 + 86_400_000)).paused_until


def test_one_timer_is_enough() -> None:
    first = heard(report(others=9)).shared(TEN, T0)
    again = first.budget.shared(TEN, T0 + 50)
    assert (T0 + 100, None) == (first.due_at, again.due_at)


def test_looks_are_some_time_apart_however_fast_the_rate_is() -> None:
    fast = Rate(1_000, 1_000)
    assert T0 + TICK_MS == heard(report(others=900)).shared(fast, T0).due_at


def test_a_clock_that_goes_back_brings_no_credit() -> None:
    shared = heard(report(others=9)).shared(TEN, T0 - 60_000)
    assert ({}, T0 - 60_000) == (shared.totals, shared.budget.credited_at)
