"""Delivery while providers are left alone because they failed: passed over or waited for, never paid for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide, deliver
from agents.heed import Memory
from agents.retry import patience_ms
from agents.serve import Choice
from schemas.records import Provider, ProviderCall, RetryDue
from tests.calls import call, timer, words
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import DAY, SECOND, T0, TASK, called

UNTIL = T0 + 30 * SECOND
FIRST_OUT = Moment(T0, ["first", "second"], {"first": UNTIL})
BOTH_OUT = Moment(T0, ["first", "second"], {"first": UNTIL, "second": UNTIL + SECOND})
ONLY_OUT = Moment(T0, ["first"], {"first": UNTIL})


@pytest.mark.spec("NS-OPS-041 NS-OPS-043")
def test_the_next_provider_takes_the_message_and_no_attempt_is_spent() -> None:
    assert [ProviderCall(task=TASK, provider="second")] == decide(TASK, FIRST_OUT)


@pytest.mark.spec("NS-OPS-041")
def test_a_message_waits_when_all_are_left_alone_and_spends_no_attempt() -> None:
    outcomes = decide(TASK, BOTH_OUT)
    assert [("retrying", "provider_paused")] == words(outcomes)
    due = timer(outcomes)
    assert UNTIL <= due.due_at <= UNTIL + 8 * SECOND
    assert (1, 0, 1) == (due.task.attempt, due.task.epoch, due.task.waits)


def test_two_waits_are_two_facts() -> None:
    first = decide(TASK, ONLY_OUT)
    second = decide(timer(first), ONLY_OUT)
    assert first[0] != second[0]


def test_a_message_that_waited_is_sent_by_whoever_is_back() -> None:
    due = timer(decide(TASK, BOTH_OUT))
    back = Moment(due.due_at, ["first", "second"], {"first": due.due_at + 1})
    assert "second" == call(decide(due, back)).provider


@pytest.mark.spec("NS-SND-OP-13")
def test_it_waits_longer_each_time_but_half_of_its_time_at_most() -> None:
    left = DAY
    waits = [patience_ms("m", turn, 30 * SECOND, left) for turn in range(12)]
    assert waits[0] < 38 * SECOND
    assert waits[-1] > 200 * SECOND
    assert patience_ms("m", 11, 30 * SECOND, 100 * SECOND) == 50 * SECOND


def test_one_that_never_came_back_is_known_at_the_expiry() -> None:
    late = Moment(TASK.expires_at - SECOND, ["first"], {"first": TASK.expires_at + 30 * SECOND})
    due = timer(decide(TASK, late))
    assert TASK.expires_at == due.due_at
    assert [("expired", "too_late")] == words(decide(due, Moment(due.due_at, ["first"])))


def test_a_failure_goes_on_to_the_timer_when_the_other_is_left_alone() -> None:
    outcomes = decide(called(TASK, "temporary", "second"), FIRST_OUT)
    assert [("retrying", "provider_unavailable")] == words(outcomes)
    assert (2, 1) == (timer(outcomes).task.attempt, timer(outcomes).task.passes)


@pytest.mark.spec("NS-OPS-041")
def test_a_call_that_lapsed_at_the_breaker_goes_to_the_next_as_the_same_attempt() -> None:
    assert [ProviderCall(task=TASK, provider="second")] == decide(called(TASK, "lapsed"), FIRST_OUT)


def test_refused_credentials_wait_for_a_provider_that_is_left_alone() -> None:
    """The other one may still take it."""
    moment = Moment(T0, ["first", "second"], {"second": UNTIL})
    outcomes = decide(called(TASK, "misconfigured"), moment)
    assert [("retrying", "provider_misconfigured")] == words(outcomes)
    again = decide(timer(outcomes), moment)
    assert [("retrying", "provider_paused")] == words(again)
    assert 1 == timer(again).task.attempt


def test_nobody_waits_for_one_that_refused_our_credentials() -> None:
    due = RetryDue(task=replace(TASK, attempt=2, barred=["first"]), due_at=T0)
    assert [("failed", "provider_misconfigured")] == words(decide(due, ONLY_OUT))


@pytest.mark.spec("NS-SND-OP-12")
def test_a_hidden_answer_is_repeated_by_one_that_is_not_left_alone() -> None:
    again = call(decide(called(TASK, "hidden"), FIRST_OUT))
    assert ("second", 2, 1) == (again.provider, again.task.attempt, again.task.epoch)


@pytest.mark.spec("NS-SND-OP-12")
def test_a_hidden_answer_is_repeated_when_somebody_is_back() -> None:
    outcomes = decide(called(TASK, "hidden"), ONLY_OUT)
    assert [("unknown", "answer_hidden")] == words(outcomes)
    due = timer(outcomes)
    assert (UNTIL, 2, 1) == (due.due_at, due.task.attempt, due.task.epoch)


def test_a_hidden_answer_is_not_repeated_when_nobody_is_back_in_time() -> None:
    short = replace(TASK, expires_at=UNTIL)
    assert [("unknown", "not_repeated")] == words(decide(called(short, "hidden"), ONLY_OUT))


class Out:
    """Health of providers of which one is left alone."""

    def paused_until(self, provider: Provider, now: int) -> int:
        return now + SECOND if provider.name == "good" else 0

    def share(self, provider: Provider, now: int) -> float:  # noqa: ARG002 - the port's
        return 1.0


async def test_the_agent_asks_how_providers_are() -> None:
    reference = MemoryReference(
        active=[
            Provider(name="cheap", channel_type="email", kind="smtp", priority=1),
            Provider(name="good", channel_type="email", kind="smtp", priority=9),
        ]
    )
    memory = Memory(MemoryTable(), MemoryTable())
    stream = FakeStream([FakeEvent(TASK)], now=T0)
    outcomes = [outcome async for outcome in deliver(stream, memory, reference, Choice(Out()))]
    assert [ProviderCall(task=TASK, provider="cheap")] == outcomes
