"""Urgent records overtake a backlog without starving it; transactions keep their distance (rules 13, 17)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from connectors.clock import now_ms
from streams.engine.api import EngineConfig, Input, Stage, Stream, Tables, ToTopic
from streams.engine.meters import Meters
from streams.engine.worker import Worker
from tests.broker.app.errand import Errand
from tests.broker.app.ledger import create_topics, grown, read, read_until, settled
from tests.broker.app.process import ended, until
from tests.servers import Servers

BACKLOG = 100_000


@pytest.fixture
def errand(servers: Servers, app_prefix: str, tmp_path: Path) -> Errand:
    made = Errand(servers.bootstrap, app_prefix, tmp_path)
    made.params |= {"inputs": ["high", "low"], "max_batch": 500}
    return made


def places(heard: list[bytes], first: bytes) -> list[int]:
    return [place for place, word in enumerate(heard) if word.startswith(first)]


@pytest.mark.spec("NS-SND-004 NS-SND-040 NS-OPS-010 NS-OPS-011")
async def test_what_is_urgent_overtakes_a_backlog_of_100_000_on_its_task(errand: Errand) -> None:
    """Both wait before the worker comes; the fetched part of the backlog is all that may go before.

    Mutation tried: lanes in the order of their topics' names reversed: fails.
    """
    worker = await errand.worker()
    async with ended(worker):
        await errand.ask(*(b"say l%d" % n for n in range(BACKLOG)), topic="low")
        await errand.ask(*(b"say h%d" % n for n in range(200)), topic="high")
        await worker.start()
        await grown(errand.bootstrap, f"{errand.app}.out", BACKLOG + 200)
        heard = await errand.heard(BACKLOG + 200)
        assert 0 == await worker.stop()
    assert [b"l%d" % n for n in range(BACKLOG)] == [word for word in heard if word.startswith(b"l")]
    assert [b"h%d" % n for n in range(200)] == [word for word in heard if word.startswith(b"h")]
    assert places(heard, b"h")[-1] < BACKLOG // 4


async def test_a_less_urgent_lane_does_not_starve(errand: Errand) -> None:
    """A budget that ends after a few records must not always end before the lower lane's.

    Mutation tried: lower lanes at the end of the batch, as it was: fails.
    """
    errand.params["budget_ms"] = 0
    errand.params["min_interval_ms"] = 0
    worker = await errand.worker()
    async with ended(worker):
        await errand.ask(*(b"say l%d" % n for n in range(20)), topic="low")
        await errand.ask(*(b"say h%d" % n for n in range(600)), topic="high")
        await worker.start()
        heard = await errand.heard(620)
        assert 0 == await worker.stop()
    assert 20 == len(places(heard, b"l"))
    assert places(heard, b"l")[-1] < 400


class Told:
    """One stage in this process, for its meters: records of a slow feed, passed on."""

    def __init__(self, bootstrap: str, app: str, folder: Path, interval_ms: int) -> None:
        self.out = f"{app}.out"
        self.stage = Stage(
            "pass",
            (Input(f"{app}.in", bytes),),
            self._pass_on,
            {bytes: (ToTopic(lambda _: self.out, lambda _: None, lambda raw: raw, same_partition=True),)},
            min_interval_ms=interval_ms,
        )
        self.registry = CollectorRegistry()
        config = EngineConfig(bootstrap, app, "w1", str(folder), fetch_max_wait_ms=20)
        self.worker = Worker(config, Meters(self.registry), now_ms, lambda: uuid.uuid4().bytes)

    async def _pass_on(self, stream: Stream, _tables: Tables) -> AsyncIterator[object]:
        async for event in stream:
            yield event.value

    def metric(self, name: str) -> float:
        """A sample of the stage; 0 before there is one."""
        return self.registry.get_sample_value(f"carillon_stage_{name}", {"stage": "pass"}) or 0.0


async def test_transactions_keep_their_distance_and_are_counted(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """A feed of one record in 5 ms for 2 s and 200 ms between transactions; markers in `out` are the truth.

    Mutations tried: no rest between turns: fails (some 300 transactions); transactions or events not counted:
    fails.
    """
    await create_topics(servers.bootstrap, 1, f"{app_prefix}.in", f"{app_prefix}.out", f"{app_prefix}.in.dlq")
    told = Told(servers.bootstrap, app_prefix, tmp_path, interval_ms=200)
    await told.worker.start()
    runner = told.worker.runner(told.stage)
    running = asyncio.create_task(runner.run())
    await until(lambda: runner.ready and told.worker, "the stage is open")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with AIOKafkaProducer(bootstrap_servers=servers.bootstrap) as producer:
        for number in range(400):
            await producer.send_and_wait(f"{app_prefix}.in", b"%d" % number, partition=0)
            await asyncio.sleep(0.005)
    rows = await read_until(servers.bootstrap, told.out, lambda rows: len(rows) >= 400)
    took = loop.time() - began
    runner.stop()
    await running
    await told.worker.stop()
    await settled(servers.bootstrap, told.out)
    assert [b"%d" % number for number in range(400)] == [row.value for row in rows]
    markers = rows[-1].offset + 2 - len(rows)
    assert 2 <= markers <= took / 0.2 + 2
    assert (markers, 400) == (told.metric("transactions_total"), told.metric("consumed_records_total"))
    assert (markers, 400) == (told.metric("transaction_events_count"), told.metric("transaction_events_sum"))
    assert 400 == told.metric("produced_records_total")
    assert 400 == len(await read(servers.bootstrap, told.out))
