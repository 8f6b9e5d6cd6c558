"""The rate of one service and type against its own average."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.quarantine_words import Order
from tables.flows import (
    BEHIND_MS,
    CALM_MS,
    KEPT_MS,
    LATE_MS,
    MINUTE_MS,
    SMALL_KEPT_MS,
    SPAN,
    Flow,
    State,
    Terms,
    begun,
)
from tests.flows import MINUTE, counted, ordered

TERMS = Terms(factor=10, floor=60, grace_ms=3_600_000)
END = MINUTE + MINUTE_MS + LATE_MS
"""When the minute is counted no longer."""
USUAL = Flow(average=100.0, learned=SPAN)


def heard(flow: Flow, *counts: int, now: int = MINUTE + 1) -> Flow:
    """After reports of this minute, one from each worker."""
    for number, count in enumerate(counts):
        flow = flow.heard(counted(count, worker=str(number)), now)
    return flow


def judged(flow: Flow, now: int = MINUTE + 1, *, holds: bool = True) -> str:
    return flow.judged(TERMS, now, holds=holds).state


def test_counts_of_all_workers_are_one_minute_and_of_one_worker_the_highest_counts() -> None:
    flow = heard(heard(USUAL, 5, 7), 3, 9)
    assert [14] == [each.total for each in flow.minutes]


@pytest.mark.spec("NS-SEC-OP-07")
def test_ten_times_the_average_is_usual_and_one_more_is_held() -> None:
    """Mutation tried: `>=`: fails."""
    assert State.OPEN == judged(heard(USUAL, 1_000))
    assert State.HELD == judged(heard(USUAL, 600, 401))


@pytest.mark.spec("NS-SEC-OP-07")
def test_what_may_not_wait_is_told_and_passes() -> None:
    flow = heard(USUAL, 1_001).judged(TERMS, MINUTE + 1, holds=False)
    assert (State.ALARMING, MINUTE + 1, 1_001) == (flow.state, flow.since, flow.count)


def test_an_alarm_ends_by_itself_when_two_minutes_were_usual() -> None:
    flow = heard(USUAL, 1_001).judged(TERMS, MINUTE + 1, holds=False)
    later = MINUTE + 1 + CALM_MS
    assert State.ALARMING == judged(flow.settled(later - 1), later - 1, holds=False)
    assert State.OPEN == judged(flow.settled(later), later, holds=False)


def test_a_hold_does_not_end_by_itself() -> None:
    flow = heard(USUAL, 1_001).judged(TERMS, MINUTE + 1, holds=True)
    assert State.HELD == judged(flow.settled(MINUTE + 10**10), MINUTE + 10**10)


def test_a_small_feed_is_judged_by_the_floor() -> None:
    small = Flow(average=1.0, learned=SPAN)
    assert State.OPEN == judged(heard(small, 600))
    assert State.HELD == judged(heard(small, 601))


def test_a_new_one_is_not_judged_in_its_grace_and_is_from_then_on() -> None:
    new = begun(TERMS, MINUTE)
    assert State.OPEN == judged(heard(new, 10**6))
    grown = replace(new, judged_from=MINUTE)
    assert State.HELD == judged(heard(grown, 10**6))


def test_without_a_grace_a_new_one_is_judged_at_once_by_the_floor() -> None:
    new = begun(TERMS._replace(grace_ms=0), MINUTE + 1)
    assert State.OPEN == judged(heard(new, 600))
    assert State.HELD == judged(heard(new, 601))


def test_a_minute_that_began_in_the_grace_is_not_judged() -> None:
    assert State.OPEN == judged(heard(replace(USUAL, judged_from=MINUTE + 1), 10**6))


def test_a_minute_weighs_a_sixtieth_and_less_where_fewer_are_known() -> None:
    assert 100 + 60 / SPAN == heard(USUAL, 160).settled(END).average
    third = heard(Flow(average=100.0, learned=2), 160).settled(END)
    assert (120.0, 3) == (third.average, third.learned)


def test_a_minute_counts_until_its_reports_are_late_and_then_no_more() -> None:
    """Mutation tried: late ones open it again: it counts twice."""
    open_still = heard(USUAL, 160).settled(END - 1)
    assert (USUAL.average, 1) == (open_still.average, len(open_still.minutes))
    closed = open_still.settled(END)
    assert closed == closed.heard(counted(500), END - 1)
    assert closed == closed.heard(counted(500), END)


def test_a_report_of_another_time_changes_nothing() -> None:
    assert USUAL == USUAL.heard(counted(500, MINUTE - 2 * MINUTE_MS), MINUTE + LATE_MS)
    assert USUAL == USUAL.heard(counted(500, MINUTE + MINUTE_MS), MINUTE + 1)


def test_minutes_of_silence_teach_nothing() -> None:
    """A feed of each night is no anomaly each night. Mutation tried: zeros count: fails."""
    assert USUAL.average == USUAL.settled(MINUTE + 10**9).average


def test_what_came_while_it_was_held_teaches_nothing() -> None:
    held = heard(USUAL, 5_000).judged(TERMS, MINUTE + 1, holds=True)
    assert 100.0 == held.settled(END).average


@pytest.mark.spec("NS-SEC-OP-07")
def test_what_is_released_is_usual_from_now_on() -> None:
    held = heard(USUAL, 5_000).judged(TERMS, MINUTE + 1, holds=True)
    freed = held.ordered(ordered(Order.RELEASE), TERMS, MINUTE + 2)
    assert (State.LEAVING, 0, MINUTE + 2 + TERMS.grace_ms) == (freed.state, freed.learned, freed.judged_from)
    learned = heard(freed.without(0, MINUTE + 2, is_empty=True), 5_000).settled(END)
    assert (State.OPEN, 5_000.0) == (judged(learned, END), learned.average)


@pytest.mark.spec("NS-SEC-OP-07")
def test_an_approved_run_is_not_judged_and_teaches_nothing() -> None:
    until = MINUTE + 3 * MINUTE_MS
    planned = USUAL.ordered(ordered(Order.APPROVE, until), TERMS, MINUTE)
    assert State.OPEN == judged(heard(planned, 10**6))
    assert 100.0 == heard(planned, 10**6).settled(END).average
    after = planned.heard(counted(1_001, until), until + 1)
    assert State.HELD == judged(after, until + 1)


def test_an_approval_does_not_end_a_grace_that_is_longer() -> None:
    new = begun(TERMS, MINUTE)
    assert new.judged_from == new.ordered(ordered(Order.APPROVE, MINUTE + 1), TERMS, MINUTE).judged_from


def test_a_rejected_flow_is_held_again_once_all_that_waits_has_ended() -> None:
    held = replace(USUAL, state=State.HELD, waiting=3)
    ending = held.ordered(ordered(Order.REJECT), TERMS, MINUTE)
    assert State.REJECTING == ending.without(2, MINUTE, is_empty=False).state
    done = ending.without(3, MINUTE, is_empty=True)
    assert (State.HELD, 0) == (done.state, done.waiting)


def test_a_released_flow_is_open_some_seconds_after_the_last_has_gone_and_no_order_hastens_that() -> None:
    held = replace(USUAL, state=State.HELD, waiting=3)
    closing = held.ordered(ordered(Order.RELEASE), TERMS, MINUTE).without(3, MINUTE, is_empty=True)
    end = MINUTE + BEHIND_MS
    assert (State.CLOSING, State.OPEN) == (judged(closing, end - 1), judged(closing, end))
    assert State.LEAVING == closing.ordered(ordered(Order.APPROVE, end), TERMS, MINUTE).state
    assert closing == closing.ordered(ordered(Order.REJECT), TERMS, MINUTE)


def test_a_small_flow_is_forgotten_after_two_days_and_a_large_one_after_weeks() -> None:
    """Mutation tried: by the average alone: a nightly run of one minute is new each night."""
    small = heard(Flow(average=1.0, learned=SPAN), 59)
    assert MINUTE + SMALL_KEPT_MS == small.kept_until(TERMS, MINUTE)
    assert MINUTE + KEPT_MS == heard(small, 60).kept_until(TERMS, MINUTE)
    assert MINUTE + KEPT_MS == USUAL.kept_until(TERMS, MINUTE)


def test_no_flow_is_forgotten_in_its_grace_or_while_it_is_held() -> None:
    new = begun(TERMS, MINUTE)
    assert new.judged_from + SMALL_KEPT_MS == new.kept_until(TERMS, MINUTE)
    assert replace(USUAL, state=State.HELD).kept_until(TERMS, MINUTE) is None


def test_nothing_is_rejected_of_a_flow_that_is_open() -> None:
    assert USUAL == USUAL.ordered(ordered(Order.REJECT), TERMS, MINUTE)
