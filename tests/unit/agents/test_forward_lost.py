"""Queues of consumers when something is lost: a result, time, or the newest reference data."""

from __future__ import annotations

import pytest

from schemas.records import SeenTag
from schemas.words import Verdict
from tables.consumers import FORGOTTEN_MS, MOST_FAILURES
from tests.consumers import SeenTask, api, tag_of
from tests.fakes import MemoryReference
from tests.messages import DAY, SECOND


def task_with(*targets: object, **more: object) -> SeenTask:
    return SeenTask(MemoryReference(tags=[tag_of(*targets, **more)]))  # type: ignore[arg-type]


def test_a_buried_call_does_not_stop_its_queue_though_nothing_else_comes() -> None:
    task = task_with(api("a", in_flight=1))
    for _ in range(3):
        task.post()
    task.bury(task.calls[0])
    task.wait(FORGOTTEN_MS + SECOND)
    assert 1 == len(task.calls)


def test_a_buried_call_of_a_busy_consumer_gives_its_place_back() -> None:
    task = task_with(api("a", in_flight=2))
    for _ in range(200):
        task.post()
    task.bury(task.calls[0])
    for _ in range(70):
        task.wait(60 * SECOND)
        task.answer(task.calls[0], Verdict.ACCEPTED)
    assert 2 == len(task.calls)
    looking = [timer for timer in task.timers.values() if timer.parcel is None]
    assert 1 == len(looking)


def test_results_of_forgotten_calls_count_for_no_other() -> None:
    """The worker was away for so long; what it had open is told late."""
    task = task_with(api("a", in_flight=2))
    for _ in range(2):
        task.post()
    old = list(task.calls)
    task.now += FORGOTTEN_MS + SECOND
    for _ in range(5):
        task.post()
    for call in old:
        task.answer(call, Verdict.ACCEPTED)
    assert 2 == len(task.calls) == task.consumer("a").open_calls


def test_a_pause_of_a_clock_that_was_ahead_is_over() -> None:
    task = task_with(api("a", in_flight=1))
    task.now += 365 * DAY
    for _ in range(MOST_FAILURES):
        task.post()
        task.answer(task.calls[0], Verdict.TEMPORARY)
    assert task.consumer("a").resumes_at > task.now
    task.now -= 365 * DAY
    task.post()
    assert 1 == len(task.calls)


class Lagging(MemoryReference):
    """`written` is in the topic, and not read yet."""

    written: list[SeenTag]
    reaches = True

    async def find_tag(self, tag: str) -> SeenTag | None:
        if not self.reaches:
            raise Unreachable
        self.tags[:] = self.written
        return self.tag(tag)


class Unreachable(Exception):  # noqa: N818 - as the engine's `NotYet`
    pass


@pytest.mark.parametrize("old", [[], [tag_of(api("b"))]], ids=["no tag", "no such destination"])
def test_no_queue_is_given_up_by_a_worker_whose_reference_data_is_old(old: list[SeenTag]) -> None:
    task = task_with(api("a", in_flight=1))
    for _ in range(3):
        task.post()
    reference = Lagging(tags=list(old))
    reference.written = [tag_of(api("a", in_flight=1))]
    task.reference = reference
    task.answer(task.calls[0], Verdict.ACCEPTED)
    assert ([], 1) == (task.failed(), len(task.calls))


def test_what_cannot_be_known_yet_gives_up_nothing() -> None:
    task = task_with(api("a", in_flight=1))
    task.post()
    reference = Lagging()
    reference.reaches = False
    task.reference = reference
    with pytest.raises(Unreachable):
        task.answer(task.calls[0], Verdict.ACCEPTED)
    assert [] == task.failed()
