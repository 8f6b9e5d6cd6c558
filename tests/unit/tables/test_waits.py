"""Table `waits`."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import FallbackPlanned
from schemas.words import Status
from tables.waits import KEEP_MS, Wait, key_of
from tests.messages import QUEUED
from tests.requests import REQUEST, T0

PLAN = FallbackPlanned(
    request=REQUEST,
    message_ids=["m1", "m2"],
    channels=["push"],
    after_ms=600,
    planned_at=T0,
    expires_at=T0 + 3600,
)
WAIT = Wait.of(PLAN)


def test_time_runs_from_the_plan_and_anew_from_the_first_sending() -> None:
    sent = WAIT.learn("m1", Status.SENT, T0 + 100, T0 + 101)
    assert sent is not None
    assert (T0 + 600, T0 + 700) == (WAIT.due_at, sent.due_at)
    assert sent is sent.learn("m2", Status.SENT, T0 + 300, T0 + 301)


@pytest.mark.spec("NS-SND-OP-05")
def test_one_message_that_was_seen_is_enough() -> None:
    """NS-SND-OP-05: one of several devices."""
    for status in (Status.DELIVERED, Status.OPENED, Status.CLICKED):
        assert WAIT.learn("m2", status, None, T0) is None
        assert WAIT.asked().learn("m2", status, None, T0) is None


def test_when_every_message_is_lost_the_time_is_over_at_once() -> None:
    one = WAIT.learn("m1", Status.FAILED, None, T0 + 5)
    assert one is not None
    assert (T0 + 600, one) == (one.due_at, one.learn("m1", Status.FAILED, None, T0 + 6))
    both = one.learn("m2", Status.FAILED, None, T0 + 7)
    assert both is not None
    assert T0 + 7 == both.due_at


def test_what_says_nothing_about_being_seen_changes_nothing() -> None:
    for status in (Status.PENDING, Status.UNKNOWN):
        assert WAIT is WAIT.learn("m1", status, None, T0)
    assert WAIT is WAIT.learn("other", Status.OPENED, T0, T0)
    asked = WAIT.asked()
    assert asked is asked.learn("m1", Status.SENT, T0, T0)
    assert asked is asked.learn("m1", Status.FAILED, None, T0)


def test_a_row_outlives_the_question() -> None:
    assert T0 + 3600 + KEEP_MS == WAIT.ends_at
    assert T0 + 9000 + KEEP_MS == replace(WAIT, due_at=T0 + 9000).ends_at


def test_a_request_and_its_messages_have_one_key_and_other_requests_others() -> None:
    parts = {"request_id": "r", "source": "s", "user_id": "u", "idempotency_key": "k"}
    key = key_of(replace(REQUEST, **parts))
    assert key == key_of(replace(QUEUED, **parts))
    assert all(key != key_of(replace(QUEUED, **(parts | {name: "x"}))) for name in parts)
