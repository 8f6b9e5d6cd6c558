"""Whose turn it is in one process: the urgent first, none starved, the loop turns in between (promise 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from streams.engine import turns as turns_module
from streams.engine.places import SHARE, Places
from streams.engine.turns import SHORT_SLICE_S, SLICE_S, Turns
from tests.unit.streams.engine.lives import turns as let_turn


def urgent() -> bool:
    return True


def bulk() -> bool:
    return False


class Queue:
    """Waiters of a place in the order in which they came; `served` is the order in which they got it."""

    def __init__(self) -> None:
        self.places = Places(1)
        self.served: list[str] = []
        self.waiters: list[asyncio.Task[None]] = []

    async def wait(self, name: str, is_urgent: Callable[[], bool]) -> None:
        self.waiters.append(asyncio.create_task(self._wait(name, is_urgent)))
        await let_turn(1)

    async def _wait(self, name: str, is_urgent: Callable[[], bool]) -> None:
        await self.places.take(is_urgent)
        self.served.append(name)

    async def serve(self, count: int) -> list[str]:
        before = len(self.served)
        for _ in range(count):
            self.places.give_back()
            await let_turn(2)
        return self.served[before:]


async def held() -> Queue:
    queue = Queue()
    await queue.wait("first", bulk)
    return queue


# ---- places ----


async def test_a_free_place_is_taken_at_once_and_the_others_wait_as_they_came() -> None:
    queue = await held()
    for name in "abc":
        await queue.wait(name, bulk)
    assert ["first"] == queue.served
    assert ["a", "b", "c"] == await queue.serve(3)
    await queue.serve(1)
    await queue.places.take(bulk)


async def test_the_urgent_go_before_all_others() -> None:
    """Mutation tried: `waiting[0]` whoever it is: fails."""
    queue = await held()
    for name, is_urgent in (("a", bulk), ("u", urgent), ("b", bulk), ("v", urgent)):
        await queue.wait(name, is_urgent)
    assert ["u", "v", "a", "b"] == await queue.serve(4)


async def test_one_place_in_ten_goes_to_those_who_are_not_urgent() -> None:
    """Mutation tried: always the urgent: fails."""
    queue = await held()
    await queue.wait("bulk", bulk)
    await queue.wait("more bulk", bulk)
    for number in range(3 * SHARE):
        await queue.wait(f"u{number}", urgent)
    served = await queue.serve(2 * SHARE)
    assert [SHARE - 1, 2 * SHARE - 1] == [served.index("bulk"), served.index("more bulk")]


async def test_who_becomes_urgent_while_waiting_goes_first() -> None:
    """A bulk batch holds up what came behind it on its own task: it inherits its urgency.

    Mutation tried: `urgent` asked once, on arrival: fails.
    """
    queue = await held()
    moved: list[bool] = []
    await queue.wait("a", bulk)
    await queue.wait("b", lambda: bool(moved))
    assert not queue.places.wanted()
    moved.append(True)
    assert queue.places.wanted()
    assert ["b", "a"] == await queue.serve(2)


async def test_who_gives_up_waiting_leaves_no_hole() -> None:
    """Mutations tried: no `give_back` of a place given at that moment, or no look at `done`: fail."""
    queue = await held()
    for name in "abc":
        await queue.wait(name, bulk)
    queue.waiters[1].cancel()
    queue.places.give_back()
    await let_turn(2)
    assert ["first", "b"] == queue.served
    queue.places.give_back()
    queue.waiters[3].cancel()
    await let_turn(3)
    async with asyncio.timeout(5):
        await queue.places.take(bulk)


# ---- turns of the loop ----


async def test_one_batch_computes_at_a_time_and_passes_on_between_slices() -> None:
    """Mutation tried: `pass_on` that only sleeps: fails."""
    order, told = Turns(), list[str]()

    async def batch(name: str) -> None:
        async with order.turn(bulk) as turn:
            for _ in range(3):
                told.append(name)
                await turn.pass_on()

    await asyncio.gather(batch("a"), batch("b"), batch("c"))
    assert list("aabcabcbc") == told, "the first is alone when it passes on"


async def test_an_urgent_batch_waits_for_one_slice_only() -> None:
    order, told = Turns(), list[str]()

    async def batch(name: str, is_urgent: Callable[[], bool], slices: int) -> None:
        async with order.turn(is_urgent) as turn:
            for _ in range(slices):
                told.append(name)
                await turn.pass_on()

    others = [asyncio.create_task(batch(name, bulk, 50)) for name in "abcdefgh"]
    await let_turn(5)
    before = len(told)
    await batch("u", urgent, 5)
    assert 1 >= told[before:].index("u")
    assert ["u"] * 5 == [name for name in told[before + told[before:].index("u") :] if name == "u"]
    assert 2 >= len([name for name in told[before:-1] if name != "u"])
    await asyncio.gather(*others)


async def test_slices_are_short_while_something_is_urgent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: always `SLICE_S`: fails."""
    order = Turns()

    async def length() -> float:
        async with order.turn(bulk) as turn:
            return turn.slice_ends - time.perf_counter()

    assert SHORT_SLICE_S < await length() <= SLICE_S
    async with order.turn(urgent):
        pass
    assert await length() <= SHORT_SLICE_S
    monkeypatch.setattr(turns_module, "HURRY_S", -1.0)
    async with order.turn(urgent):
        pass
    assert SHORT_SLICE_S < await length()


async def test_slices_are_no_shorter_than_what_the_loop_does_between_two() -> None:
    """Half of a busy loop is for batches, however slow the machine. Mutation tried: 1 ms always: fails."""
    order = Turns()

    async def busy() -> None:
        while True:
            time.sleep(0.004)
            await asyncio.sleep(0)

    beside = asyncio.create_task(busy())
    async with order.turn(urgent) as turn:
        for _ in range(100):
            await turn.pass_on()
        assert 2 * SHORT_SLICE_S < turn.slice_ends - time.perf_counter() <= SLICE_S
    beside.cancel()


async def test_after_a_bulk_slice_the_loop_turns_some_times_while_something_is_urgent() -> None:
    """Replies for what is urgent are on their way meanwhile. Mutation tried: no rest: fails."""
    order, told = Turns(), list[int]()
    turned = 0

    async def batch(is_urgent: Callable[[], bool], slices: int) -> None:
        async with order.turn(is_urgent) as turn:
            for _ in range(slices):
                told.append(turned)
                await turn.pass_on()

    async def count() -> None:
        nonlocal turned
        while True:
            await asyncio.sleep(0)
            turned += 1

    counting = asyncio.create_task(count())
    await batch(bulk, 4)
    calm = told[3] - told[2]
    await batch(urgent, 1)
    told.clear()
    await batch(bulk, 4)
    assert told[3] - told[2] >= calm + turns_module.REST_TURNS - 1
    counting.cancel()


async def test_a_batch_that_ends_in_an_error_or_is_cancelled_leaves_the_loop_to_others() -> None:
    """Mutation tried: `__aexit__` that gives back whatever was held: fails (two batches at once)."""
    order = Turns()
    with pytest.raises(ZeroDivisionError):
        async with order.turn(bulk):
            raise ZeroDivisionError

    async def passing() -> None:
        async with order.turn(bulk) as turn:
            await turn.pass_on()

    async with order.turn(bulk) as turn:
        waiting = asyncio.create_task(passing())
        await let_turn(2)
        await turn.pass_on()  # the other one holds the loop now, and wants it back
        waiting.cancel()
        await let_turn(3)
        third = asyncio.create_task(passing())
        await let_turn(5)
        assert not third.done()
    async with asyncio.timeout(5):
        await third
