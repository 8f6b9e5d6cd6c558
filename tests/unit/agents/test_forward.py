"""Facts on their way to consumers' APIs: retries, ends, queues and breakers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from schemas.records import SeenDue, SeenParcel
from schemas.seen_figures import Result, SeenPaused, SeenTried
from schemas.words import Verdict
from tables.consumers import MOST_FAILURES
from tests.consumers import TAG, SeenTask, api, tag_of
from tests.fakes import MemoryReference
from tests.messages import DAY, SECOND, T0


def task_with(*targets: object, **more: object) -> SeenTask:
    return SeenTask(MemoryReference(tags=[tag_of(*targets, **more)]))  # type: ignore[arg-type]


def results(task: SeenTask) -> list[Result]:
    return [one.result for _, one in task.log if isinstance(one, SeenTried)]


def test_a_fact_that_is_taken_is_done() -> None:
    task = task_with(api("a"))
    task.post()
    task.wait(40)
    task.answer(task.calls[0], Verdict.ACCEPTED)
    assert [SeenTried(TAG, "a", Result.OK, 40)] == [o for _, o in task.log if isinstance(o, SeenTried)]
    assert ([], {}, {}) == (task.calls, task.timers, task.parcels.rows)


def test_a_refusal_is_given_up_at_once_with_its_reason() -> None:
    task = task_with(api("a"))
    task.post()
    task.answer(task.calls[0], Verdict.PERMANENT)
    (failed,) = task.failed()
    assert ("refused", "a", "503", 0) == (failed.reason, failed.destination, failed.detail, failed.attempts)
    assert [Result.FAILED] == results(task)


@pytest.mark.spec("SEEN-071")
def test_failures_wait_twice_as_long_each_time_up_to_ten_minutes() -> None:
    task = task_with(api("a"))
    task.post()
    waits = []
    for _ in range(14):
        (call,) = task.calls
        task.answer(call, Verdict.TEMPORARY)
        (due,) = (timer for timer in task.timers.values() if timer.parcel)
        waits.append(due.due_at - task.now)
        task.wait(due.due_at - task.now + 60 * SECOND)
    assert all(SECOND << turn <= wait <= 1.25 * (SECOND << turn) for turn, wait in enumerate(waits[:8]))
    assert all(earlier < later for earlier, later in pairwise(waits[:9]))
    assert max(waits) <= 600 * SECOND < 1.3 * max(waits)


@pytest.mark.spec("SEEN-072")
def test_after_max_attempts_it_is_given_up() -> None:
    task = task_with(api("a", max_attempts=2))
    task.post()
    task.answer(task.calls[0], Verdict.TEMPORARY)
    task.wait(2 * SECOND)
    task.answer(task.calls[0], Verdict.TEMPORARY)
    assert [("attempts_exhausted", 2)] == [(one.reason, one.attempts) for one in task.failed()]
    assert [Result.RETRY, Result.FAILED] == results(task)


@pytest.mark.spec("SEEN-OP-16")
@pytest.mark.parametrize(("remember_for_s", "at_most"), [(3600, 3600 * SECOND), (30 * 86_400, 7 * DAY)])
def test_without_a_limit_it_is_tried_while_it_is_remembered_and_seven_days_at_most(
    remember_for_s: int, at_most: int
) -> None:
    task = task_with(api("a"), remember_for_s=remember_for_s)
    task.post()
    while not task.failed():
        if task.calls:
            task.answer(task.calls[0], Verdict.TEMPORARY)
        task.wait(60 * SECOND)
    assert ["out_of_time"] == [one.reason for one in task.failed()]
    assert at_most - 15 * 60 * SECOND <= task.now - T0 <= at_most + 2 * 60 * SECOND


@pytest.mark.spec("SEEN-056")
def test_a_hidden_call_is_repeated_at_once_with_the_same_key_and_spends_no_attempt() -> None:
    task = task_with(api("a", max_attempts=1))
    task.post()
    (first,) = task.calls
    task.answer(first, Verdict.HIDDEN)
    (again,) = task.calls
    assert replace(first.parcel, calls=2) == again.parcel
    assert [Result.HIDDEN] == results(task)


def test_a_call_that_was_never_begun_is_begun_again_and_counted_nowhere() -> None:
    task = task_with(api("a"))
    task.post()
    task.answer(task.calls[0], Verdict.LAPSED)
    assert (1, []) == (len(task.calls), results(task))


@pytest.mark.spec("SEEN-OP-18")
def test_beyond_its_share_facts_wait_in_their_order() -> None:
    task = task_with(api("a", in_flight=2))
    for _ in range(5):
        task.post()
    assert (2, 3) == (len(task.calls), task.consumer("a").waiting)
    order = []
    while task.calls:
        order.append(task.calls[0].parcel.user_key)
        task.answer(task.calls[0], Verdict.ACCEPTED)
    assert [f"user:u-{number}" for number in range(1, 6)] == order
    assert {} == task.parcels.rows


def test_a_dead_consumer_is_tried_by_one_call_at_a_time_and_found_again() -> None:
    task = task_with(api("a", in_flight=8))
    for _ in range(30):
        task.post()
    while task.calls:
        task.answer(task.calls[0], Verdict.TEMPORARY)
    assert task.consumer("a").pauses
    before = task.consumer("a").waiting
    assert 30 - MOST_FAILURES - 8 + 1 <= before
    task.wait(2 * SECOND)
    assert 1 == len(task.calls)
    retries = len([timer for timer in task.timers.values() if timer.parcel])
    assert 30 == task.consumer("a").waiting + retries + 1
    task.answer(task.calls[0], Verdict.ACCEPTED)
    assert 8 == len(task.calls)
    paused = [one.until for _, one in task.log if isinstance(one, SeenPaused)]
    assert paused[0] > T0
    assert 0 == paused[-1]


def test_facts_that_wait_for_a_dead_consumer_spend_no_attempts() -> None:
    task = task_with(api("a", in_flight=1, max_attempts=3))
    for _ in range(50):
        task.post()
    for _ in range(20):
        if task.calls:
            task.answer(task.calls[0], Verdict.TEMPORARY)
        task.wait(60 * SECOND)
    assert len(task.failed()) <= 20 / 3 + 1
    assert task.consumer("a").waiting > 30


@pytest.mark.spec("SEEN-OP-16")
def test_what_waited_too_long_is_given_up_a_hundred_at_a_time() -> None:
    task = task_with(api("a", in_flight=1), remember_for_s=60)
    for _ in range(351):
        task.post()
    task.wait(61 * SECOND)
    task.answer(task.calls[0], Verdict.ACCEPTED)
    assert 100 == len(task.failed())
    task.wait(0)
    assert (350, 0, {}) == (len(task.failed()), task.consumer("a").waiting, task.parcels.rows)


def test_when_a_destination_is_taken_out_of_the_tag_its_facts_are_given_up() -> None:
    task = task_with(api("a", in_flight=1), api("b"))
    for _ in range(3):
        task.post()
    task.reference.tags[:] = [tag_of(api("b"))]
    task.answer(task.calls_of("a")[0], Verdict.TEMPORARY)
    assert ["unconfigured"] * 3 == [one.reason for one in task.failed()]
    assert {"unknown"} == {one.destination for _, one in task.log if isinstance(one, SeenTried)}
    assert 3 == len(task.calls_of("b"))


def test_a_fact_sent_again_by_a_person_begins_anew_for_that_destination_only() -> None:
    task = task_with(api("a", max_attempts=1), api("b"))
    task.post()
    parcel: SeenParcel = task.calls_of("a")[0].parcel
    task.answer(task.calls_of("a")[0], Verdict.TEMPORARY)
    task.wait(DAY)
    task.posts += 1
    task.take(replace(parcel, attempts=1))
    (again,) = task.calls_of("a")
    assert (0, 1, parcel.fact_id) == (again.parcel.attempts, again.parcel.calls, again.parcel.fact_id)
    assert again.parcel.origin != parcel.origin
    task.answer(again, Verdict.ACCEPTED)
    assert SeenTried(TAG, "a", Result.OK, None) == next(
        one for _, one in reversed(task.log) if isinstance(one, SeenTried)
    )
    assert 1 == len(task.calls_of("b"))


def test_a_timer_of_a_queue_that_is_empty_by_then_does_nothing() -> None:
    task = task_with(api("a"))
    task.take(SeenDue(tag=TAG, destination="a", due_at=T0))
    assert [] == task.log
