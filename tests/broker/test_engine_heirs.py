"""What one stage passes over its heir handles, once, however late that one opens for the first time."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition
from prometheus_client import CollectorRegistry

from connectors.clock import now_ms
from streams.engine.api import EngineConfig, Input, Stage, Stream, Tables, ToTopic
from streams.engine.meters import Meters
from streams.engine.worker import Worker
from tests.broker.app.ledger import create_topics, read, read_until, settled
from tests.broker.app.process import until
from tests.servers import Servers

PARTITIONS, MANY = 2, 200


def is_high(raw: bytes) -> bool:
    return raw.startswith(b"h")


class House:
    """Topics `in` and `out`; each stage writes what it handles behind its name."""

    def __init__(self, bootstrap: str, app: str, folder: Path) -> None:
        self.bootstrap, self.source, self.out = bootstrap, f"{app}.in", f"{app}.out"
        config = EngineConfig(bootstrap, app, "w1", str(folder), fetch_max_wait_ms=20)
        self.worker = Worker(config, Meters(CollectorRegistry()), now_ms, lambda: uuid.uuid4().bytes)
        self.config = config
        self.whole = self._stage("elder", Input(self.source, bytes))
        passing = Input(self.source, bytes, passes=is_high)
        self.elder = replace(self.whole, inputs=(passing,), heir="heir")
        left = Input(self.source, bytes, urgent=True, passes=lambda raw: not is_high(raw))
        self.heir = replace(self._stage("heir", left), heir_of="elder")

    def _stage(self, name: str, source: Input) -> Stage:
        async def handle(stream: Stream, _tables: Tables) -> AsyncIterator[object]:
            async for event in stream:
                yield b"%s %s" % (name.encode(), event.value)

        to = ToTopic(lambda _: self.out, lambda _: None, lambda raw: raw, same_partition=True)
        return Stage(name, (source,), handle, {bytes: (to,)})

    @asynccontextmanager
    async def running(self, *stages: Stage) -> AsyncIterator[None]:
        """All of them open."""
        runners = [self.worker.runner(stage) for stage in stages]
        tasks = [asyncio.create_task(runner.run()) for runner in runners]
        try:
            await until(lambda: all(runner.ready for runner in runners), "the stages are open")
            yield
        finally:
            for runner in runners:
                runner.stop()
            await asyncio.gather(*tasks)

    async def feed(self, first: int) -> None:
        """As many high records as others, to all partitions."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as producer:
            for number in range(first, first + MANY):
                for kind in (b"l%d", b"h%d"):
                    await producer.send(self.source, kind % number, partition=number % PARTITIONS)

    async def read_by(self, stage: Stage) -> None:
        """Until the stage has committed that it read, or passed over, all there is."""
        tps = [TopicPartition(self.source, number) for number in range(PARTITIONS)]
        ends = await self.worker.offsets._reader.end_offsets(tps)
        async with asyncio.timeout(30):
            while ends != (await self.worker.offsets.positions(self.config.group(stage.name), tps))[0]:
                await asyncio.sleep(0.05)


@pytest.mark.spec("NS-SND-004")
async def test_what_was_passed_over_before_the_heir_opened_for_the_first_time_is_handled_once(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """First the version without an heir, then the new one whose heir comes late, then both.

    Mutations tried: the heir begins where its elder stands when it opens, as it was: fails (the second part
    is nobody's); at the start of the log: fails (the first part twice).
    """
    await create_topics(
        servers.bootstrap, PARTITIONS, f"{app_prefix}.in", f"{app_prefix}.out", f"{app_prefix}.in.dlq"
    )
    house = House(servers.bootstrap, app_prefix, tmp_path)
    await house.worker.start()
    try:
        for first, stages in (
            (0, (house.whole,)),
            (MANY, (house.elder,)),
            (2 * MANY, (house.elder, house.heir)),
        ):
            async with house.running(*stages):
                await house.feed(first)
                for stage in stages:
                    await house.read_by(stage)
        await read_until(servers.bootstrap, house.out, lambda rows: len(rows) >= 6 * MANY)
        await settled(servers.bootstrap, house.out)
        rows = await read(servers.bootstrap, house.out)
    finally:
        await house.worker.stop()
    wanted = [b"elder %s%d" % (kind, n) for n in range(MANY) for kind in (b"l", b"h")]
    wanted += [b"elder l%d" % n for n in range(MANY, 3 * MANY)]
    wanted += [b"heir h%d" % n for n in range(MANY, 3 * MANY)]
    assert Counter(wanted) == Counter(row.value for row in rows)
