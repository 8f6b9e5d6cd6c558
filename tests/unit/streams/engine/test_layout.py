"""Who may run while a stage changes its number of tasks, and by how many tasks its keys are spread."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiokafka.structs import TopicPartition

from streams.engine.api import Input, NotYet, Stage, StageFailedError
from streams.engine.layout import Layout, Layouts, Phase
from streams.engine.offsets import PartitionCounts
from streams.engine.relayout import Relayout
from tests.unit.streams.engine.lives import CONFIG

STAGE = Stage("count", (Input("in", bytes), Input("more", bytes)))


def layout(phase: Phase) -> Layout:
    return Layout(4, 12, phase)


@dataclass(slots=True)
class Admin:
    """Answers with the counts it has."""

    counts: dict[str, int] = field(default_factory=dict)

    async def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        return [
            {"topic": topic, "error_code": 0, "partitions": [None] * self.counts[topic]}
            for topic in topics
            if topic in self.counts
        ]


def known(phase: Phase | None) -> Layouts:
    """What a worker knows that has read one record, or none."""
    layouts = Layouts(CONFIG)
    if phase is not None:
        layouts._take(b"count", msgspec.json.encode(layout(phase)))
    return layouts


@pytest.mark.parametrize(
    ("phase", "expected"),
    [(Phase.GROW, range(4)), (Phase.DRAIN, range(4)), (Phase.MOVE, ()), (Phase.DONE, range(12))],
)
def test_each_phase_admits_its_tasks(phase: Phase, expected: range) -> None:
    assert list(expected) == [task for task in range(12) if layout(phase).admits(task)]


@pytest.mark.parametrize(
    ("phase", "expected"), [(None, 12), (Phase.GROW, 4), (Phase.DRAIN, 4), (Phase.DONE, 12)]
)
async def test_keys_are_spread_by_the_tasks_that_run_not_by_the_partitions_there_are(
    phase: Phase | None, expected: int
) -> None:
    """Mutation: `cleared` gives the inputs' count in every phase."""
    counts = PartitionCounts(cast("Any", Admin({"in": 12, "more": 12})), known(phase))
    assert expected == await counts.cleared(STAGE, 1)


@pytest.mark.parametrize(("phase", "task"), [(Phase.DRAIN, 4), (Phase.MOVE, 0)])
async def test_a_task_that_may_not_run_waits_behind_its_fence(phase: Phase, task: int) -> None:
    counts = PartitionCounts(cast("Any", Admin({"in": 12, "more": 12})), known(phase))
    with pytest.raises(NotYet, match=r"^scaling$"):
        await counts.cleared(STAGE, task)


async def test_an_older_answer_of_fewer_partitions_is_not_believed() -> None:
    """Mutation: `refresh` takes the last answer as it is."""
    admin = Admin({"in": 12})
    counts = PartitionCounts(cast("Any", admin))
    await counts.refresh(["in"])
    admin.counts["in"] = 4
    await counts.refresh()
    assert 12 == counts.count("in")


async def test_counts_differ_only_while_topics_grow() -> None:
    admin = cast("Any", Admin({"in": 12, "more": 4}))
    assert 12 == await PartitionCounts(admin, known(Phase.GROW)).check(STAGE, CONFIG)
    for phase in (None, Phase.DONE):
        with pytest.raises(StageFailedError, match="in=12, more=4"):
            await PartitionCounts(admin, known(phase)).check(STAGE, CONFIG)


def test_answers_of_workers_are_no_layouts() -> None:
    layouts = known(Phase.MOVE)
    layouts._take(b"count/worker-0", b"{}")
    assert layout(Phase.MOVE) == layouts.of("count")


def test_tasks_that_may_not_run_are_not_taken_and_the_listener_hears_of_it() -> None:
    layouts = known(Phase.DRAIN)
    tps = {number: (TopicPartition("in", number),) for number in (1, 5, 9)}
    heard: list[None] = []
    membership = SimpleNamespace(tasks=tps, changed=SimpleNamespace(set=lambda: heard.append(None)))
    relayout = Relayout("count", layouts, cast("Any", membership), cast("Any", []))
    assert {1: tps[1]} == relayout.admitted()
    layouts._take(b"count", msgspec.json.encode(layout(Phase.DONE)))
    assert [None] == heard
    assert tps == relayout.admitted()


def test_a_count_is_explained_by_the_change_that_made_it() -> None:
    def explains(phase: Phase | None, count: int) -> bool:
        relayout = Relayout("count", known(phase), cast("Any", None), cast("Any", None))
        return relayout.explains(count)

    assert [False, True, True, False] == [
        explains(None, 12),
        explains(Phase.DRAIN, 12),
        explains(Phase.DONE, 12),
        explains(Phase.DONE, 24),
    ]
