"""Places for calls: the urgent first, some never lent to bulk, none starved (promise 3, rule 14)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from streams.engine.calls import SHARE, Calls
from streams.engine.turns import Turns
from tests.unit.streams.engine.desks import EFFECT
from tests.unit.streams.engine.lives import turns as let_turn


class Crowd:
    """Calls that end when they are told to; `order`: names as they began; `running`: those that run."""

    def __init__(self, count: int, kept: int = 0) -> None:
        self.calls = Calls(Turns(), count, kept)
        self.order: list[str] = []
        self.running: dict[str, asyncio.Event] = {}
        self.made: dict[str, asyncio.Task[None]] = {}

    async def call(self, *names: str) -> None:
        """Those whose name begins with `u` are urgent."""
        for name in names:
            self.made[name] = asyncio.create_task(self._call(name))
        await let_turn(10 * len(names) + 10)

    async def _call(self, name: str) -> None:
        async with self.calls.one(urgent=name.startswith("u")):
            self.order.append(name)
            self.running[name] = asyncio.Event()
            await self.running[name].wait()
            del self.running[name]

    async def end(self, *names: str) -> None:
        for name in names:
            self.running[name].set()
            await let_turn(10)

    async def end_all(self) -> list[str]:
        """In the order in which they began; returns those that began meanwhile."""
        before = len(self.order)
        while self.running:
            await self.end(next(iter(self.running)))
        await asyncio.gather(*self.made.values(), return_exceptions=True)
        return self.order[before:]


async def test_few_calls_begin_in_one_turn_of_the_loop_and_only_so_many_run() -> None:
    """Mutations tried: no `begin`: fails (all in one turn of the loop); no places: fails."""
    calls, order, turned = Calls(Turns(), 10), list[int](), 0
    let_go = asyncio.Event()

    async def call() -> None:
        async with calls.one(urgent=False):
            order.append(turned)
            await let_go.wait()

    made = [asyncio.create_task(call()) for _ in range(12)]
    for _ in range(30):
        await asyncio.sleep(0)
        turned += 1
    assert [1, 4, 4, 1] == list(Counter(order).values())
    let_go.set()
    await asyncio.gather(*made)
    assert 12 == len(order)


async def test_of_calls_that_begin_together_one_is_not_urgent_while_one_waits() -> None:
    """Mutations tried: the urgent only; as they came: fail."""
    turns, order = Turns(), list[str]()

    async def call(name: str) -> None:
        await turns.begin(urgent=name.startswith("u"))
        order.append(name)

    async with turns.turn(lambda: False):
        made = [asyncio.create_task(call(name)) for name in ("a", "b", *(f"u{n}" for n in range(5)))]
        await let_turn(3)
        assert [] == order, "a batch computes"
    await asyncio.gather(*made)
    assert ["u0", "u1", "u2", "a"] == order[:4]
    assert ["u3", "u4", "b"] == order[4:]


async def test_a_call_given_up_before_it_began_leaves_the_loop_to_others() -> None:
    """Mutation tried: its place is not given back: fails."""
    turns = Turns()
    async with turns.turn(lambda: False):
        gone = asyncio.create_task(turns.begin(urgent=True))
        await let_turn(2)
        gone.cancel()
    async with asyncio.timeout(5):
        await turns.begin(urgent=False)
        async with turns.turn(lambda: False):
            pass


async def test_a_call_given_up_while_it_waits_for_its_turn_leaves_its_place() -> None:
    """Mutation tried: it keeps it: fails, no call has one ever after."""
    turns = Turns()
    calls = Calls(turns, 1)
    async with turns.turn(lambda: False):
        gone = asyncio.create_task(calls.enter(urgent=False))
        await let_turn(2)
        gone.cancel()
    async with asyncio.timeout(5), calls.one(urgent=False):
        pass


async def test_an_urgent_call_goes_before_those_that_wait() -> None:
    crowd = Crowd(1)
    await crowd.call("a", "b", "c", "u")
    assert ["u", "b", "c"] == await crowd.end_all()


@pytest.mark.parametrize(("limit", "kept"), [(7, 2), (10, 3), (64, 16)])
async def test_few_places_leave_one_to_urgent_calls_too(limit: int, kept: int) -> None:
    """Mutation tried: rounded down: fails for the first two."""
    crowd = Crowd(1)
    crowd.calls = Calls.of(replace(EFFECT, at_once=4, limit=limit, kept=kept), Turns())
    await crowd.call("a", "b", "c", "d", "u")
    assert "u" in crowd.running
    await crowd.end_all()


@pytest.mark.spec("NS-OPS-011")
async def test_calls_that_hang_leave_the_kept_places_to_urgent_ones() -> None:
    """Mutations tried: bulk takes a kept place on arrival: fails; is given one that came back: fails."""
    crowd = Crowd(4, kept=1)
    await crowd.call("a", "b", "c", "d", "e")
    assert ["a", "b", "c"] == crowd.order
    await crowd.call("u1", "u2")
    await crowd.end("u1")
    assert ["u1", "u2"] == crowd.order[3:]
    await crowd.end("u2")
    assert 5 == len(crowd.order), "the kept place is nobody's"
    await crowd.end("a")
    assert ["d"] == crowd.order[5:]
    assert ["e"] == await crowd.end_all()


async def test_urgent_calls_keep_the_same_share_of_places_as_of_a_tasks_open_calls() -> None:
    """Mutation tried: none: fails."""
    crowd = Crowd(0)
    crowd.calls = Calls.of(replace(EFFECT, at_once=8, limit=64, kept=16), Turns())
    await crowd.call(*"abcdefgh")
    assert list("abcdef") == crowd.order
    await crowd.end_all()


async def test_one_place_in_ten_goes_to_bulk_however_many_urgent_ones_come() -> None:
    """Mutations tried: always the urgent: fails; lent to bulk only while more are free than kept: fails."""
    crowd = Crowd(4, kept=2)
    await crowd.call("u-a", "u-b", "u-c", "u-d", "bulk", *(f"u{number}" for number in range(2 * SHARE)))
    assert SHARE - 1 == (await crowd.end_all()).index("bulk")


async def test_who_gives_up_waiting_leaves_no_hole() -> None:
    """Mutations tried: no look at `done`: fails; no `leave` of a place given at that moment: fails."""
    crowd = Crowd(1)
    await crowd.call("a", "b", "c", "d")
    crowd.made["b"].cancel()
    await crowd.end("a")
    assert ["a", "c"] == crowd.order
    crowd.running["c"].set()
    while not crowd.made["c"].done():
        await asyncio.sleep(0)
    crowd.made["d"].cancel()
    await let_turn(10)
    async with asyncio.timeout(5):
        await crowd.call("e")
    assert ["e"] == crowd.order[2:]
    await crowd.end_all()


class Watched(asyncio.Future[None]):
    """Counts who looks at it."""

    looks = 0

    def done(self) -> bool:
        Watched.looks += 1
        return super().done()


async def test_a_place_costs_the_same_however_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: all who wait are looked at, to find those who gave up: fails."""
    crowd = Crowd(1)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_future", lambda: Watched(loop=loop))
    await crowd.call("a", *(f"b{number}" for number in range(100)))
    Watched.looks = 0
    crowd.calls.leave(urgent=False)
    assert 1 == Watched.looks
    monkeypatch.undo()
    await crowd.end_all()
