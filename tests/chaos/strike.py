"""Carries out a plan: each blow falls at its time, if its victim is free by then, and proves what it did."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from streams.stages import stage_names
from tests.chaos.plan import WORKERS
from tests.chaos.transactions import Transaction, transactions

if TYPE_CHECKING:
    from tests.chaos.feed import Feed
    from tests.chaos.plan import Blow
    from tests.chaos.system import Running
    from tests.chaos.watch import Watch

TASKS = 4


@dataclass(frozen=True, slots=True)
class Effect:
    """What a blow did, in words, and whether that is what it is for."""

    proven: bool
    told: str


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow that was carried out. Times in s since the epoch: it hit; what was struck is back."""

    blow: Blow
    at: float
    ended_at: float
    effect: Effect


@dataclass(slots=True)
class Scene:
    """What blows work with. `skew_ms`: how wrong a wrong clock is, the feeder's and the worker's alike.

    Two that disagree by twice that would make a request ten minutes old, the life of a code to reset a
    password, which then expires by right; and no worker believes more than ten minutes of the future.
    """

    system: Running
    feed: Feed
    watch: Watch
    say: Callable[[str], None]
    skew_ms: int
    began: float = field(default_factory=time.monotonic)
    hit_at: float = 0.0

    def hit(self) -> float:
        """The blow falls now, to be said just before; s since the epoch."""
        self.hit_at = time.time()
        return self.hit_at

    async def transactions(self) -> dict[str, Transaction]:
        """All transactional ids as the coordinators know them now."""
        ids = [f"carillon.{stage}.{number}" for stage in stage_names() for number in range(TASKS)]
        return await transactions(self.system.cluster.ports, ids)

    async def bumped(self, before: dict[str, Transaction]) -> int:
        """Ids whose producer was replaced since."""
        now = await self.transactions()
        return sum(
            (one.producer_id, one.epoch) != (before[name].producer_id, before[name].epoch)
            for name, one in now.items()
            if name in before
        )


Strike = Callable[[Scene, str, Random], Awaitable[Effect]]


async def strike_all(
    blows: list[Blow], strikes: Mapping[str, Strike], scene: Scene, calm_s: float
) -> list[Struck]:
    """The blows in the order of their ends. `strikes`: by kind.

    A worker has a lock of its own, which a blow holds no longer than it must; other victims have one here.
    """
    struck: list[Struck] = []
    free: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def strike(blow: Blow) -> None:
        wait = scene.began + calm_s + blow.at_s - time.monotonic()
        await asyncio.sleep(max(0.0, wait))
        async with nullcontext() if blow.victim in WORKERS else free[blow.victim]:
            struck.append(await _strike(blow, strikes[blow.kind], replace(scene, hit_at=0.0)))

    async def supervise() -> None:
        while True:
            scene.system.check()
            await asyncio.sleep(0.5)

    supervisor = asyncio.create_task(supervise())
    try:
        async with asyncio.TaskGroup() as group:
            for blow in blows:
                group.create_task(strike(blow))
    finally:
        supervisor.cancel()
    return struck


async def _strike(blow: Blow, strike: Strike, scene: Scene) -> Struck:
    """`scene`: the blow's own, which learns when it hit."""
    at = time.time()
    scene.say(f"{blow.kind} ({blow.victim})")
    try:
        await scene.system.settle(blow.victim)
        effect = await strike(scene, blow.victim, Random(blow.dice))  # noqa: S311 - a plan
    except (AssertionError, TimeoutError) as error:
        effect = Effect(proven=False, told=f"failed: {str(error)[-1500:] or error!r}")
    scene.say(f"  {blow.kind}: {effect.told}")
    return Struck(blow, scene.hit_at or at, time.time(), effect)
