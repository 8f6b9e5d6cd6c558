"""The blows of a run, drawn from a seed: every kind strikes on its own, at whom its dice say."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from random import Random
from typing import Final

WORKERS: Final = ("worker-a", "worker-b", "worker-c")
GATED: Final = "worker-c"
"""This one reaches the brokers through gates, which can be slow or shut."""
BROKERS: Final = "brokers"
VICTIMS: Final = {
    "worker killed": WORKERS,
    "worker stopped in order": WORKERS,
    "worker frozen": WORKERS,
    "disk wiped": WORKERS,
    "old store brought back": WORKERS,
    "clock shifted": WORKERS,
    "workers rolled": ("all workers",),
    "worker added and removed": ("worker-d",),
    "connections slow": (GATED,),
    "connections dropped": (GATED,),
    "broker killed": (BROKERS,),
    "coordinator killed": (BROKERS,),
    "Postgres killed": ("Postgres",),
    "Postgres restarted": ("Postgres",),
    "provider silent": ("provider",),
    "release taken back": ("the release",),
}
"""Kind → who may be struck. Blows at the same victim wait for each other."""
KINDS: Final = tuple(VICTIMS)
ONCE: Final = ("release taken back",)
"""A release is rolled out and taken back once in a run: it is six restarts of workers by itself."""
EACH_PER_MINUTE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Blow:
    """`at_s`: when, from the run's beginning, if its victim is free. `dice`: seed of its own draws."""

    kind: str
    victim: str
    at_s: float
    dice: int


def plan(seed: int, minutes: float, only: Container[str] = KINDS) -> list[Blow]:
    """Rounds of all kinds in an order of its own: five in ten minutes, one in a short run.

    `only`: some of the kinds.
    """
    dice = Random(seed)  # noqa: S311 - a plan, no secret
    rounds = max(1, math.ceil(minutes * EACH_PER_MINUTE))
    step_s = minutes * 60 / rounds / len(KINDS)
    blows = []
    for number in range(rounds):
        for place, kind in enumerate(dice.sample(KINDS, len(KINDS))):
            at_s = step_s * (number * len(KINDS) + place + dice.random())
            blow = Blow(kind, dice.choice(VICTIMS[kind]), at_s, dice.randrange(1 << 30))
            if kind in only and not (number and kind in ONCE):
                blows.append(blow)
    return blows
