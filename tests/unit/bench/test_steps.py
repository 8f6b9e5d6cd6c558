"""When a step of load breaks the budget, how rates grow, and which step counts."""

from __future__ import annotations

import pytest

from bench.load.steps import HELD, Budget, Options, last_held
from bench.sections import Row

BUDGET = Budget(share=0.99, most_ms=1_000.0)
GOOD: Row = {"asked": 100.0, "rate": 99.0, "unanswered": 0, "late_ms": 2.0, "p99_ms": 900.0, "behind_s": 0.2}


def test_rates_grow_by_the_factor_up_to_the_last() -> None:
    assert [1_000, 1_500, 2_250] == list(Options(most=3_000.0).rates(1_000.0))


def test_a_step_within_the_budget_holds() -> None:
    assert not BUDGET.broken(GOOD)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        ({"unanswered": 1}, "1 not answered"),
        ({"rate": 94.9}, "95% of the rate"),
        ({"late_ms": 501.0}, "the feeder was 501 ms late"),
        ({"p99_ms": 1_001.0}, "P99 1,001 ms"),
        ({"behind_s": 1.5}, "1.5 s of work waits"),
    ],
)
def test_each_way_to_break_the_budget_is_told(worse: Row, why: str) -> None:
    assert why == BUDGET.broken({**GOOD, **worse})


@pytest.mark.parametrize("edge", [{"rate": 95.0}, {"p99_ms": 1_000.0}, {"behind_s": 1.0}])
def test_what_just_reaches_the_budget_holds(edge: Row) -> None:
    assert not BUDGET.broken({**GOOD, **edge})


def test_another_share_is_judged_by_its_own_wait() -> None:
    assert "P95 30 ms" == Budget(share=0.95, most_ms=25.0).broken({**GOOD, "late_ms": 1.0, "p95_ms": 30.0})


def test_without_enough_requests_for_the_percentile_no_step_holds() -> None:
    few = {key: value for key, value in GOOD.items() if key != "p99_ms"}
    assert "too few requests to tell" == BUDGET.broken(few)


def test_a_step_of_which_nothing_came_is_broken_without_a_percentile() -> None:
    assert "500 not answered" == BUDGET.broken({"asked": 100.0, "rate": 0.0, "unanswered": 500})


def test_the_last_step_that_held_is_the_fastest_of_them() -> None:
    rows: list[Row] = [
        {"asked": 100.0, "budget": HELD},
        {"asked": 150.0, "budget": HELD},
        {"asked": 225.0, "budget": "P99 1,200 ms"},
    ]
    assert rows[1] == last_held(rows)
    assert last_held(rows[2:]) is None
