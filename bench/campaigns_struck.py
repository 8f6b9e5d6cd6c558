"""Campaigns through a change of who owns the members: how late they show, and whether questions wait."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bench.campaigns_load import Subject, load
from bench.campaigns_publishing import Done, Publisher
from bench.findings import tell
from bench.product import Product, Worker, free_ports
from bench.waits import at_share
from streams.settings import load_settings

FEW = 100
PAUSE_S = 0.5
"""Between small campaigns: a key has 5 requests a second."""
BEFORE_S = 4.0
LEAST_S = 30.0
"""A worker that died is given up by Kafka after 10 s, and only then taken over from."""
MEMBERS = "members"


class Through:
    """Small campaigns and questions, and in their midst something that is done to a worker."""

    def __init__(
        self, made: Product, given: argparse.Namespace, subject: Subject, publisher: Publisher
    ) -> None:
        self._made = made
        self._given = argparse.Namespace(**{**vars(given), "seconds": max(given.seconds, LEAST_S)})
        self._subject = subject
        self._publisher = publisher
        self._count = 0

    async def go(self, what: str, strike: Callable[[], Awaitable[object]]) -> None:
        """Strike four seconds into the load; tell of both."""
        loading = asyncio.create_task(load(self._made.folder, self._subject, self._given, f"through: {what}"))
        publishing = asyncio.create_task(self._until(loading))
        await asyncio.sleep(BEFORE_S)
        await strike()
        done = await publishing
        await loading
        shown = sorted(one.shown_ms for one in done)
        tell(
            f"through: {what}, freshness",
            campaigns=len(done),
            shown_after_done_p50_ms=at_share(shown, 0.5),
            shown_after_done_most_ms=shown[-1],
            labelled_most_s=max(one.labelled_s for one in done),
        )

    async def _until(self, loading: asyncio.Task[None]) -> list[Done]:
        """One small campaign after the other while questions are asked; each to other users."""
        found = []
        while not loading.done():
            self._count += 1
            first = self._count * FEW % max(self._given.users - FEW, 1)
            found.append(await self._publisher.publish(f"few-{self._count}", first, FEW))
            await asyncio.sleep(PAUSE_S)
        return found


async def second_worker(made: Product, through: Through) -> None:
    """Another owner of members joins, leaves, and at last dies for good: nobody comes back under its name."""
    ports = free_ports()
    own = {
        "data_dir": str(made.folder / "second"),
        "engine.worker_name": "second",
        "http.ops_port": str(next(ports)),
    }
    flags = made.flags | own
    other = replace(made, flags=flags, settings=load_settings(flags), folder=made.folder / "second")
    other.folder.mkdir()
    found: list[Worker] = []

    async def joins() -> None:
        found.append(await other.worker(MEMBERS))

    async def dies() -> None:
        found[-1].watched.kill()
        await found[-1].watched.stop()

    await through.go("a second owner joins", joins)
    await through.go("it leaves", found[-1].watched.stop)
    await joins()
    await through.go("it dies and stays away", dies)
