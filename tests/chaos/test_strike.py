"""Who is struck is free: blows at one victim come one after the other, all others at the same time."""

from __future__ import annotations

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from tests.chaos.plan import BROKERS, KINDS, WORKERS, Blow
from tests.chaos.strike import Effect, Scene, strike_all


class Standing:
    """A system that nothing happens to."""

    async def settle(self, _name: str) -> None:
        return

    def check(self) -> None:
        return


def standing_scene() -> Scene:
    nothing = cast("Any", SimpleNamespace())
    return Scene(cast("Any", Standing()), nothing, nothing, lambda _text: None, 0)


async def test_blows_at_one_victim_wait_for_each_other_and_others_do_not() -> None:
    blows = [
        Blow("broker killed", BROKERS, 0.0, 1),
        Blow("coordinator killed", BROKERS, 0.0, 1),
        Blow("worker killed", WORKERS[0], 0.0, 1),
    ]
    under_way: list[str] = []
    together: list[tuple[str, ...]] = []
    # Mutations tried: no lock: fails (two brokers at once); one lock for all: fails (never together).

    async def strike(scene: Scene, victim: str, _dice: Random) -> Effect:
        scene.hit()
        under_way.append(victim)
        await asyncio.sleep(0.01)
        together.append(tuple(sorted(under_way)))
        under_way.remove(victim)
        return Effect(proven=True, told="")

    struck = await strike_all(blows, dict.fromkeys(KINDS, strike), standing_scene(), 0.0)
    assert (BROKERS, WORKERS[0]) in together
    assert 1 == max(victims.count(BROKERS) for victims in together)
    assert 3 == len({one.at for one in struck})
