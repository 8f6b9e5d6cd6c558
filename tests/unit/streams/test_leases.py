"""What a worker reports of calls that wait, when Kafka takes it and when it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from schemas.codec import Decoder, SchemaBook
from schemas.records import Provider, ProviderCall, RateDemanded
from streams import reporting
from streams.engine.api import EngineConfig
from streams.leases import Leases
from tests.messages import TASK
from tests.unit.streams.engine.lives import turns

LIMITED = Provider(name="a", channel_type=TASK.channel, kind="fake_sms", rate_limit=10)
CALL = ProviderCall(task=TASK, provider="a")
DECODE = Decoder(RateDemanded, book=SchemaBook())


class Broker:
    """Refuses so many records, then takes them."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.taken: list[tuple[str, bytes, RateDemanded]] = []
        self.told = asyncio.Event()

    async def send(self, topic: str, value: bytes, *, key: bytes) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.refuses:
            self.refuses -= 1
            raise KafkaConnectionError
        self.taken.append((topic, key, DECODE(value)))
        answer.set_result(None)
        self.told.set()
        return answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "AWAY_S", 0)
    monkeypatch.setattr(reporting, "REST_S", 0)
    monkeypatch.setattr(reporting, "BEAT_S", 60)


async def reported(broker: Broker, many: int) -> list[tuple[str, bytes, RateDemanded]]:
    """The first reports while one call waits."""
    config = EngineConfig("b:1", "app", "w", "/nowhere")
    leases = Leases(config, lambda _: [LIMITED], SchemaBook(), CollectorRegistry())
    port: Any = broker
    passing = leases.gate.passing(CALL)
    assert passing is not None
    waits = asyncio.ensure_future(passing)
    await turns(3)
    reporter = asyncio.create_task(leases.report_on(port))
    async with asyncio.timeout(30):
        while len(broker.taken) < many:
            await broker.told.wait()
            broker.told.clear()
    for each in (reporter, waits):
        each.cancel()
    await asyncio.wait([reporter, waits])
    return broker.taken


async def test_a_call_that_waits_is_reported_by_its_account() -> None:
    ((topic, key, said),) = await reported(Broker(), 1)
    assert ("rates.demands", f"{TASK.channel}/a".encode()) == (topic, key)
    assert said.worker.startswith("w/")
    assert (1, 0, 0) == (said.high + said.others, said.seen, said.back)


async def test_it_is_reported_again_and_again_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: news only: hangs, fails."""
    monkeypatch.setattr(reporting, "BEAT_S", 0.01)
    told = [said for *_, said in await reported(Broker(), 3)]
    assert [replace(told[0], number=number) for number in (1, 2, 3)] == told[:3]


async def test_a_report_that_did_not_arrive_is_made_anew() -> None:
    """Mutation tried: forgotten: hangs, fails."""
    ((_, _, said),) = await reported(Broker(refuses=2), 1)
    assert 3 == said.number
