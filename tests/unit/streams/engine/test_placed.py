"""A task's life: open, turn, survive, close (design rules 3, 6, 7, 8)."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import errors

from streams.engine import placed
from streams.engine.api import NotYet, StageFailedError
from streams.engine.failures import Failure, TurnFailedError
from tests.unit.streams.engine.lives import Group, LivingTask, Meters, shared, turns

PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placed, "FIRST_BACKOFF_S", 0.02)
    monkeypatch.setattr(placed, "CONFIRM_POLL_S", 0.002)


async def came(task: LivingTask, *told: str) -> None:
    """Wait until the task has told this, and nothing else."""
    async with asyncio.timeout(PATIENCE_S):
        while list(told) != task.told[: len(told)]:
            await asyncio.sleep(0.001)


def failing(task: LivingTask, *failures: Exception) -> None:
    """The next turns fail so."""
    left = list(failures)

    def turning() -> None:
        if left:
            raise left.pop(0)

    task.turning = turning
    task.work = True


async def test_a_stop_hands_over_and_closes() -> None:
    task = LivingTask(shared())
    running = asyncio.create_task(task.run())
    await turns()
    assert task.ready
    task.stop()
    await running
    assert ["open", "hand over", "close", "closed"] == task.told
    assert not task.ready


@pytest.mark.parametrize("failure", [Failure.ABORTED, Failure.UNKNOWN, Failure.REFUSED, Failure.FENCED])
async def test_every_failure_closes_and_opens_again(failure: Failure) -> None:
    """No producer lives on after a failure (rule 6). Mutation: reopen only what was aborted."""
    meters = Meters()
    task = LivingTask(shared(meters=meters))
    failing(task, TurnFailedError(failure, errors.KafkaConnectionError()))
    running = asyncio.create_task(task.run())
    await came(task, "open", "turn", "close to reopen", "closed", "open")
    task.stop()
    await running
    assert [failure.value] == meters.failures
    assert ["hand over", "close", "closed"] == task.told[5:]


async def test_a_fatal_failure_ends_the_stage() -> None:
    task = LivingTask(shared())
    failing(task, errors.TopicAuthorizationFailedError("in"))
    with pytest.raises(StageFailedError, match="stage count: TopicAuthorizationFailedError"):
        await task.run()
    assert ["close", "closed"] == task.told[-2:]


async def test_a_failed_open_ends_the_stage_unless_a_server_is_away() -> None:
    task = LivingTask(shared())
    faults: list[Exception] = [errors.KafkaConnectionError(), NotYet("store_locked"), ValueError("broken")]

    def opening() -> None:
        raise faults.pop(0)

    task.opening = opening
    with pytest.raises(StageFailedError, match="task 0 cannot open: ValueError: broken"):
        await task.run()
    assert ["open", "close to reopen", "closed"] * 2 + ["open", "close", "closed"] == task.told


async def test_a_fenced_task_waits_for_the_groups_word() -> None:
    """Mutations: reopen at once; end the task when the word is not there yet."""
    group = Group(ours=False)
    task = LivingTask(shared(group))
    failing(task, TurnFailedError(Failure.FENCED, errors.ProducerFenced()))
    running = asyncio.create_task(task.run())
    await came(task, "open", "turn", "close to reopen", "closed")
    await asyncio.sleep(0.05)
    assert ("confirm_membership", "closed") == (task.state, task.told[-1])
    group.ours = True
    await came(task, "open", "turn", "close to reopen", "closed", "open")
    task.stop()
    await running


async def test_a_fenced_task_that_is_not_ours_waits_to_be_stopped() -> None:
    task = LivingTask(shared(Group(ours=False)))
    failing(task, TurnFailedError(Failure.FENCED, errors.ProducerFenced()))
    running = asyncio.create_task(task.run())
    await came(task, "open", "turn", "close to reopen", "closed")
    task.stop()
    await running
    assert "open" not in task.told[1:]


async def test_records_that_come_do_not_shorten_a_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation: leave `wake` set when the wait begins. A broker that is away is then hammered."""
    monkeypatch.setattr(placed, "FIRST_BACKOFF_S", 3_600.0)
    task = LivingTask(shared())
    failing(task, TurnFailedError(Failure.ABORTED, errors.KafkaConnectionError()))
    original = task.turning

    def turning() -> None:
        task.wake.set()
        original()

    task.turning = turning
    running = asyncio.create_task(task.run())
    await came(task, "open", "turn", "close to reopen", "closed")
    await turns(50)
    assert ["open", "turn", "close to reopen", "closed"] == task.told
    task.stop()
    await running


