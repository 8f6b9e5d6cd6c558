"""One run: servers, the scene, and what was found afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.asked import key_of
from bench.detour import found
from bench.detour.books import balance
from bench.detour.figures import Told, Way, ways, without_effect
from bench.detour.scene import CHANNEL, FIRST, PHASES, pause_of, stage
from bench.machine import machine
from bench.product import installed
from bench.sections import Say
from streams.outside import engine_config


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that is over. `rate`: mails a second; `late_ms`: P99 of how late the feed was."""

    measured: str
    machine: Mapping[str, str]
    mails: int
    rate: float
    pause_ms: int
    late_ms: float
    told: Told
    ways: list[Way]

    @property
    def wrong(self) -> dict[str, list[str]]:
        """What makes it red, by name; nothing of a run that is sound and proves something."""
        found = {**balance(self.told.books), "no effect": without_effect(self.told, self.ways)}
        return {name: ids for name, ids in found.items() if ids}


async def run(folder: Path, mails: int, rate: float, say: Say) -> Ran:
    """All of it."""
    pause_ms = pause_of(mails, rate)
    async with installed(folder, say) as made, stage(made, pause_ms, say) as set_up:
        played = await set_up.play(mails, rate)
        say("reading what is left")
        acknowledged_ms = played.feeding.acknowledged_ms()
        acknowledged = {key_of(number): acknowledged_ms(number) for number in range(mails)}
        changelog = engine_config(made.settings).changelog(f"delivery-{CHANNEL}")
        told = Told(
            await found.books(made.flags["postgres.dsn"], list(acknowledged), set_up.ledgers),
            [phase.name for phase in PHASES],
            FIRST,
            acknowledged,
            await found.intended(made.stock, changelog, FIRST),
            played.began,
        )
    today = datetime.now(UTC).date().isoformat()
    return Ran(today, machine(), mails, rate, pause_ms, played.late_ms, told, ways(told))
