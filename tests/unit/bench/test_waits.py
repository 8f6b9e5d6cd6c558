"""Percentiles are waits that occurred, and a curve shows only what enough waits can show."""

from __future__ import annotations

import pytest

from bench.waits import at_share, curve, distribution, key_of


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.01, 1.0), (0.07, 7.0), (0.29, 29.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)],
)
def test_a_percentile_is_the_wait_that_the_share_does_not_exceed(share: float, expected: float) -> None:
    assert expected == at_share([float(wait) for wait in range(1, 101)], share)


def test_of_one_wait_every_percentile_is_that_wait() -> None:
    assert [7.0, 7.0, 7.0] == [at_share([7.0], share) for share in (0.001, 0.5, 1.0)]


def test_the_order_of_the_waits_does_not_matter() -> None:
    assert distribution([3.0, 1.0, 2.0]) == distribution([1.0, 2.0, 3.0])
    assert 2.0 == distribution([3.0, 1.0, 2.0])[key_of(0.5)]


def test_the_tail_of_few_waits_is_not_told_but_the_longest_is() -> None:
    few, many = distribution([float(n) for n in range(100)]), distribution([float(n) for n in range(1_000)])
    assert (True, False) == (key_of(0.99) in few, key_of(0.999) in few)
    assert (99.0, 998.0, 999.0) == (few[key_of(1)], many[key_of(0.999)], many[key_of(1)])


def test_no_waits_have_no_distribution() -> None:
    assert {} == distribution([])
    assert [] == curve({"subject": "nothing came"})


def test_the_curve_of_a_row_rises_to_all() -> None:
    points = curve({"subject": "high", **distribution(float(n) for n in range(5_000))})
    assert points == sorted(points)
    assert (4_999.0, 1.0) == points[-1]