async def test_a_cancelled_task_still_closes_to_the_end() -> None:
    """A store left open would hold its lock for ever. Mutation: await the close directly."""
    task = LivingTask(shared())
    task.closes.clear()
    running = asyncio.create_task(task.run())
    await turns()
    for _ in range(3):
        running.cancel()
        await turns()
    assert not running.done()
    task.closes.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ["open", "close", "closed"] == task.told


async def test_a_handover_that_takes_too_long_is_cut() -> None:
    task = LivingTask(shared())
    task.hands_over.clear()
    running = asyncio.create_task(task.run())
    await turns()
    task.stop()
    await asyncio.wait_for(running, PATIENCE_S)
    assert ["open", "hand over", "close", "closed"] == task.told


async def test_a_turn_that_must_wait_has_a_name_and_is_tried_again() -> None:
    task = LivingTask(shared())
    failing(task, NotYet("topic_missing:out"))
    running = asyncio.create_task(task.run())
    await came(task, "open", "turn")
    assert "topic_missing:out" == task.state
    task.work = True
    await came(task, "open", "turn", "turn")
    task.stop()
    await running
    assert "close to reopen" not in task.told


async def test_records_gather_while_the_brokers_end_the_last_transaction() -> None:
    """Mutation tried: only the interval between transactions counts: fails, a turn at once."""
    task = LivingTask(shared())
    task.work, task.markers_s = True, 60.0
    living = asyncio.create_task(task.run())
    await asyncio.sleep(0.05)
    assert ["open"] == task.told
    task.markers_s = 0.0
    task.wake.set()
    await asyncio.sleep(0.05)
    assert ["open", "turn"] == task.told
    task.stop()
    await living


async def test_a_turn_that_would_deal_with_few_waits_for_more_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Mutations tried: no look at what gathers; at nothing but that: fail."""
    monkeypatch.setattr(placed, "GATHER_S", 0.3)
    task, began = LivingTask(shared()), list[float]()

    def turning() -> None:
        began.append(asyncio.get_running_loop().time())
        task.work = len(began) < 3
        task.enough = False if len(began) == 2 else None

    task.work, task.turning = True, turning
    living = asyncio.create_task(task.run())
    async with asyncio.timeout(PATIENCE_S):
        while len(began) < 3:
            await asyncio.sleep(0.001)
    assert began[1] - began[0] < 0.2
    assert began[2] - began[1] >= 0.29
    task.stop()
    await living


async def test_a_turn_that_would_deal_with_most_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of all tasks ended while each rested, and nothing ran. Mutation tried: it rests: hangs, fails."""
    monkeypatch.setattr(placed, "rest_s", lambda *_, **__: 2 * PATIENCE_S)
    task, turned = LivingTask(shared()), list[None]()

    def turning() -> None:
        turned.append(None)
        task.work = len(turned) < 3

    task.work, task.enough, task.turning = True, True, turning
    living = asyncio.create_task(task.run())
    async with asyncio.timeout(PATIENCE_S):
        while len(turned) < 3:
            await asyncio.sleep(0.001)
    task.stop()
    await living


async def test_a_task_rests_as_long_as_its_last_turn_took() -> None:
    """Mutation tried: its interval only, which is nothing here: fails, a second turn at once."""
    task, began = LivingTask(shared()), list[float]()
    task.work = True

    async def slow() -> bool:
        began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.2)
        return True

    task._turn = slow  # type: ignore[method-assign]
    living = asyncio.create_task(task.run())
    async with asyncio.timeout(PATIENCE_S):
        while len(began) < 2:
            await asyncio.sleep(0.001)
    assert began[1] - began[0] >= 0.39
    task.stop()
    await living
