"""What blows have in hand: the world, the feed, what they did; and steps that many of them take."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.chaos.mutants.world import OTHER, STRUCK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from tests.broker.faults.system import Program
    from tests.chaos.feed import Feed
    from tests.chaos.load import MixedLoad
    from tests.chaos.mutants.wire import Catch
    from tests.chaos.mutants.world import World

CAUGHT_S: Final = 20.0


@dataclass(slots=True)
class Scene:
    """`told`: what each blow saw of its effect. `idle`: what it should have had and had not."""

    world: World
    feed: Feed
    load: MixedLoad
    told: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)

    def note(self, what: str, *, proven: bool) -> None:
        """A blow is over."""
        self.told.append(what)
        if not proven:
            self.idle.append(what)

    @property
    def worker(self) -> Program:
        """The one that is struck."""
        return self.world.workers[STRUCK]

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Program]:
        """Strike the worker within this block; it is up and ready at its end."""
        world = self.world
        await self.worker.until_ready()
        world.struck.add(STRUCK)
        try:
            yield self.worker
        finally:
            process = self.worker.process
            if process is not None and process.exit_code is not None:
                self.worker.start()
            await self.worker.until_ready()
            world.struck.discard(STRUCK)

    async def burst(self, lines: int) -> None:
        """So many lines at once."""
        await self.feed.all([self.load.next() for _ in range(lines)])

    async def caught(self, catch: Catch) -> None:
        """Until the frame is there."""
        await asyncio.wait_for(catch.caught.wait(), CAUGHT_S)

    async def script(self, **rule: Any) -> None:
        """Tell the fake provider what to do with its next calls."""
        async with (
            aiohttp.ClientSession(self.world.fake_url) as session,
            session.post("/script", json=rule) as answer,
        ):
            assert answer.status == 201, await answer.text()

    def calls(self) -> list[dict[str, Any]]:
        """The providers' ledger so far."""
        return [json.loads(line) for line in self.world.ledger.read_text().splitlines()]

    def taken_over(self, since: float) -> set[tuple[str, int]]:
        """Tasks that the other worker was given since (s since the epoch)."""
        found = set()
        for row in events(self.world.workers[OTHER], "tasks_assigned", since):
            found |= {(row["stage"], task) for task in row["tasks"]}
        return found


def events(worker: Program, name: str, since: float = 0.0) -> list[dict[str, Any]]:
    """Lines of all logs of a worker that tell of this event, not older than `since` (s since the epoch)."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    raw = (line for path in worker.logs for line in path.read_bytes().splitlines())
    rows = (json.loads(line) for line in raw if line.startswith(b"{") and line.endswith(b"}"))
    return [row for row in rows if row.get("event") == name and row.get("timestamp", "") >= stamp]


async def kill(worker: Program) -> None:
    """SIGKILL, and its end."""
    worker.signal(signal.SIGKILL)
    await worker.ended()


async def until(true: Callable[[], bool], what: str, patience_s: float = 20.0) -> None:
    """Poll a condition; TimeoutError names what did not come."""
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not come within {patience_s:.0f} s: {what}")
        await asyncio.sleep(0.05)


async def configure(bootstrap: str, prefixes: tuple[str, ...], values: Mapping[str, str | None]) -> int:
    """Set these of all topics whose names begin or end so, or (None) take them back; how many topics."""
    return await asyncio.to_thread(_configure, bootstrap, prefixes, values)


def _configure(bootstrap: str, names: tuple[str, ...], values: Mapping[str, str | None]) -> int:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.list_topics(timeout=10).topics
    topics = [one for one in found if one.startswith(names) or one.endswith(names)]
    asked = [ConfigResource(ResourceType.TOPIC, one, incremental_configs=_changes(values)) for one in topics]
    for answer in admin.incremental_alter_configs(asked).values():
        answer.result(timeout=10)
    return len(topics)


def _changes(values: Mapping[str, str | None]) -> list[ConfigEntry]:
    return [
        ConfigEntry(
            name,
            value or "",
            incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
        )
        for name, value in values.items()
    ]


Blow = Callable[[Scene], Awaitable[None]]


def kinds(found: Iterable[dict[str, Any]]) -> set[str]:
    """What kinds of failure tasks reopened for."""
    return {str(row["failure"]) for row in found}
