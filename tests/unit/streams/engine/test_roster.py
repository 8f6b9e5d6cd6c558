"""Tasks that come, go and come back while their former selves still close (design rules 3 and 8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.structs import TopicPartition

from streams.engine.api import StageFailedError
from streams.engine.roster import Roster
from tests.unit.streams.engine.lives import LivingTask, shared, turns

Tps = tuple[TopicPartition, ...]


class Watched:
    """A roster whose tasks are kept in the order in which they were made."""

    def __init__(self) -> None:
        self.made: list[LivingTask] = []
        self.slow_to_close = False
        self.slow_to_open = False
        self.roster = Roster("count", self._make, 0.2, lambda: None)

    def _make(self, number: int, tps: Tps) -> LivingTask:
        task = LivingTask(shared(), number, tps)
        if self.slow_to_close:
            task.closes.clear()
        if self.slow_to_open:
            task.opens.clear()
        self.made.append(task)
        return task

    async def end(self) -> None:
        for task in self.made:
            task.opens.set()
            task.closes.set()
        self.roster.release()
        await self.roster.gone()


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    """A roster that is ended, whatever the test found."""
    watching = Watched()
    yield watching
    await watching.end()


def tps(number: int, *topics: str) -> Tps:
    return tuple(TopicPartition(topic, number) for topic in topics or ("in",))


async def test_what_the_group_gives_is_opened_and_what_it_takes_is_closed(watched: Watched) -> None:
    watched.roster.follow({0: tps(0), 1: tps(1)})
    await turns()
    kept = watched.made[1]
    watched.roster.follow({1: tps(1), 2: tps(2)})
    await watched.roster.gone()
    await turns()
    assert {1, 2} == watched.roster.numbers
    assert ["open", "hand over", "close", "closed"] == watched.made[0].told
    assert (["open"], True) == (kept.told, kept.ready)


async def test_a_task_that_comes_back_waits_until_its_former_self_has_closed(watched: Watched) -> None:
    """Both would open one store. Mutation: open at once."""
    watched.slow_to_close = True
    watched.roster.follow({0: tps(0)})
    await turns()
    watched.roster.follow({})
    watched.roster.follow({0: tps(0)})
    await turns()
    former, present = watched.made
    assert ([], {0: "predecessor"}) == (present.told, watched.roster.states())
    former.closes.set()
    await watched.roster.gone()
    await turns()
    assert ["open"] == present.told


async def test_another_task_does_not_wait_for_it(watched: Watched) -> None:
    watched.slow_to_close = True
    watched.roster.follow({0: tps(0)})
    await turns()
    watched.roster.follow({1: tps(1)})
    await turns()
    assert ({0: "leaving", 1: "input"}, {0, 1}) == (watched.roster.states(), watched.roster.numbers)


async def test_a_former_self_that_was_cut_off_is_waited_for_too(watched: Watched) -> None:
    """Its close goes on beyond every deadline; only when it ends is the store free."""
    watched.slow_to_close = True
    watched.roster.follow({0: tps(0)})
    await turns()
    watched.roster.follow({})
    await watched.roster.gone()
    watched.roster.follow({0: tps(0)})
    await turns()
    assert [] == watched.made[1].told
    watched.made[0].closes.set()
    await watched.roster.gone()
    await turns()
    assert ["open"] == watched.made[1].told


async def test_an_open_that_nobody_needs_is_given_up(watched: Watched) -> None:
    """A restore may take minutes. Mutation: wait for the deadline first."""
    watched.slow_to_open = True
    watched.roster.follow({0: tps(0)})
    await turns()
    began = asyncio.get_running_loop().time()
    watched.roster.follow({})
    await watched.roster.gone()
    assert ["open", "close", "closed"] == watched.made[0].told
    assert asyncio.get_running_loop().time() - began < 0.2


async def test_a_task_of_other_inputs_is_another_task(watched: Watched) -> None:
    watched.roster.follow({0: tps(0, "in")})
    await turns()
    watched.roster.follow({0: tps(0, "in", "more")})
    await watched.roster.gone()
    await turns()
    assert [tps(0, "in"), tps(0, "in", "more")] == [task.tps for task in watched.made]
    assert "closed" == watched.made[0].told[-1]


async def test_what_ends_a_task_here_ends_the_stage(watched: Watched) -> None:
    watched.roster.follow({0: tps(0)})
    await turns()

    def turning() -> None:
        raise StageFailedError("a person must act")

    watched.made[0].turning = turning
    watched.made[0].work = True
    watched.made[0].wake.set()
    await turns(20)
    with pytest.raises(StageFailedError, match="a person must act"):
        watched.roster.raise_failed()


async def test_a_task_that_hears_of_its_end_at_once_is_not_taken_for_one_that_still_opens(
    watched: Watched,
) -> None:
    """It is not `ready` any more when its leaving begins: it was cut in its hand-over.

    Mutation tried: looking at `ready` after `stop`, as it was: fails.
    """
    watched.roster.follow({0: tps(0)})
    await turns()
    (task,) = watched.made
    task.hands_over.clear()
    watched.roster.follow({})
    await turns(10)
    assert ["open", "hand over"] == task.told
    task.hands_over.set()
    await watched.roster.gone()
    assert ["open", "hand over", "close", "closed"] == task.told
