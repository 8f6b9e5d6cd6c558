"""When a stage says that it is ready: the group gives tasks a moment before anybody begins to open them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from streams.engine.layout import Layout, Phase
from streams.engine.meters import Meters
from streams.engine.worker import Worker
from tests.unit.streams.engine.lives import CONFIG, STAGE, TPS, LivingTask, shared, turns


async def test_a_stage_is_ready_when_all_that_the_group_gave_and_that_may_run_is_open() -> None:
    """Mutations tried: only tasks that are here are looked at; those that may not run yet are waited for."""
    worker = Worker(CONFIG, Meters(CollectorRegistry()), lambda: 0, lambda: b"")
    runner = worker.runner(STAGE)
    group, roster = runner.membership, runner._roster
    task = LivingTask(shared(), 0, TPS)
    task.opens.clear()
    roster._make = lambda _number, _tps: task
    told = [runner.ready]
    group.generation, group.tasks = 1, {0: TPS}
    told.append(runner.ready)
    roster.follow(group.tasks)
    await turns()
    told.append(runner.ready)
    task.opens.set()
    await turns()
    told.append(runner.ready)
    roster.release()
    await roster.gone()
    worker.layouts._of["count"] = Layout(1, 2, Phase.MOVE)
    told.append(runner.ready)
    await group.stop()
    await worker.stop()
    assert [False, False, False, True, True] == told
