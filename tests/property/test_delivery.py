"""Delivery under any answers of any providers, any delay of timers and any change of the active providers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import Input, decide
from schemas.records import AttemptEnded, CallEnded, ProviderCall, RetryDue
from schemas.words import Verdict
from tests.messages import SECOND, T0, TASK

NAMES = ["a", "b", "c"]
SPENDING = {Verdict.TEMPORARY, Verdict.HIDDEN}


@dataclass(frozen=True, slots=True)
class Answer:
    """How the next call ends, what is active by then and how much later that is."""

    verdict: Verdict
    active: list[str]
    delay: int
    retry_after: int | None


@dataclass(slots=True)
class Story:
    """What one message went through."""

    facts: list[AttemptEnded] = field(default_factory=list)
    calls: list[tuple[ProviderCall, int]] = field(default_factory=list)
    spent: int = 0
    timers: list[tuple[RetryDue, int]] = field(default_factory=list)
    is_over: bool = False


ANSWERS = st.lists(
    st.builds(
        Answer,
        verdict=st.sampled_from(Verdict),
        active=st.lists(st.sampled_from(NAMES), unique=True),
        delay=st.integers(0, 30 * SECOND),
        retry_after=st.none() | st.integers(0, 100 * SECOND),
    ),
    max_size=40,
)
TASKS = st.builds(
    lambda policy, most, ttl: replace(TASK, unknown_policy=policy, max_attempts=most, expires_at=T0 + ttl),
    policy=st.sampled_from(["repeat", "hold", "ask"]),
    most=st.integers(1, 6),
    ttl=st.integers(0, 4_000 * SECOND),
)


def told(task: Input, active: list[str], answers: list[Answer]) -> Story:
    """Play the engine: run effects and timers one after the other until nothing follows or answers end."""
    story, now, step = Story(), T0, task
    moment = Moment(now, active)
    for answer in [*answers, None]:
        outcomes = decide(step, moment)
        story.facts += [o for o in outcomes if isinstance(o, AttemptEnded)]
        calls = [o for o in outcomes if isinstance(o, ProviderCall)]
        timers = [o for o in outcomes if isinstance(o, RetryDue)]
        assert len(calls) + len(timers) <= 1, "a message goes one way at a time"
        story.calls += [(call, now) for call in calls]
        story.timers += [(timer, now) for timer in timers]
        if not calls and not timers:
            story.is_over = True
            return story
        if answer is None:
            return story
        now = max([now, *(timer.due_at for timer in timers)]) + answer.delay
        moment = Moment(now, answer.active)
        step = timers[0] if timers else _ended(calls[0], answer)
        story.spent += len([call for call in calls if not call.ask and answer.verdict in SPENDING])
    return story


def _ended(call: ProviderCall, answer: Answer) -> CallEnded:
    return CallEnded(call=call, verdict=answer.verdict, retry_after_ms=answer.retry_after)


@pytest.mark.spec("NS-SND-OP-13")
@given(TASKS, ANSWERS)
def test_a_message_never_has_more_attempts_than_allowed(task: Input, answers: list[Answer]) -> None:
    story = told(task, NAMES, answers)
    allowed = story.calls[0][0].task.max_attempts if story.calls else 6
    assert all(call.task.attempt <= allowed for call, _ in story.calls)
    assert all(fact.attempt <= allowed for fact in story.facts)
    assert story.spent <= allowed


@pytest.mark.spec("NS-SND-OP-13")
@given(TASKS, ANSWERS)
def test_nothing_is_sent_at_the_expiry_or_scheduled_beyond_it(task: Input, answers: list[Answer]) -> None:
    story = told(task, NAMES, answers)
    assert all(now < call.task.expires_at for call, now in story.calls if not call.ask)
    assert all(now < timer.due_at <= timer.task.expires_at for timer, now in story.timers)


@given(TASKS, ANSWERS)
def test_every_fact_has_its_own_id(task: Input, answers: list[Answer]) -> None:
    ids = [fact.event_id for fact in told(task, NAMES, answers).facts]
    assert len(ids) == len(set(ids))


@given(TASKS, ANSWERS)
def test_a_message_that_is_over_has_ended_in_one_known_way(task: Input, answers: list[Answer]) -> None:
    story = told(task, NAMES, answers)
    ends = [f.status for f in story.facts if f.status not in {"retrying", "unknown", "delivered"}]
    held = [f.status for f in story.facts if f.status == "unknown"]
    assert len(ends) <= 1
    assert not story.is_over or ends or held


@pytest.mark.spec("NS-SND-OP-12")
@given(TASKS, ANSWERS)
def test_every_hidden_answer_is_listed_and_every_epoch_has_one_behind_it(
    task: Input, answers: list[Answer]
) -> None:
    story = told(task, NAMES, answers)
    hidden = {fact.epoch for fact in story.facts if fact.reason == "answer_hidden"}
    epochs = {call.task.epoch for call, _ in story.calls}
    assert epochs <= {0} | {epoch + 1 for epoch in hidden}


@given(TASKS, ANSWERS)
def test_a_replay_tells_the_same_story(task: Input, answers: list[Answer]) -> None:
    assert told(task, NAMES, answers) == told(task, NAMES, answers)
