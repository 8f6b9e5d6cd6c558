"""The blows: which worker, which signal, how long; drawn from a seed, every kind in turn."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from tests.broker.faults.system import SESSION_MS

if TYPE_CHECKING:
    from tests.broker.faults.evidence import Moment, Watch
    from tests.broker.faults.system import Program

KINDS = ("kill", "freeze", "stop")


@dataclass(frozen=True, slots=True)
class Cycle:
    """One blow. `pause_s`: how long the worker stays away."""

    kind: str
    worker: int
    settle_s: float
    pause_s: float


def plan(seed: int, cycles: int) -> list[Cycle]:
    """So many blows; three in a row are of three kinds."""
    dice = Random(seed)  # noqa: S311 - a plan, no secret
    kinds: list[str] = []
    while len(kinds) < cycles:
        kinds += dice.sample(KINDS, len(KINDS))
    session_s = SESSION_MS / 1000
    longest = {"kill": (0.5, session_s + 2), "freeze": (session_s + 2, session_s + 4), "stop": (0.1, 2.0)}
    return [
        Cycle(kind, dice.randrange(2), dice.uniform(0.5, 2.5), dice.uniform(*longest[kind]))
        for kind in kinds[:cycles]
    ]


async def strike(cycle: Cycle, worker: Program, watch: Watch) -> Moment:
    """One blow and its end: the worker is ready again. The moment just before it."""
    await asyncio.sleep(cycle.settle_s)
    moment = await watch.busy()
    match cycle.kind:
        case "kill":
            worker.signal(signal.SIGKILL)
            await worker.ended()
            await asyncio.sleep(cycle.pause_s)
            worker.start()
        case "stop":
            worker.signal(signal.SIGTERM)
            assert await worker.ended() == 0
            await asyncio.sleep(cycle.pause_s)
            worker.start()
        case _:
            worker.signal(signal.SIGSTOP)
            await asyncio.sleep(cycle.pause_s)
            worker.signal(signal.SIGCONT)
    await worker.until_ready()
    return moment
