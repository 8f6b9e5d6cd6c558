"""Whatever workers count, in whatever order it is heard: one share, never nothing, whole again by itself."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from connectors.providers.punctuality import SLOT_MS, WINDOW_MS, Punctuality
from connectors.receipt_metrics import PunctualityMetrics
from connectors.receipt_times import ReceiptTimes
from schemas.punctuality import ReceiptsCounted
from tests.punctuality import BEGAN, JUDGED, TIMED, WITHIN_MS, counted, reported, sent

COUNTS = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (max(pair), min(pair)))
SLOTS = st.lists(COUNTS, min_size=1, max_size=8)
WORKERS = st.lists(SLOTS, min_size=1, max_size=4)
NOW = JUDGED + 7 * SLOT_MS
SENDINGS = st.lists(st.tuples(st.integers(0, 80_000), st.integers(0, 2 * WITHIN_MS)), max_size=60)


def told(workers: list[list[tuple[int, int]]]) -> list[ReceiptsCounted]:
    return [
        counted(
            *((BEGAN + place * SLOT_MS, *count) for place, count in enumerate(slots)),
            worker=str(number),
            told_at=NOW,
        )
        for number, slots in enumerate(workers)
    ]


def hearing(reports: list[ReceiptsCounted]) -> ReceiptTimes:
    times = ReceiptTimes("w", PunctualityMetrics(CollectorRegistry()), lambda: NOW)
    for each in reports:
        times.heard(each)
    return times


@given(COUNTS, st.integers(0, 60))
def test_a_share_is_one_of_four_and_no_less_for_one_more_in_time(count: tuple[int, int], more: int) -> None:
    sent_many, in_time = count
    one, two = Punctuality(sent_many, in_time), Punctuality(sent_many, min(in_time + more, sent_many))
    assert {one.share, two.share} <= {0.25, 0.5, 0.75, 1.0}
    assert one.share <= two.share


@given(WORKERS, st.randoms())
def test_repeats_and_any_order_of_workers_change_nothing(
    workers: list[list[tuple[int, int]]], random: Random
) -> None:
    reports = told(workers)
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    assert hearing(reports).share(TIMED, NOW) == hearing(shuffled).share(TIMED, NOW)


@given(WORKERS)
def test_it_does_not_matter_which_worker_counted(workers: list[list[tuple[int, int]]]) -> None:
    every = [each for worker in told(workers) for each in worker.slots]
    alone = counted(*((each.begins_at, each.sent, each.in_time) for each in every), told_at=NOW)
    assert hearing(told(workers)).share(TIMED, NOW) == hearing([alone]).share(TIMED, NOW)


@given(WORKERS)
def test_every_weight_is_whole_again_when_all_is_past(workers: list[list[tuple[int, int]]]) -> None:
    times = hearing(told(workers))
    assert 1.0 == times.share(TIMED, NOW + WINDOW_MS + SLOT_MS)


@given(SENDINGS, st.integers(0, 60))
def test_a_worker_that_begins_anew_in_the_middle_loses_nothing_to_the_others(
    sendings: list[tuple[int, int]], cut: int
) -> None:
    """Two lives count what one would have counted: a third worker cannot tell."""
    events = sorted(
        [(at, sent(BEGAN + at)) for at, _ in sendings]
        + [(at + took, reported(BEGAN + at, BEGAN + at + took)) for at, took in sendings],
        key=lambda event: event[0],
    )
    lives = [ReceiptTimes(name, PunctualityMetrics(CollectorRegistry()), lambda: NOW) for name in "abc"]
    for number, (_, one) in enumerate(events):
        lives[number >= cut].count(one)
        lives[2].count(one)
    two_lives = hearing([*lives[0].reports(), *lives[1].reports()])
    assert hearing(lives[2].reports()).share(TIMED, NOW) == two_lives.share(TIMED, NOW)
