"""A provider that fails for now and says when to come back is not called before (NS-SND-OP-13)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide
from agents.retry import backoff_ms
from schemas.records import CallEnded, SendTask
from tests.calls import ONE, TWO, call, ended, timer, words
from tests.messages import SECOND, T0, TASK, called

MINUTE = 60 * SECOND


def later(task: SendTask, after_ms: int, provider: str = "first") -> CallEnded:
    """It failed for now, with `Retry-After`."""
    return ended(called(task, "temporary", provider), retry_after_ms=after_ms)


@pytest.mark.spec("NS-SND-OP-13 NS-SND-OP-14")
def test_the_timer_waits_at_least_as_long_as_the_provider_said_and_the_attempt_is_spent() -> None:
    outcomes = decide(later(TASK, MINUTE), ONE)
    due = timer(outcomes)
    assert [("retrying", "provider_unavailable")] == words(outcomes)
    assert T0 + MINUTE <= due.due_at <= T0 + 75 * SECOND
    assert (2, 1, 0) == (due.task.attempt, due.task.passes, due.task.waits)
    assert "first" == call(decide(due, Moment(due.due_at, ["first"]))).provider


def test_a_longer_backoff_stays() -> None:
    tired = replace(TASK, passes=5)
    assert T0 + backoff_ms(TASK.message_id, 5) == timer(decide(later(tired, SECOND), ONE)).due_at


def test_the_other_provider_is_tried_at_once() -> None:
    assert "second" == call(decide(later(TASK, MINUTE), TWO)).provider


@pytest.mark.spec("NS-SND-OP-13")
def test_the_next_pass_leaves_out_the_one_that_is_not_to_be_called_yet() -> None:
    second = call(decide(later(TASK, MINUTE), TWO)).task
    due = timer(decide(called(second, "temporary", "second"), TWO))
    assert T0 + backoff_ms(TASK.message_id, 0) == due.due_at
    assert "second" == call(decide(due, both_at(due.due_at))).provider
    assert "first" == call(decide(due, both_at(T0 + 2 * MINUTE))).provider


def test_where_all_said_so_the_first_that_may_be_called_is_waited_for() -> None:
    second = call(decide(later(TASK, 2 * MINUTE), TWO)).task
    due = timer(decide(later(second, MINUTE, "second"), TWO))
    assert T0 + MINUTE <= due.due_at <= T0 + 75 * SECOND
    assert "second" == call(decide(due, both_at(due.due_at))).provider


def test_one_that_comes_back_only_after_the_expiry_ends_the_message() -> None:
    short = replace(TASK, expires_at=T0 + MINUTE)
    assert [("failed", "attempts_exhausted")] == words(decide(later(short, MINUTE), ONE))


def test_a_message_that_only_such_a_provider_is_left_for_waits_and_spends_nothing() -> None:
    """The other one is gone from the entries."""
    second = call(decide(later(TASK, MINUTE), TWO)).task
    outcomes = decide(called(second, "lapsed", "second"), ONE)
    assert [("retrying", "provider_paused")] == words(outcomes)
    assert T0 + MINUTE <= timer(outcomes).due_at
    assert 2 == timer(outcomes).task.attempt


def both_at(now: int) -> Moment:
    return Moment(now, ["first", "second"])
