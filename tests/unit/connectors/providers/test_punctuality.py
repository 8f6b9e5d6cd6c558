"""How punctual a provider is, by what all workers counted."""

from __future__ import annotations

import pytest

from connectors.providers.punctuality import LEAST, SLOT_MS, WINDOW_MS, Punctuality, judged
from tests.punctuality import BEGAN, JUDGED, WITHIN_MS, counted

ENOUGH = (BEGAN, 40, 10)


@pytest.mark.parametrize(
    ("in_time", "share"),
    [(40, 1.0), (20, 1.0), (16, 1.0), (15, 0.75), (10, 0.5), (6, 0.5), (5, 0.25), (0, 0.25)],
)
def test_a_weight_sinks_by_quarters_below_half_in_time(in_time: int, share: float) -> None:
    assert share == Punctuality(40, in_time).share


def test_a_few_messages_say_nothing() -> None:
    assert (1.0, 0.25) == (Punctuality(LEAST - 1, 0).share, Punctuality(LEAST, 0).share)


def test_the_counts_of_all_workers_are_one() -> None:
    told = [counted(ENOUGH), counted((BEGAN, 2, 1), worker="v")]
    assert Punctuality(42, 11) == judged(told, WITHIN_MS, JUDGED)


def test_messages_that_still_have_time_are_not_judged() -> None:
    assert Punctuality() == judged([counted(ENOUGH)], WITHIN_MS, JUDGED - 1)


def test_messages_are_judged_for_some_minutes_only() -> None:
    last = JUDGED - SLOT_MS + WINDOW_MS
    told = [counted(ENOUGH, told_at=last + 1)]
    assert [40, 0] == [judged(told, WITHIN_MS, now).sent for now in (last, last + 1)]


def test_while_counts_do_not_come_nobody_is_late() -> None:
    """All stood still for a minute: what was sent before it has had its time, its receipts were not read.

    Mutation tried: judged by the clock alone: fails.
    """
    assert Punctuality() == judged([counted(ENOUGH, told_at=BEGAN + SLOT_MS)], WITHIN_MS, JUDGED + 60_000)


def test_counts_of_a_clock_that_is_ahead_judge_nobody_sooner() -> None:
    told = [counted(ENOUGH, told_at=JUDGED + WINDOW_MS)]
    assert Punctuality() == judged(told, WITHIN_MS, JUDGED - 1)


def test_counts_by_another_time_say_nothing() -> None:
    assert Punctuality() == judged([counted(ENOUGH, within_ms=WITHIN_MS + 1)], WITHIN_MS, JUDGED)


def test_reports_of_messages_that_a_forgotten_worker_sent_make_nobody_better_than_whole() -> None:
    assert Punctuality(5, 5) == judged([counted((BEGAN, 5, 9))], WITHIN_MS, JUDGED)


def test_with_a_time_of_a_minute_a_weight_sinks_and_recovers_in_the_third_as_the_page_says() -> None:
    """A message a second: ten minutes in which none is reported in time, between others where all are."""
    kinds = [10] * 30 + [0] * 60 + [10] * 60
    slots = [(BEGAN + place * SLOT_MS, 10, in_time) for place, in_time in enumerate(kinds)]
    told = counted(*slots, told_at=BEGAN + len(slots) * SLOT_MS)
    shares = [judged([told], WITHIN_MS, at).share for at, _, _ in slots]
    sinks, lowest = shares.index(0.75), shares.index(0.25)
    recovers, whole = shares.index(0.5, lowest), shares.index(1.0, lowest)
    assert [2, 3] == [(place - 30) * SLOT_MS // 60_000 for place in (sinks, lowest)]
    assert [1, 2] == [(place - 90) * SLOT_MS // 60_000 for place in (recovers, whole)]
