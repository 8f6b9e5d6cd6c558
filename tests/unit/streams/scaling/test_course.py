"""A change goes on past servers that are away; it ends when another command has it, or refuses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiokafka.errors import (
    NodeNotReadyError,
    NotCoordinatorForGroupError,
    ProducerFenced,
    TransactionalIdAuthorizationFailed,
)

from streams.engine.api import EngineConfig
from streams.engine.layout import Phase
from streams.scaling import course as course_module
from streams.scaling import workers as workers_module
from streams.scaling.course import Course, Report
from streams.scaling.plan import ScaleError
from tests.unit.streams.scaling.grounds import CONFIG, LOG, Copies, Ground, Topics, at

NEXT = {
    "prepare": Phase.GROW,
    "grow": Phase.DRAIN,
    "drain": None,
    "move": Phase.DONE,
}


@dataclass(slots=True)
class Steps:
    """In place of `hand` and `Change`: writes down each step, and fails as it is told.

    `failing`: by step, errors before it does anything; `hidden`: errors after it has done all.
    """

    ground: Ground
    topics: Topics
    failing: dict[str, list[Exception]] = field(default_factory=dict)
    hidden: dict[str, list[Exception]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def hand(self, _config: EngineConfig) -> AsyncIterator[None]:
        self.ground.asked.append("fence")
        self._fail("hand", self.failing)
        yield None

    def change(self, *_: object) -> Any:
        return self

    async def prepare(self, _most_behind: int) -> None:
        self._step("prepare")

    async def grow(self) -> None:
        self._step("grow")

    async def drain(self, _copies: object) -> None:
        self._step("drain")

    async def move(self, _copies: object) -> None:
        self.ground.layout = at(Phase.MOVE)
        self._step("move")

    def _step(self, name: str) -> None:
        self._fail(name, self.failing)
        self.ground.asked.append(name)
        if phase := NEXT[name]:
            self.ground.layout = at(phase)
            count = 4 if phase is Phase.GROW else 12
            self.topics.counts = dict.fromkeys(("outcomes", LOG), count)
        self._fail(name, self.hidden)

    @staticmethod
    def _fail(name: str, errors: dict[str, list[Exception]]) -> None:
        if errors.get(name):
            raise errors[name].pop(0)

    async def run(self, new: int = 12) -> Report:
        topics = cast("Any", self.topics)
        return await Course(CONFIG, topics, "status", new, lambda *_: b"", self.told.append, 1).run()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    ground = Ground()
    found = Steps(ground, Topics())
    for module in (course_module, workers_module):
        monkeypatch.setattr(module, "layouts", ground.layouts)
    monkeypatch.setattr(course_module, "hand", found.hand)
    monkeypatch.setattr(course_module, "Change", found.change)
    monkeypatch.setattr(course_module, "Copies", lambda *_: Copies(ground))
    monkeypatch.setattr(course_module, "AGAIN_S", 0.0)
    return found


def counts(report: Report) -> tuple[int, int, int, bool]:
    return report.old, report.new, report.moved, report.opened_s is not None


async def test_steps_follow_each_other_each_behind_a_fence(steps: Steps) -> None:
    assert (4, 12, 2, True) == counts(await steps.run())
    assert ["fence", "prepare", "fence", "grow", "fence", "drain", "move"] == steps.ground.asked
    assert [] == steps.told


async def test_a_server_that_is_away_in_the_middle_does_not_leave_the_stage_stopped(steps: Steps) -> None:
    """Mutations: `run` does not repeat; a repeated step goes by the phase of before and drains again."""
    steps.failing = {
        "grow": [NodeNotReadyError()],
        "move": [NotCoordinatorForGroupError(), TimeoutError("slow")],
    }
    steps.ground.layout = at(Phase.GROW)
    assert (4, 12, 2, True) == counts(await steps.run())
    assert ["fence", "fence", "grow", "fence", "drain", *["fence"] * 2, "move"] == steps.ground.asked
    assert 3 == len(steps.told)
    assert "TimeoutError: slow; trying again" == steps.told[-1]


async def test_what_was_committed_though_nobody_heard_is_not_done_again(steps: Steps) -> None:
    """A second `move` would set offsets back to the first. Mutation: `_step` looks at no layout."""
    steps.hidden = {"move": [NodeNotReadyError()]}
    assert (4, 12, 2, True) == counts(await steps.run())
    assert 1 == steps.ground.asked.count("move")


async def test_before_anything_is_changed_an_error_ends_the_command(steps: Steps) -> None:
    """Mutation: `run` repeats from the first step on."""
    steps.failing = {"prepare": [NodeNotReadyError()]}
    with pytest.raises(NodeNotReadyError):
        await steps.run()
    assert ["fence"] == steps.ground.asked


@pytest.mark.parametrize("error", [ProducerFenced(), TransactionalIdAuthorizationFailed("app")])
@pytest.mark.parametrize("step", ["hand", "move"])
async def test_a_change_that_another_command_has_and_one_that_is_forbidden_end(
    steps: Steps, error: Exception, step: str
) -> None:
    """Mutation: `FINAL` is empty: two commands would fence each other for ever."""
    steps.ground.layout = at(Phase.MOVE)
    steps.failing = {step: [error]}
    with pytest.raises(type(error)):
        await steps.run()


async def test_a_change_that_is_refused_fences_nobody(steps: Steps) -> None:
    """Mutation: `run` looks only behind the fence."""
    steps.ground.layout = at(Phase.MOVE)
    with pytest.raises(ScaleError, match="first `carillon topics scale status --partitions 12`"):
        await steps.run(8)
    assert [] == steps.ground.asked


async def test_a_stage_that_has_its_partitions_is_left_alone(steps: Steps) -> None:
    assert Report("status", 4, 4) == await steps.run(4)
    assert [] == steps.ground.asked
