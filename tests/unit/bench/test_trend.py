"""What counts as growth: a line that rises beyond share, noise and floor; and what has shrunk."""

from __future__ import annotations

import random

import pytest

from bench.soak_series import FLAT, GROWS, SERIES, STAYS, Look, found
from bench.trend import left_over, thinned, trend

TIMES = range(0, 600, 2)


def line(start: float, per_second: float, noise: float = 0.0) -> list[tuple[float, float]]:
    dice = random.Random(7)  # noqa: S311 - the same noise each time
    return [(float(at), start + per_second * at + dice.uniform(-noise, noise)) for at in TIMES]


def test_a_slope_is_that_of_the_second_half_per_hour() -> None:
    first = [(at, 100 + at) for at, _ in line(0, 0)[:150]]
    second = [(at, 500 + 2 * at) for at, _ in line(0, 0)[150:]]
    assert pytest.approx(7_200) == trend([*first, *second], 1).per_hour


def test_a_leak_grows_and_a_flat_series_does_not() -> None:
    assert trend(line(100, 0.05), 1).grows
    assert not trend(line(100, 0), 1).grows


def test_what_warms_up_in_the_first_half_does_not_grow() -> None:
    assert not trend([(at, min(at, 250.0)) for at, _ in line(0, 0)], 1).grows


def test_a_rise_within_the_noise_is_none() -> None:
    assert not trend(line(100, 0.03, noise=30), 1).grows
    assert trend(line(100, 0.03), 1).grows


def test_a_rise_below_the_floor_is_none() -> None:
    assert not trend(line(1, 0.01), 4).grows
    assert trend(line(1, 0.02), 4).grows


def test_a_rise_of_a_small_share_is_none() -> None:
    assert not trend(line(1_000, 0.09), 1).grows
    assert trend(line(1_000, 0.2), 1).grows


def test_a_few_wild_samples_do_not_make_a_leak() -> None:
    points = line(100, 0)
    assert not trend([*points[:-5], *((at, 900.0) for at, _ in points[-5:])], 1).grows


def test_a_saw_tooth_does_not_grow() -> None:
    assert not trend([(at, 50 + at % 60) for at, _ in line(0, 0)], 1).grows


def test_what_is_left_is_the_last_sample_as_a_share() -> None:
    assert pytest.approx(0.1) == left_over(200, [(0, 200), (10, 20)])
    assert left_over(0, [(0, 0.0)]) == 0


@pytest.mark.parametrize("many", [1, 2, 99, 100, 101, 1_000])
def test_thinned_points_are_few_and_hold_the_last(many: int) -> None:
    points = [(float(at), 0.0) for at in range(many)]
    kept = thinned(points, 100)
    assert len(kept) <= 100
    assert points[-1] == kept[-1]


def looks(**values: float) -> list[Look]:
    """A feed of 600 s with these values, and after it those named `last_…`; others are 1 and then 0."""
    usual = {one.name: values.get(one.name, 1.0) for one in SERIES}
    last = {one.name: values.get(f"last_{one.name}", 0.0) for one in SERIES}
    return [
        *(Look(float(at), usual) for at in TIMES),
        *(Look(float(at), last) for at in range(602, 1_200, 2)),
    ]


def verdicts(samples: list[Look]) -> dict[str, str]:
    return {one.series.name: one.verdict for one in found(samples, 600.0)}


def test_a_run_in_which_all_is_well_is_flat() -> None:
    assert {one.name: FLAT for one in SERIES} == verdicts(looks())


def test_what_ttls_should_empty_and_do_not_is_told() -> None:
    seen = verdicts(looks(stores=40.0, last_stores=30.0, worker_memory=200.0, last_worker_memory=200.0))
    assert {STAYS} == {seen["stores"]}
    assert {"stores"} == {name for name, verdict in seen.items() if verdict != FLAT}


def test_growth_is_judged_during_the_feed_only() -> None:
    growing = [
        Look(look.at, {**look.values, "worker_files": look.at, "lag": look.at if look.at > 600 else 1.0})
        for look in looks()
    ]
    seen = verdicts(growing)
    assert (GROWS, FLAT) == (seen["worker_files"], seen["lag"])
