"""How soon providers report, as one process counts it and as it hears it of all."""

from __future__ import annotations

from math import isnan

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.providers.punctuality import WINDOW_MS
from connectors.receipt_metrics import PunctualityMetrics
from connectors.receipt_times import JUDGE_MS, TELL_MS, ReceiptTimes
from schemas.punctuality import ReceiptsCounted
from tests.messages import SECOND
from tests.punctuality import ACCOUNT, BEGAN, JUDGED, TIMED, WITHIN_MS, counted, reported, sent


class Desk:
    """One process and its clock."""

    def __init__(self, worker: str = "w") -> None:
        self.now = BEGAN
        self.registry = CollectorRegistry()
        self.times = ReceiptTimes(worker, PunctualityMetrics(self.registry), lambda: self.now)

    def share(self, at: int) -> float:
        self.now = at
        return self.times.share(TIMED, at)

    def ratio(self) -> float:
        name = "carillon_provider_receipts_in_time_ratio"
        found = self.registry.get_sample_value(name, {"channel": "sms", "provider": "main"})
        assert found is not None
        return found


def test_what_is_sent_and_what_is_reported_is_told_by_the_time_of_sending() -> None:
    desk = Desk()
    later, late_at = BEGAN + 10 * SECOND, BEGAN + WITHIN_MS + 1
    for one in (sent(), sent(BEGAN + SECOND), reported(), reported(told_at=late_at), sent(later)):
        desk.times.count(one)
    assert [counted((BEGAN, 2, 1), (later, 1, 0), told_at=late_at)] == desk.times.reports()


def test_it_is_told_again_and_again_so_that_a_worker_that_begins_hears_it() -> None:
    desk = Desk()
    desk.times.count(sent())
    told: list[list[ReceiptsCounted]] = []
    for wait_ms in (0, TELL_MS - 1, 1):
        desk.now += wait_ms
        told.append(desk.times.reports())
    once = [counted((BEGAN, 1, 0), told_at=BEGAN)]
    assert [once, [], once] == told


def test_a_report_that_did_not_arrive_is_made_anew() -> None:
    desk = Desk()
    desk.times.count(sent())
    told = desk.times.reports()
    desk.times.unheard(told)
    assert told == desk.times.reports()


def test_what_counts_no_more_is_not_told() -> None:
    desk = Desk()
    desk.times.count(sent())
    desk.now = JUDGED + WINDOW_MS
    assert [] == desk.times.reports()


def test_another_time_begins_at_nothing() -> None:
    desk = Desk()
    desk.times.count(sent())
    desk.times.count(sent(within_ms=2 * WITHIN_MS))
    assert [counted((BEGAN, 1, 0), within_ms=2 * WITHIN_MS, told_at=BEGAN)] == desk.times.reports()


def test_a_weight_sinks_and_recovers_by_itself() -> None:
    desk = Desk()
    desk.times.heard(counted((BEGAN, 40, 0)))
    back = JUDGED + WINDOW_MS
    assert [1.0, 0.25, 1.0] == [desk.share(at) for at in (JUDGED - JUDGE_MS, JUDGED, back)]


def test_a_worker_that_begins_hears_of_the_others_and_forgets_its_life_before() -> None:
    """Its first seconds are whole, never below what others know."""
    desk = Desk("new")
    assert 1.0 == desk.share(JUDGED)
    desk.times.heard(counted((BEGAN, 40, 10), worker="other"))
    assert 0.5 == desk.share(JUDGED + JUDGE_MS)
    desk.times.heard(counted((BEGAN, 0, 30), worker="new"))
    assert 1.0 == desk.share(JUDGED + 2 * JUDGE_MS)


def test_the_newest_report_of_a_worker_counts() -> None:
    desk = Desk()
    desk.times.heard(counted((BEGAN, 40, 0)))
    desk.times.heard(counted((BEGAN, 40, 40)))
    assert 1.0 == desk.share(JUDGED)


def test_a_verdict_stands_for_a_second() -> None:
    desk = Desk()
    assert 1.0 == desk.share(JUDGED)
    desk.times.heard(counted((BEGAN, 40, 0)))
    shares = [desk.share(at) for at in (JUDGED + JUDGE_MS - 1, JUDGED + JUDGE_MS)]
    assert [1.0, 0.25] == shares


def test_a_provider_without_the_time_is_not_judged() -> None:
    desk = Desk()
    desk.times.heard(counted((BEGAN, 40, 0)))
    assert 1.0 == desk.times.share(replace(TIMED, config={}), JUDGED)


def test_lives_of_which_nothing_counts_are_forgotten() -> None:
    desk = Desk()
    desk.times.heard(counted((BEGAN, 40, 0)))
    desk.share(JUDGED + 2 * WINDOW_MS)
    assert {} == desk.times._told[ACCOUNT]


def test_the_metric_shows_what_came_in_time_and_nothing_of_a_few() -> None:
    desk = Desk()
    desk.share(JUDGED)
    assert isnan(desk.ratio())
    desk.times.heard(counted((BEGAN, 40, 10)))
    assert 0.25 == desk.ratio()
