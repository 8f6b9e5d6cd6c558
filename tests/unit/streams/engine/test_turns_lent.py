"""While a batch awaits something outside, the loop is the others' (promise 3, rule 16)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

import pytest

from streams.engine.turns import Turns, computing
from tests.unit.streams.engine.lives import turns as let_turn


def bulk() -> bool:
    return False


async def lent(wait: Awaitable[Any]) -> Any:
    """What an agent calls."""
    turn = computing()
    return await (wait if turn is None else turn.lend(wait))


async def test_while_an_agent_awaits_something_outside_other_batches_compute() -> None:
    """Mutation tried: `lend` that only awaits: fails."""
    order, answer, told = Turns(), asyncio.get_running_loop().create_future(), list[str]()

    async def asks() -> None:
        async with order.turn(bulk):
            told.append(await lent(answer))

    asking = asyncio.create_task(asks())
    await let_turn(3)
    async with order.turn(bulk):
        told.append("other")
        answer.set_result("answer")
        await let_turn(9)
        assert ["other"] == told, "it goes on when the loop is its own again"
    await asking
    assert ["other", "answer"] == told


async def test_a_task_that_an_agent_starts_gives_nothing_of_its_turn_away() -> None:
    """It inherits the context. Mutation tried: `computing` that does not ask whose task it runs in: fails."""
    order, answer = Turns(), asyncio.get_running_loop().create_future()
    async with order.turn(bulk):
        asking = asyncio.create_task(lent(answer))
        await let_turn(3)
        late = asyncio.create_task(order.take(bulk))
        await let_turn(9)
        assert not late.done()
        answer.set_result(None)
        await asking
    await late
    order.give_back()


@pytest.mark.parametrize("end", [ValueError(), asyncio.CancelledError()], ids=["fails", "is cancelled"])
async def test_however_such_a_wait_ends_the_loop_is_given_back_once(end: BaseException) -> None:
    """Mutation tried: taking the turn again only after an answer: fails (given back twice)."""
    order = Turns()

    async def asks() -> None:
        async with order.turn(bulk) as turn:
            with suppress(ValueError):
                await lent(fails())
            await turn.pass_on()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise end

    await asyncio.gather(asks(), return_exceptions=True)
    async with order.turn(bulk):
        late = asyncio.create_task(order.take(bulk))
        await let_turn(9)
        assert not late.done()
    await late
    order.give_back()
