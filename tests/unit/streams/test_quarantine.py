"""What a worker reports of flows, when Kafka takes it and when it does not; how the stage is joined."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from prometheus_client import CollectorRegistry

from schemas.codec import Decoder, SchemaBook
from schemas.quarantine_words import flow_key
from schemas.records import AnomalyFound, FlowCounted, RequestFreed, RequestReceived
from streams import reporting
from streams.cli.quarantine import line_of
from streams.engine.api import EngineConfig, ToCount
from streams.quarantine import FlowEnds, lane_of, terms_of
from streams.settings import Settings
from streams.settings_quarantine import Quarantine
from tables.flows import Terms
from tests.contract.test_topology import stages
from tests.flows import CODE, SOURCE, aside, request
from tests.requests import REQUEST

DECODE = Decoder(FlowCounted, book=SchemaBook())
CONFIG = EngineConfig("b:1", "app", "w", "/nowhere")


class Broker:
    """Refuses so many records, then takes them."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.taken: list[tuple[str, bytes, FlowCounted]] = []
        self.told = asyncio.Event()

    async def send(self, topic: str, value: bytes, *, key: bytes) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.refuses:
            self.refuses -= 1
            answer.set_exception(KafkaConnectionError())
            return answer
        self.taken.append((topic, key, DECODE(value)))
        answer.set_result(None)
        self.told.set()
        return answer


async def reported(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> FlowCounted:
    """The first report after two requests."""
    for name in ("BEAT_S", "REST_S", "AWAY_S"):
        monkeypatch.setattr(reporting, name, 0)
    ends = FlowEnds(CONFIG, lambda _: True, SchemaBook(), CollectorRegistry())
    ends.book.count(request(1))
    ends.book.count(request(2))
    port: Any = broker
    reporter = asyncio.create_task(ends.report_on(port))
    async with asyncio.timeout(30):
        await broker.told.wait()
    reporter.cancel()
    await asyncio.wait([reporter])
    ((topic, key, said),) = broker.taken
    assert ("flows.counts", flow_key(SOURCE, CODE)) == (topic, key)
    return said


@pytest.mark.spec("NS-SEC-OP-07")
async def test_requests_are_reported_by_their_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    said = await reported(Broker(), monkeypatch)
    assert (SOURCE, CODE, 2) == (said.source, said.notification_type, said.count)
    assert said.worker.startswith("w/")


async def test_a_report_that_did_not_arrive_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation tried: forgotten: hangs, fails."""
    assert 2 == (await reported(Broker(refuses=2), monkeypatch)).count


@pytest.mark.spec("NS-SEC-OP-07")
def test_the_intake_counts_every_request() -> None:
    """Mutation tried: without the route nothing is ever too much."""
    routes = next(stage.routes for stage in stages() if stage.name == "intake")[RequestReceived]
    assert 1 == len([route for route in routes if isinstance(route, ToCount)])


def test_what_is_freed_goes_to_the_lane_and_the_user_it_came_by() -> None:
    (stage,) = (stage for stage in stages() if stage.name == "quarantine")
    (route,) = stage.routes[RequestFreed]
    freed: Any = RequestFreed(request=REQUEST)
    port: Any = route
    assert ("request.high", b"user:" + REQUEST.user_id.encode()) == (lane_of(freed), port.key(freed))


def test_what_is_laid_aside_goes_where_its_flow_is_judged() -> None:
    routes = next(stage.routes for stage in stages() if stage.name == "recipient")
    (route,) = routes[type(aside(1))]
    port: Any = route
    assert ("request.quarantine", flow_key(SOURCE, CODE)) == (port.topic(aside(1)), port.key(aside(1)))


def test_settings_are_the_terms() -> None:
    given = Quarantine(mode="alert", factor=3, floor_per_minute=7, grace_minutes=2)
    assert Terms(3, 7, 120_000, holds=False) == terms_of(Settings(quarantine=given))
    assert Terms() == terms_of(Settings())


@pytest.mark.parametrize(("is_held", "what"), [(True, "held, 5 wait"), (False, "told only, all pass")])
def test_a_line_says_what_is_anomalous_and_what_waits(*, is_held: bool, what: str) -> None:
    one = AnomalyFound(
        source="crm", notification_type="news", since=0, count=90, average=4, is_held=is_held, waiting=5
    )
    line = f"crm  news  since 1970-01-01T00:00:00Z  90 in a minute, 4 before  {what}"
    assert line == line_of(one)
