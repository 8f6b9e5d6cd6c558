"""Step after step until the budget breaks, and a profile at the last step that held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import psutil

from bench.load.profile import sampled
from bench.load.steps import HELD, Budget, Options, last_held
from bench.product import Product, Worker
from bench.sections import Place, Row, Table

TRIES = 2
"""A step that breaks is measured again: this machine has other work too."""


class Loaded(Protocol):
    """What load is put on."""

    @property
    def made(self) -> Product: ...

    @property
    def worker(self) -> Worker: ...

    async def step(self, rate: float, options: Options) -> Row:
        """Put so many requests a second on it; figures as the table of the subject names them."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to be loaded: its table, its budget, the rate of the first step, how it is started."""

    table: Table
    budget: Budget
    first_rate: float
    running: Callable[[Place], AbstractAsyncContextManager[Loaded]]


async def climb(subject: Subject, place: Place, options: Options) -> tuple[list[Row], list[Row]]:
    """Rows of the steps, and those of the profile; no profile when no step held or none can be taken."""
    rows: list[Row] = []
    async with subject.running(place) as loaded:
        place.say(f"{subject.table.title}: {options.run_in:g} s until Java has compiled the broker")
        await loaded.step(subject.first_rate, replace(options, seconds=options.run_in, warm=1.0))
        for rate in options.rates(subject.first_rate):
            rows.append(await _tried(subject, place, loaded, rate, options))
            if rows[-1]["budget"] != HELD:
                break
        held = last_held(rows)
        if held is None:
            return rows, []
        rate = float(held["asked"])
        place.say(f"{subject.table.title}: a profile at {rate:,.0f}/s")
        _, profile = await asyncio.gather(
            loaded.step(rate, options), sampled(loaded.worker.watched.process.pid, place.folder, options)
        )
    return rows, profile


async def _tried(subject: Subject, place: Place, loaded: Loaded, rate: float, options: Options) -> Row:
    """One step, a second time when it breaks the budget."""
    row: Row = {}
    for _ in range(TRIES):
        found = await loaded.step(rate, options)
        rss = psutil.Process(loaded.worker.watched.process.pid).memory_info().rss
        row = {"asked": rate, **found, "rss_mib": rss / (1 << 20)}
        row["budget"] = subject.budget.broken(row) or HELD
        place.say(f"{subject.table.title}: {rate:,.0f}/s: {row['budget']}")
        if row["budget"] == HELD:
            break
    return row
