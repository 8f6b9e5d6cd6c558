"""Waiting for workers: past servers that are away, and not in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from aiokafka.errors import NotCoordinatorForGroupError

from streams.engine.layout import Phase
from streams.scaling import workers as workers_module
from streams.scaling.workers import Workers
from tests.unit.streams.scaling.grounds import CONFIG, PLAN, Ground, Topics, at


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Ground:
    found = Ground()
    monkeypatch.setattr(workers_module, "layouts", found.layouts)
    monkeypatch.setattr(workers_module, "ANSWER_POLL_S", 0.0)
    return found


def workers(topics: Topics, told: list[str] | None = None) -> Workers:
    lines: list[str] = [] if told is None else told
    return Workers(CONFIG, cast("Any", topics), PLAN, lines.append)


async def test_a_coordinator_that_moves_does_not_end_the_wait(ground: Ground) -> None:
    """Mutation: `_decided` lets errors through."""
    ground.layout = at(Phase.MOVE)
    topics = Topics(failing=[NotCoordinatorForGroupError(), TimeoutError()])
    assert await workers(topics).closed()
    ground.layout = at(Phase.DONE)
    topics.failing = [NotCoordinatorForGroupError()]
    assert await workers(topics).opened(Phase.DONE, set(range(12)), 5.0)


async def test_answers_in_another_phase_are_not_taken(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutation: `_decided` takes every answer."""
    monkeypatch.setattr(workers_module, "CLOSES_S", 0.02)
    ground.layout = at(Phase.DRAIN)
    assert not await workers(Topics()).closed()
    assert not await workers(Topics()).opened(Phase.DONE, {0}, 0.02)


async def test_a_stage_without_workers_is_not_waited_for(ground: Ground) -> None:
    ground.layout = at(Phase.DONE)
    assert not await workers(Topics(names=set())).opened(Phase.DONE, {0}, 60.0)


def counting_down(first: int) -> Any:
    counts: Iterator[int] = iter(range(first, -1, -1))

    async def left() -> int:
        return next(counts)

    return left


@pytest.mark.parametrize(
    ("topics", "more"),
    [
        (Topics(), ""),
        (Topics(names=set()), "; no worker runs status"),
        (Topics(failing=[TimeoutError(), TimeoutError()]), ""),
    ],
    ids=["there", "none", "unknown"],
)
async def test_a_long_wait_says_how_much_is_left_and_whether_anyone_works(
    topics: Topics, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutations: nothing is told; nobody asks for workers; the question may fail the wait."""
    told: list[str] = []
    monkeypatch.setattr(workers_module, "TELLS_S", 0.0)
    await workers(topics, told).wait("records left", counting_down(2), 0.0)
    assert [f"2 records left{more}", f"1 records left{more}"] == told


async def test_a_short_wait_says_nothing() -> None:
    """Mutation: it is told at once."""
    told: list[str] = []
    await workers(Topics(), told).wait("records left", counting_down(2), 0.0)
    assert [] == told
