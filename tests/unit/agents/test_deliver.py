"""Delivery, case by case."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide, deliver
from agents.heed import Memory
from agents.retry import backoff_ms
from schemas.records import AttemptEnded, DeviceChanged, Provider, ProviderCall, RetryDue
from tests.calls import ONE, TWO, call, ended, timer, words
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import DAY, SECOND, T0, TASK, called


@pytest.mark.spec("NS-SND-018")
def test_a_task_calls_the_first_active_provider() -> None:
    assert [ProviderCall(task=TASK, provider="first")] == decide(TASK, TWO)


def test_a_task_at_its_expiry_is_not_sent() -> None:
    outcomes = decide(TASK, Moment(TASK.expires_at, ["first"]))
    assert [("expired", "too_late")] == words(outcomes)
    assert isinstance(outcomes[0], AttemptEnded)
    assert outcomes[0].attempt == 0


def test_a_channel_without_providers_fails_the_message() -> None:
    assert [("failed", "no_provider")] == words(decide(TASK, Moment(T0, [])))


@pytest.mark.spec("NS-SND-020")
def test_accepted_is_sent_with_the_providers_id() -> None:
    answer = ended(called(TASK, "accepted"), provider_message_id="p-1")
    (fact,) = decide(answer, ONE)
    assert isinstance(fact, AttemptEnded)
    assert ("sent", T0, 1, "first", "p-1") == (
        fact.status,
        fact.at,
        fact.attempt,
        fact.provider,
        fact.provider_message_id,
    )


def test_delivered_is_sent_and_delivered_as_two_facts() -> None:
    outcomes = decide(called(TASK, "delivered"), ONE)
    assert [("sent", None), ("delivered", None)] == words(outcomes)
    assert len({o.event_id for o in outcomes if isinstance(o, AttemptEnded)}) == 2


def test_a_refusal_fails_at_once() -> None:
    assert [("failed", "provider_refused")] == words(decide(called(TASK, "permanent"), TWO))


def test_a_refusal_keeps_the_providers_reason() -> None:
    answer = ended(called(TASK, "permanent"), reason="invalid_contact", detail="550 no such user")
    (fact,) = decide(answer, TWO)
    assert isinstance(fact, AttemptEnded)
    assert ("invalid_contact", "550 no such user") == (fact.reason, fact.detail)


@pytest.mark.spec("NS-CH-065 NS-CH-066")
def test_a_device_that_the_provider_knows_no_longer_is_told_and_no_other() -> None:
    """NS-CH-066. Mutation: no `DeviceChanged`, or one for every refusal."""
    task = replace(TASK, channel="push", device_id="d-1")
    answer = ended(called(task, "permanent"), reason="unregistered_device")
    fact, gone = decide(answer, TWO)
    assert isinstance(fact, AttemptEnded)
    assert ("failed", "unregistered_device") == (fact.status, fact.reason)
    expected = DeviceChanged(user_id=TASK.user_id, device_id="d-1", action="refused", changed_at=ONE.now)
    assert expected == gone
    assert 1 == len(decide(ended(called(task, "permanent"), reason="provider_refused"), TWO))
    assert 1 == len(decide(ended(called(TASK, "permanent"), reason="unregistered_device"), TWO))


@pytest.mark.spec("NS-SND-044 NS-OPS-OP-05 NS-OPS-043")
def test_a_temporary_error_tries_the_next_provider_before_waiting() -> None:
    outcomes = decide(called(TASK, "temporary"), TWO)
    assert [("retrying", "provider_unavailable")] == words(outcomes)
    assert ("second", 2, ["first"]) == (
        call(outcomes).provider,
        call(outcomes).task.attempt,
        call(outcomes).task.tried,
    )


@pytest.mark.spec("NS-SND-OP-13")
def test_after_the_last_provider_a_timer_waits_and_the_next_pass_starts_anew() -> None:
    tried = replace(TASK, attempt=2, tried=["first"])
    due = timer(decide(called(tried, "temporary", "second"), TWO))
    assert due.due_at == T0 + backoff_ms(TASK.message_id, 0)
    assert (3, 1, []) == (due.task.attempt, due.task.passes, due.task.tried)
    assert [ProviderCall(task=due.task, provider="first")] == decide(due, TWO)


def test_the_second_pass_waits_longer_than_the_first() -> None:
    first = timer(decide(called(TASK, "temporary"), ONE))
    second = timer(decide(called(first.task, "temporary"), ONE))
    assert second.due_at - T0 == backoff_ms(TASK.message_id, 1)


@pytest.mark.spec("NS-SND-OP-13")
def test_the_sixth_temporary_error_is_the_last() -> None:
    last = ended(called(replace(TASK, attempt=6), "temporary"), detail="421 later")
    (fact,) = decide(last, TWO)
    assert isinstance(fact, AttemptEnded)
    assert ("failed", "attempts_exhausted", "provider_unavailable: 421 later") == (
        fact.status,
        fact.reason,
        fact.detail,
    )


def test_no_timer_is_set_at_or_beyond_the_expiry() -> None:
    short = replace(TASK, expires_at=T0 + backoff_ms(TASK.message_id, 0))
    assert [("failed", "attempts_exhausted")] == words(decide(called(short, "temporary"), ONE))


def test_a_timer_that_fires_late_fails_a_message_that_was_tried() -> None:
    due = RetryDue(task=replace(TASK, attempt=2), due_at=T0)
    assert [("failed", "attempts_exhausted")] == words(decide(due, Moment(TASK.expires_at, ["first"])))


@pytest.mark.spec("NS-SND-064 NS-SND-OP-14")
def test_a_limit_waits_as_long_as_told_and_spends_no_attempt() -> None:
    outcomes = decide(ended(called(TASK, "limited"), retry_after_ms=60 * SECOND), TWO)
    assert [("retrying", "provider_limited")] == words(outcomes)
    assert timer(outcomes).due_at >= T0 + 60 * SECOND
    assert (1, 1) == (timer(outcomes).task.attempt, timer(outcomes).task.waits)


def test_a_limit_beyond_the_expiry_fails() -> None:
    answer = ended(called(TASK, "limited"), retry_after_ms=2 * DAY)
    assert [("failed", "provider_limited")] == words(decide(answer, ONE))


def test_two_waits_for_the_limit_are_two_facts() -> None:
    first = decide(called(TASK, "limited"), ONE)
    second = decide(called(timer(first).task, "limited"), ONE)
    ids = {o.event_id for o in [*first, *second] if isinstance(o, AttemptEnded)}
    assert len(ids) == 2


@pytest.mark.spec("NS-SND-063 NS-SND-OP-14")
def test_refused_credentials_go_to_the_next_provider_without_spending_an_attempt() -> None:
    outcomes = decide(called(TASK, "misconfigured"), TWO)
    assert [("retrying", "provider_misconfigured")] == words(outcomes)
    assert ("second", 1) == (call(outcomes).provider, call(outcomes).task.attempt)


def test_refused_credentials_of_the_only_provider_fail_the_message() -> None:
    assert [("failed", "provider_misconfigured")] == words(decide(called(TASK, "misconfigured"), ONE))


def test_a_provider_with_refused_credentials_is_left_out_of_later_passes() -> None:
    tried = replace(TASK, attempt=2, tried=["second"])
    due = timer(decide(called(tried, "misconfigured", "first"), TWO))
    assert "second" == call(decide(due, TWO)).provider


def test_when_only_barred_providers_are_left_the_message_fails() -> None:
    due = RetryDue(task=replace(TASK, attempt=2, barred=["first"]), due_at=T0)
    assert [("failed", "provider_misconfigured")] == words(decide(due, ONE))


def test_a_lapsed_call_is_begun_again_as_the_same_attempt() -> None:
    assert [ProviderCall(task=TASK, provider="first")] == decide(called(TASK, "lapsed"), ONE)


def test_a_lapsed_call_that_became_too_old_is_not_begun() -> None:
    assert [("expired", "too_late")] == words(
        decide(called(TASK, "lapsed"), Moment(TASK.expires_at, ["first"]))
    )


def test_an_unheard_of_verdict_is_a_defect() -> None:
    with pytest.raises(ValueError, match="perhaps"):
        decide(called(TASK, "perhaps"), ONE)


def test_the_same_fact_has_the_same_id_on_a_replay() -> None:
    assert decide(called(TASK, "accepted"), ONE) == decide(called(TASK, "accepted"), ONE)


@pytest.mark.spec("NS-SND-019")
async def test_the_agent_takes_the_providers_of_the_channel_by_priority() -> None:
    reference = MemoryReference(
        active=[
            Provider(name="cheap", channel_type="email", kind="smtp", priority=1),
            Provider(name="good", channel_type="email", kind="smtp", priority=9),
            Provider(name="other", channel_type="sms", kind="fake_sms", priority=99),
        ]
    )
    events = [
        FakeEvent(TASK),
        FakeEvent(called(TASK, "temporary", "good")),
        FakeEvent(called(TASK, "accepted")),
    ]
    memory = Memory(MemoryTable(), MemoryTable())
    outcomes = [outcome async for outcome in deliver(FakeStream(events, now=T0), memory, reference)]
    calls = [outcome.provider for outcome in outcomes if isinstance(outcome, ProviderCall)]
    assert ["good", "cheap"] == calls
    assert [("retrying", "provider_unavailable"), ("sent", None)] == words(outcomes)
