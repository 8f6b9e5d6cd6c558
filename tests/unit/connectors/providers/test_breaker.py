"""A breaker, answer by answer."""

from __future__ import annotations

import pytest

from connectors.providers.breaker import MISCONFIGURED_IN_A_ROW, RESULTS, Breaker, Result, Terms, result_of
from schemas.provider_words import Cause
from schemas.words import Reason, Verdict

TERMS = Terms()
SECOND = 1_000
T0 = 1_747_830_896_000
ANSWERED, FAILED, MISCONFIGURED = Result.ANSWERED, Result.FAILED, Result.MISCONFIGURED


def after(*results: Result, breaker: Breaker | None = None, at: int = T0, terms: Terms = TERMS) -> Breaker:
    """The breaker after calls that all ended at this time."""
    found = breaker or Breaker()
    for result in results:
        found = found.answered(result, at, terms)
    return found


OPEN = after(*[FAILED] * 20)


@pytest.mark.spec("NS-OPS-041 NS-OPS-OP-06")
def test_it_opens_when_half_of_twenty_calls_failed() -> None:
    almost = after(*[ANSWERED] * 10, *[FAILED] * 9)
    assert 0 == almost.paused_until(T0, TERMS)
    opened = after(FAILED, breaker=almost)
    assert (Cause.FAILURES, T0 + 30 * SECOND) == (opened.cause, opened.paused_until(T0, TERMS))


def test_nineteen_failures_are_too_few_to_judge() -> None:
    assert after(*[FAILED] * 19).cause is None


def test_less_than_half_never_opens_it() -> None:
    assert after(*[ANSWERED, FAILED, ANSWERED] * 500).cause is None


def test_what_lies_further_back_than_the_window_does_not_count() -> None:
    old = after(*[FAILED] * 19)
    assert after(FAILED, breaker=old, at=T0 + 31 * SECOND).cause is None


def test_the_window_keeps_no_more_than_its_parts() -> None:
    breaker = Breaker()
    for number in range(1_000):
        breaker = after(ANSWERED, breaker=breaker, at=T0 + number * 100)
    assert len(breaker.window) <= 31


@pytest.mark.spec("NS-OPS-OP-06")
def test_after_the_pause_one_call_tries_and_others_wait_for_it() -> None:
    due = T0 + 30 * SECOND
    assert due == OPEN.paused_until(due - 1, TERMS)
    assert 0 == OPEN.paused_until(due, TERMS)
    trying = OPEN.tried(due, TERMS)
    assert due + 30 * SECOND == trying.paused_until(due, TERMS)
    assert Breaker() == trying.returned(ANSWERED, due + 1, TERMS)


def test_a_try_that_fails_is_another_pause() -> None:
    due = T0 + 30 * SECOND
    again = OPEN.tried(due, TERMS).returned(FAILED, due + 5, TERMS)
    assert (Cause.FAILURES, due + 5 + 30 * SECOND) == (again.cause, again.paused_until(due + 5, TERMS))


def test_a_try_whose_end_nobody_sees_holds_up_one_pause_only() -> None:
    trying = OPEN.tried(T0 + 30 * SECOND, TERMS)
    assert 0 == trying.paused_until(T0 + 60 * SECOND, TERMS)


def test_calls_that_outlast_its_opening_change_nothing() -> None:
    assert OPEN == after(ANSWERED, FAILED, MISCONFIGURED, breaker=OPEN)


@pytest.mark.spec("NS-SND-OP-14")
def test_refused_credentials_open_it_for_longer() -> None:
    opened = after(*[MISCONFIGURED] * MISCONFIGURED_IN_A_ROW)
    assert (Cause.MISCONFIGURED, T0 + 300 * SECOND) == (opened.cause, opened.paused_until(T0, TERMS))
    again = opened.tried(T0 + 300 * SECOND, TERMS).returned(MISCONFIGURED, T0 + 300 * SECOND, TERMS)
    assert T0 + 600 * SECOND == again.paused_until(T0 + 300 * SECOND, TERMS)


def test_one_message_that_a_vendor_calls_misconfigured_takes_nobody_out() -> None:
    """Others are answered in between."""
    assert after(*[MISCONFIGURED, ANSWERED, MISCONFIGURED, ANSWERED, ANSWERED] * 50).cause is None


def test_a_pause_that_only_a_clock_set_back_can_make_is_over() -> None:
    assert 0 == OPEN.paused_until(T0 - 3_600 * SECOND, TERMS)


def test_calls_of_a_time_that_a_clock_set_back_has_not_reached_do_not_count() -> None:
    """Mutation tried: only what is too old is dropped: fails."""
    ahead = after(*[FAILED] * 19, at=T0 + 3_600 * SECOND)
    assert after(FAILED, breaker=ahead, at=T0).cause is None


def test_without_calls_in_the_terms_it_never_opens() -> None:
    terms = Terms(calls=0)
    assert after(*[FAILED] * 100, *[MISCONFIGURED] * 100, terms=terms).cause is None


def test_every_verdict_of_a_call_says_something_of_its_provider() -> None:
    assert {*Verdict} - {Verdict.LAPSED} == {*RESULTS}


@pytest.mark.parametrize(
    ("verdict", "reason", "result"),
    [
        (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED, MISCONFIGURED),
        (Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED, ANSWERED),
        (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE, FAILED),
        (Verdict.TEMPORARY, Reason.PROVIDER_LIMITED, ANSWERED),
        (Verdict.HIDDEN, Reason.ANSWER_HIDDEN, FAILED),
        (Verdict.ACCEPTED, None, ANSWERED),
    ],
)
def test_what_is_said_of_one_recipient_says_nothing_of_the_provider(
    verdict: Verdict, reason: Reason | None, result: Result
) -> None:
    """Two projects of one push service may stand beside each other: each is shown tokens of the other."""
    assert result == result_of(verdict, reason)


@pytest.mark.parametrize(("failed", "share"), [(0, 1.0), (2, 1.0), (3, 0.75), (5, 0.5), (8, 0.25), (9, 0.25)])
def test_a_weight_sinks_by_quarters_while_calls_fail(failed: int, share: float) -> None:
    assert share == after(*[ANSWERED] * (20 - failed), *[FAILED] * failed).share(T0, TERMS)


def test_a_weight_comes_back_by_itself() -> None:
    assert 1.0 == after(*[ANSWERED] * 15, *[FAILED] * 5).share(T0 + 31 * SECOND, TERMS)


def test_a_weight_does_not_sink_by_a_few_calls() -> None:
    assert 1.0 == after(*[FAILED] * 9).share(T0, TERMS)
