"""The blows of a run, drawn from a seed: five lanes strike at the same time, each at things of its own."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from random import Random
from typing import Final

LANES: Final = {
    "worker-a": (
        "worker killed",
        "worker stopped in order",
        "disk wiped",
        "old store brought back",
        "workers rolled",
    ),
    "worker-b": ("worker frozen", "clock shifted", "worker added and removed"),
    "worker-c": ("connections slow", "connections dropped"),
    "brokers": ("broker killed", "coordinator killed"),
    "servers": ("Postgres killed", "Postgres restarted", "provider silent", "release taken back"),
}
"""Who or what is struck → kinds. A broker is only killed when all three are in sync."""
KINDS: Final = tuple(kind for kinds in LANES.values() for kind in kinds)
EACH_PER_MINUTE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Blow:
    """`at_s`: when, from the run's beginning, if the lane is free by then. `dice`: seed of its own draws."""

    kind: str
    lane: str
    at_s: float
    dice: int


def plan(seed: int, minutes: float, only: Container[str] = KINDS) -> list[Blow]:
    """Every kind equally often: five times in ten minutes, once in a short run. `only`: some of the kinds."""
    each = max(1, math.ceil(minutes * EACH_PER_MINUTE))
    dice = Random(seed)  # noqa: S311 - a plan, no secret
    blows = []
    for lane, every in LANES.items():
        kinds = [kind for kind in every if kind in only]
        drawn = [kind for _ in range(each) for kind in dice.sample(kinds, len(kinds))]
        step = minutes * 60 / max(1, len(drawn))
        blows += [
            Blow(kind, lane, step * (number + dice.uniform(0.1, 0.4)), dice.randrange(1 << 30))
            for number, kind in enumerate(drawn)
        ]
    return sorted(blows, key=lambda blow: blow.at_s)
