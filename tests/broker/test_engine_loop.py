"""The event loop: a batch lets it turn, and only who holds it is ended (design rules 12 and 13)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from connectors.clock import now_ms
from streams.engine.api import EngineConfig, Input, Stage, Stream, Tables, ToTopic
from streams.engine.meters import Meters
from streams.engine.stage import StageRunner
from streams.engine.watchdog import EXIT_CODE
from streams.engine.worker import Worker
from tests.broker.app.ledger import create_topics, read_until, write
from tests.broker.app.private import PrivateKafka, private_kafka
from tests.broker.app.process import until
from tests.broker.app.proxy import Api, Fault, open_door

LIMIT_S = 1.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKafka]:
    with private_kafka(tmp_path_factory.mktemp("private")) as broker:
        yield broker


class Holding:
    """A worker of this process whose agent holds the loop for as many ms as its records say.

    `turns` are those of the loop that came between records, `seen` how many there had been at each. `ends`:
    what the watchdog would have ended the process with.
    """

    def __init__(self, bootstrap: str, app: str, folder: Path) -> None:
        self.out = f"{app}.out"
        self.turns = 0
        self._waits = False
        self.seen: list[int] = []
        self.ends: list[int] = []
        self.words = folder / "words"
        config = EngineConfig(bootstrap, app, "w1", str(folder), stuck_after_s=LIMIT_S)
        self.worker = Worker(config, Meters(CollectorRegistry()), now_ms, lambda: uuid.uuid4().bytes)
        route = ToTopic(lambda _: self.out, lambda _: None, lambda raw: raw, same_partition=True)
        self.stage = Stage(
            "hold", (Input(f"{app}.in", bytes),), self._hold, {bytes: (route,)}, budget_ms=60_000
        )

    async def _hold(self, stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            self.seen.append(self.turns)
            if not self._waits:
                self._waits = True
                asyncio.get_running_loop().call_soon(self._turned)
            time.sleep(int(event.value) / 1000)
            yield event.value

    def _turned(self) -> None:
        self.turns += 1
        self._waits = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StageRunner]:
        """With its task open; stopped at the end of the block."""
        watchdog = self.worker._watchdog
        watchdog._end = self.ends.append
        with self.words.open("w") as watchdog._out:
            await self.worker.start()
            runner = self.worker.runner(self.stage)
            running = asyncio.create_task(runner.run())
            try:
                await until(lambda: runner.ready or running.done(), "the stage is open")
                yield runner
            finally:
                runner.stop()
                await running
                await self.worker.stop()
                watchdog._thread.join()


async def created(kafka: PrivateKafka, app: str) -> None:
    await create_topics(kafka.direct, 1, f"{app}.in", f"{app}.out", f"{app}.in.dlq")


async def held(kafka: PrivateKafka, app: str, *words: bytes) -> None:
    await write(kafka.direct, f"{app}.in", 1, ((b"user-0", word) for word in words))


async def test_a_batch_lets_the_loop_turn(kafka: PrivateKafka, app_prefix: str, tmp_path: Path) -> None:
    """200 records of 2 ms, fetched together. Mutation tried: `breathe` returns at once: fails."""
    await created(kafka, app_prefix)
    holding = Holding(kafka.direct, app_prefix, tmp_path)
    await held(kafka, app_prefix, *[b"2"] * 200)
    async with holding.running():
        await until(lambda: len(holding.seen) >= 200, "all records")
    assert len(set(holding.seen)) > 30


async def test_who_holds_the_loop_is_ended_with_last_words(
    kafka: PrivateKafka, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation tried: a worker that does not start its watchdog: fails."""
    await created(kafka, app_prefix)
    holding = Holding(kafka.direct, app_prefix, tmp_path)
    async with holding.running():
        await held(kafka, app_prefix, b"%d" % (LIMIT_S * 3_000))
        await read_until(kafka.direct, holding.out, bool)
        assert [EXIT_CODE] == holding.ends
    words = holding.words.read_text()
    assert '"tasks": {"hold": {"0": "compute"}}' in words
    assert "in _hold" in words


async def test_who_waits_for_kafka_is_not_stuck(kafka: PrivateKafka, app_prefix: str, tmp_path: Path) -> None:
    """A commit is held up for three times the limit, under the name of what it waits for.

    Mutation tried: the watchdog counts while a task says `kafka`: fails.
    """
    await created(kafka, app_prefix)
    async with open_door(kafka.door_port, kafka.real_port) as door:
        holding = Holding(kafka.through_door, app_prefix, tmp_path)
        async with holding.running() as runner:
            fault = door.catch(Fault(Api.END_TRANSACTION))
            await held(kafka, app_prefix, b"0")
            await asyncio.wait_for(fault.caught.wait(), 20)
            await asyncio.sleep(LIMIT_S * 3)
            assert {0: "kafka"} == runner.states()
            fault.release.set()
            assert [b"0"] == [row.value for row in await read_until(kafka.direct, holding.out, bool)]
    assert [] == holding.ends
