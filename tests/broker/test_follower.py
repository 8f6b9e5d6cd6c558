"""A followed changelog while its stage gets more tasks: no row is missing for a moment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from connectors.clock import now_ms
from connectors.kafka_admin import TopicSpec, topics_of
from streams.engine.api import EngineConfig, NotYet
from streams.engine.follower import Follower
from streams.engine.kafka import partition_of
from streams.engine.layout import Phase
from streams.engine.restore import BIRTH_KEY
from streams.engine.store import NEVER
from streams.scaling.copies import Copies
from streams.scaling.hand import hand
from streams.scaling.plan import Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers import Servers

PLAN = Plan("count", 1, 3, (), ())
USERS = [b"user:%d" % number for number in range(300)]
COMPACT = {"cleanup.policy": "compact"}
PATIENCE_S = 60.0


class Watched:
    """Asks for every row without a pause, and keeps what it did not get."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.rounds = 0
        self.missing: list[bytes] = []

    async def run(self) -> None:
        while True:
            self.missing += [user for user in USERS if not self.found(user)]
            self.rounds += 1
            await asyncio.sleep(0.001)

    def found(self, user: bytes) -> bool:
        try:
            return self.follower.row(user, 1, user) is not None
        except NotYet:
            return True

    async def more(self, rounds: int) -> None:
        wanted = self.rounds + rounds
        while self.rounds < wanted:
            await asyncio.sleep(0.001)


@asynccontextmanager
async def followed(config: EngineConfig) -> AsyncIterator[Follower]:
    follower = Follower(config, PLAN.stage, (1,), now_ms)
    follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


async def test_rows_that_move_to_new_partitions_are_found_all_the_time(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The change's own copies, with a reader that is busy. Mutation tried: no header on tombstones: fails."""
    config = EngineConfig(servers.bootstrap, app_prefix, "w1", str(tmp_path))
    changelog = config.changelog(PLAN.stage)
    async with topics_of(servers.bootstrap) as topics, asyncio.timeout(PATIENCE_S):
        specs = [TopicSpec(changelog, PLAN.old, config=COMPACT), TopicSpec(config.layout, 1, config=COMPACT)]
        await topics.create_missing(specs)
        await _written(config, changelog)
        async with followed(config) as follower:
            while follower.lag_ms() is None or follower.row(USERS[-1], 1, USERS[-1]) is None:
                await asyncio.sleep(0.01)
            watched = Watched(follower)
            asking = asyncio.create_task(watched.run())
            await topics.grow([changelog], PLAN.new)
            await _moved(config)
            gone = [b"\1" + user for user in USERS if partition_of(user, PLAN.new)]
            while any(follower._copies[0].row(key, 0) for key in gone):
                await watched.more(1)
            await watched.more(20)
            asking.cancel()
    assert [] == watched.missing
    assert len(gone) > len(USERS) // 2


async def _written(config: EngineConfig, changelog: str) -> None:
    """A row of each user in the one partition that there is."""
    async with hand(config) as clients, clients.transaction() as outputs:
        for key, value in ((BIRTH_KEY, b"b"), *((b"\1" + user, NEVER + b"row") for user in USERS)):
            outputs.append(changelog, 0, key, value, 0, ())


async def _moved(config: EngineConfig) -> None:
    """The phases of a change behind `grow`, without workers."""
    async with hand(config) as clients, Copies(clients, PLAN, lambda key, _value: key[1:]) as copies:
        await clients.tell(PLAN.stage, PLAN.layout(Phase.DRAIN))
        await copies.begin()
        await clients.tell(PLAN.stage, PLAN.layout(Phase.MOVE))
        await copies.copy()
        async with clients.transaction() as outputs:
            copies.leave(outputs)
            clients.say(outputs, PLAN.stage, PLAN.layout(Phase.DONE))
