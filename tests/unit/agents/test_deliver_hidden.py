"""Delivery after an answer that a crash hid: repeat, hold, or ask."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide
from schemas.records import AttemptEnded, ProviderCall, SendTask
from tests.calls import ONE, TWO, call, timer, words
from tests.messages import T0, TASK, called


def test_a_hidden_answer_under_repeat_is_listed_and_sent_again_under_the_next_epoch() -> None:
    outcomes = decide(called(TASK, "hidden"), ONE)
    assert [("unknown", "answer_hidden")] == words(outcomes)
    assert (2, 1) == (call(outcomes).task.attempt, call(outcomes).task.epoch)


def test_a_second_hidden_answer_is_repeated_after_a_pause_which_a_third_one_doubles() -> None:
    second = decide(called(replace(TASK, attempt=2, epoch=1), "hidden"), ONE)
    third = decide(called(replace(TASK, attempt=3, epoch=2), "hidden"), ONE)
    assert [("unknown", "answer_hidden")] == words(second)
    assert (3, 2) == (timer(second).task.attempt, timer(second).task.epoch)
    assert 1_000 <= timer(second).due_at - T0 < 1_250
    assert 2_000 <= timer(third).due_at - T0 < 2_500
    assert (3, 2) == (
        call(decide(timer(second), ONE)).task.attempt,
        call(decide(timer(second), ONE)).task.epoch,
    )


def test_a_hidden_answer_under_hold_is_listed_and_nothing_more() -> None:
    outcomes = decide(called(replace(TASK, unknown_policy="hold"), "hidden"), ONE)
    assert [("unknown", "held")] == words(outcomes)
    assert len(outcomes) == 1


def test_a_hidden_answer_under_ask_asks_the_same_provider_under_the_same_epoch() -> None:
    task = replace(TASK, unknown_policy="ask")
    outcomes = decide(called(task, "hidden", "second"), TWO)
    assert [("unknown", "answer_hidden")] == words(outcomes)
    assert ProviderCall(task=task, provider="second", ask=True) == call(outcomes)


@pytest.mark.parametrize(
    ("task", "moment"),
    [
        (replace(TASK, attempt=6), ONE),
        (TASK, Moment(TASK.expires_at, ["first"])),
        (TASK, Moment(T0, [])),
    ],
    ids=["no attempt left", "no time left", "no provider left"],
)
def test_a_hidden_answer_that_cannot_be_repeated_stays_unknown(task: SendTask, moment: Moment) -> None:
    outcomes = decide(called(task, "hidden"), moment)
    assert [("unknown", "not_repeated")] == words(outcomes)
    assert len(outcomes) == 1


def test_a_repeat_begins_a_new_pass_when_nobody_is_left_in_this_one() -> None:
    """The second provider was in line after the first, is gone or left alone by now, and the first hid."""
    tried = call(decide(called(TASK, "temporary"), TWO)).task
    for moment in (ONE, Moment(T0, ["first", "second"], {"second": T0 + 60_000})):
        first = call(decide(called(tried, "lapsed", "second"), moment))
        outcomes = decide(called(first.task, "hidden"), moment)
        assert [("unknown", "answer_hidden")] == words(outcomes)
        assert ("first", 3, 1) == (
            call(outcomes).provider,
            call(outcomes).task.attempt,
            call(outcomes).task.epoch,
        )


def test_a_provider_that_never_had_it_and_is_gone_leaves_it_to_one_that_failed_before() -> None:
    tried = replace(ASKING, attempt=2, tried=["first"])
    outcomes = decide(called(tried, "permanent", "second", ask=True), ONE)
    assert ("first", 3) == (call(outcomes).provider, call(outcomes).task.attempt)


REPEATED = replace(TASK, attempt=3, epoch=2)


def test_what_expires_after_a_hidden_answer_may_have_arrived_and_has_not_failed() -> None:
    due = timer(decide(called(replace(TASK, attempt=2, epoch=1), "hidden"), ONE))
    assert [("unknown", "not_repeated")] == words(decide(due, Moment(TASK.expires_at, ["first"])))


def test_what_uses_up_its_attempts_after_a_hidden_answer_may_have_arrived_and_has_not_failed() -> None:
    """Nor is it the last one that may have it. Mutation: the provider of the last call."""
    last = replace(REPEATED, attempt=6)
    (fact,) = decide(called(last, "temporary"), ONE)
    assert isinstance(fact, AttemptEnded)
    assert ("unknown", "not_repeated", None) == (fact.status, fact.reason, fact.provider)


def test_a_refusal_for_good_has_failed_whatever_was_hidden_before() -> None:
    assert [("failed", "provider_refused")] == words(decide(called(REPEATED, "permanent"), ONE))


ASKING = replace(TASK, unknown_policy="ask")


def test_a_provider_that_had_it_makes_it_sent() -> None:
    assert [("sent", None)] == words(decide(called(ASKING, "accepted", ask=True), ONE))


def test_a_provider_that_never_had_it_gets_it_under_the_next_epoch() -> None:
    outcomes = decide(called(ASKING, "permanent", ask=True), ONE)
    assert (2, 1, False) == (call(outcomes).task.attempt, call(outcomes).task.epoch, call(outcomes).ask)


def test_what_never_arrived_and_cannot_be_repeated_has_failed() -> None:
    spent = replace(ASKING, attempt=6)
    assert [("failed", "attempts_exhausted")] == words(decide(called(spent, "permanent", ask=True), ONE))


@pytest.mark.parametrize("verdict", ["temporary", "limited"])
def test_a_question_without_an_answer_is_put_again_later(verdict: str) -> None:
    due = timer(decide(called(ASKING, verdict, ask=True), ONE))
    assert (1, 1, "first") == (due.task.attempt, due.task.waits, due.ask)
    assert [ProviderCall(task=due.task, provider="first", ask=True)] == decide(due, ONE)


def test_a_question_never_answered_before_the_expiry_is_held() -> None:
    late = Moment(TASK.expires_at - 1, ["first"])
    assert [("unknown", "held")] == words(decide(called(ASKING, "temporary", ask=True), late))


def test_a_provider_that_cannot_be_asked_leaves_a_second_fact_beside_the_hidden_one() -> None:
    hidden = decide(called(ASKING, "hidden"), ONE)
    held = decide(called(ASKING, "misconfigured", ask=True), ONE)
    assert [("unknown", "held")] == words(held)
    assert len({o.event_id for o in [*hidden, *held] if isinstance(o, AttemptEnded)}) == 2


@pytest.mark.parametrize("verdict", ["hidden", "lapsed"])
def test_a_question_that_a_crash_swallowed_is_put_again(verdict: str) -> None:
    ask = called(ASKING, verdict, ask=True)
    assert [ask.call] == decide(ask, ONE)


def test_a_question_that_found_no_place_until_the_expiry_is_held() -> None:
    """Or it would be put for ever, before all later messages of its user and lane."""
    late = Moment(TASK.expires_at, ["first"])
    assert [("unknown", "held")] == words(decide(called(ASKING, "lapsed", ask=True), late))
