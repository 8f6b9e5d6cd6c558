"""A followed changelog while its stage gets more tasks: no row is missing for a moment."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiokafka.structs import TopicPartition

from connectors.clock import now_ms
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
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

    from aiokafka import AIOKafkaConsumer

    from tests.servers import Servers

PLAN = Plan("count", 1, 3, (), ())
USERS = [b"user:%d" % number for number in range(300)]
COMPACT = {"cleanup.policy": "compact"}
PATIENCE_S = 60.0


class Late(Follower):
    """Reads new partitions only from `go_on` on: whatever a broker may do, the old one is read first."""

    consumer: AIOKafkaConsumer
    is_late = True

    async def _look(self, clients: Any) -> None:
        await super()._look(clients)
        self.consumer = clients.consumer
        if self.is_late and len(self._copies) > PLAN.old:
            self.consumer.pause(*self._new())

    def _new(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in range(PLAN.old, PLAN.new)]

    def go_on(self) -> None:
        self.is_late = False
        self.consumer.resume(*self._new())

    @property
    def waits(self) -> bool:
        """It has met the first row that moved."""
        return bool(self._leaving._held)


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
async def followed(config: EngineConfig) -> AsyncIterator[Late]:
    follower = Late(config, PLAN.stage, (1,), now_ms)
    follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


async def test_rows_that_move_to_new_partitions_are_found_all_the_time(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The change's own copies and tombstones. Mutation tried: no header on these: fails."""
    config = EngineConfig(servers.bootstrap, app_prefix, "w1", str(tmp_path))
    changelog = config.changelog(PLAN.stage)
    async with topics_of(open_brokers(servers.bootstrap)) as topics, asyncio.timeout(PATIENCE_S):
        specs = [TopicSpec(changelog, PLAN.old, config=COMPACT), TopicSpec(config.layout, 1, config=COMPACT)]
        await topics.create_missing(specs)
        await _written(config, changelog)
        async with followed(config) as follower:
            while follower.lag_ms() is None or follower.row(USERS[-1], 1, USERS[-1]) is None:
                await asyncio.sleep(0.01)
            watched = Watched(follower)
            asking = asyncio.create_task(watched.run())
            await topics.grow([changelog], PLAN.new)
            await _moved(config, follower)
            while not (follower.waits or watched.missing):
                await watched.more(1)
            await watched.more(5)
            follower.go_on()
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


async def _moved(config: EngineConfig, follower: Late) -> None:
    """The phases of a change behind `grow`, without workers."""
    async with hand(config) as clients, Copies(clients, PLAN, lambda key, _value: key[1:]) as copies:
        await clients.tell(PLAN.stage, PLAN.layout(Phase.DRAIN))
        while len(follower._copies) < PLAN.new:
            await asyncio.sleep(0.01)
        await copies.begin()
        await clients.tell(PLAN.stage, PLAN.layout(Phase.MOVE))
        await copies.copy()
        async with clients.transaction() as outputs:
            copies.leave(outputs)
            clients.say(outputs, PLAN.stage, PLAN.layout(Phase.DONE))
