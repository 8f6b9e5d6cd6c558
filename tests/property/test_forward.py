"""Consumers' APIs under any interleaving of posts, answers, crashes and pauses."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import SeenCall, SeenFailed
from schemas.words import Verdict
from tables.consumers import key_of, place_of
from tests.consumers import TAG, SeenTask, api, tag_of
from tests.fakes import MemoryReference

LIVE, DEAD = "live", "dead"
LIVES = [Verdict.ACCEPTED, Verdict.TEMPORARY, Verdict.PERMANENT, Verdict.HIDDEN, Verdict.LAPSED]
DIES = [Verdict.TEMPORARY, Verdict.HIDDEN, Verdict.LAPSED]


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next: a post, an answer to the `which`-th open call of one of them, or time passes."""

    what: str
    which: int
    verdict: Verdict
    wait_ms: int


def steps(what: list[str]) -> st.SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Step,
            what=st.sampled_from(what),
            which=st.integers(0, 9),
            verdict=st.sampled_from(LIVES),
            wait_ms=st.sampled_from([0, 1, 700, 5_000, 45_000]),
        ),
        max_size=60,  # under an hour in all: a call that hangs for longer is forgotten
    )


BURY = {"bury live": LIVE, "bury dead": DEAD}
STEPS = steps(["post", "post", "post", LIVE, LIVE, DEAD, "wait", "wait", *BURY])


def new_task() -> SeenTask:
    targets = (api(LIVE, in_flight=3, max_attempts=4), api(DEAD, in_flight=2))
    return SeenTask(MemoryReference(tags=[tag_of(*targets, remember_for_s=600)]))


def play(task: SeenTask, story: list[Step], *, answers_of_the_dead: bool = True) -> None:
    for step in story:
        match step.what:
            case "post":
                task.post()
            case "wait":
                task.wait(step.wait_ms)
            case "bury live" | "bury dead" as what:
                if calls := task.calls_of(BURY[what]):
                    task.bury(calls[step.which % len(calls)])
            case name:
                verdict = step.verdict if name == LIVE else DIES[step.which % len(DIES)]
                calls = task.calls_of(name)
                if calls and (name == LIVE or answers_of_the_dead):
                    task.answer(calls[step.which % len(calls)], verdict)
        check(task)


def check(task: SeenTask) -> None:
    """Between any two events."""
    for name, most in ((LIVE, 3), (DEAD, 2)):
        row = task.consumer(name)
        known = [call.parcel for call in task.calls_of(name)]
        known += [parcel for parcel in task.buried if parcel.destination == name]
        assert {f"{parcel.origin}/{parcel.calls}" for parcel in known} == row.began.keys()
        assert row.open_calls <= most
        timers = [due for due in task.timers.values() if due.destination == name and due.parcel is None]
        assert not row.waiting or timers, "what waits would be forgotten"
    places = {
        place_of(key_of(TAG, name), number)
        for name in (LIVE, DEAD)
        for number in range(task.consumer(name).first, task.consumer(name).after)
    }
    assert places == task.parcels.rows.keys()


def where(task: SeenTask) -> Counter[tuple[str | None, str]]:
    """Every fact and destination, once for each place it is at."""
    parcels = [call.parcel for call in task.calls]
    parcels += [parcel for parcel, _ in task.parcels.rows.values()]
    parcels += [due.parcel for due in task.timers.values() if due.parcel]
    parcels += [*task.done, *task.buried]
    found = Counter((parcel.user_key, parcel.destination) for parcel in parcels)
    return found + Counter((one.user_key, one.destination) for one in task.failed())


@pytest.mark.spec("SEEN-OP-14")
@settings(deadline=None)
@given(STEPS)
def test_every_fact_is_at_one_place_for_each_destination(story: list[Step]) -> None:
    task = new_task()
    play(task, story)
    users = [f"user:u-{number}" for number in range(1, task.posts + 1)]
    assert Counter((user, name) for user in users for name in (LIVE, DEAD)) == where(task)


def of_live(task: SeenTask) -> list[tuple[int, str, str | None, int]]:
    """All that was called and given up, and when."""
    found = []
    for at, one in task.log:
        if isinstance(one, SeenCall) and one.parcel.destination == LIVE:
            found.append((at, "call", one.parcel.user_key, one.parcel.calls))
        if isinstance(one, SeenFailed) and one.destination == LIVE:
            found.append((at, "given up", one.user_key, one.attempts))
    return found


@pytest.mark.spec("SEEN-061 SEEN-OP-18")
@settings(deadline=None)
@given(STEPS)
def test_a_dead_destination_never_delays_another(story: list[Step]) -> None:
    """Whether it hangs or fails: what the other one gets, and when, is the same."""
    failing, hanging = new_task(), new_task()
    play(failing, story)
    play(hanging, story, answers_of_the_dead=False)
    alone = SeenTask(
        MemoryReference(tags=[tag_of(api(LIVE, in_flight=3, max_attempts=4), remember_for_s=600)])
    )
    for step in story:
        if step.what == "post":
            alone.post()
        elif step.what == "wait":
            alone.wait(step.wait_ms)
        elif step.what == LIVE and (calls := alone.calls_of(LIVE)):
            alone.answer(calls[step.which % len(calls)], step.verdict)
        elif step.what == "bury live" and (calls := alone.calls_of(LIVE)):
            alone.bury(calls[step.which % len(calls)])
    assert of_live(alone) == of_live(failing) == of_live(hanging)


@settings(deadline=None)
@given(STEPS, st.integers(1, 30))
def test_once_everybody_answers_everything_ends(story: list[Step], posts: int) -> None:
    task = new_task()
    play(task, story)
    for _ in range(posts):
        task.post()
    for _ in range(40):
        task.wait(600_000)
        while task.calls:
            task.answer(task.calls[0], Verdict.ACCEPTED)
    assert ([], {}, {}) == (task.calls, task.timers, task.parcels.rows)
    assert {0} == {task.consumer(name).at(task.now).open_calls for name in (LIVE, DEAD)}
    ended = Counter((parcel.user_key, parcel.destination) for parcel in task.done)
    ended += Counter((one.user_key, one.destination) for one in task.failed())
    assert {1} >= set(ended.values())
    assert 2 * task.posts == ended.total() + len(task.buried)
