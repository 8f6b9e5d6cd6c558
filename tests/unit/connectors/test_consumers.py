"""Calls of consumers' APIs against the fake ones: verdicts, headers, changed entries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.consumers import Consumers
from connectors.seen_metrics import SeenMetrics
from schemas.codec import encode
from schemas.records import SeenCall, SeenDestination, SeenFact, SeenParcel, SeenTag
from schemas.words import Verdict
from tests.messages import T0

PARCEL = SeenParcel(
    fact=SeenFact(
        event_type="client", tag="wallet", id="c-1", seen_at="2025-05-21T12:34:56Z", user={"uid": "7"}
    ),
    fact_id="f-1",
    destination="wallet",
    origin="facts.seen/0/1",
    received_at=T0,
    give_up_at=T0 + 1,
    traceparent="00-aa-bb-01",
)


class Service:
    """A consumer that says what a test wants."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.hangs = False
        self.let_go = asyncio.Event()
        self.asked: list[tuple[dict[str, str], Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((dict(request.headers), await request.json()))
        if self.hangs:
            await self.let_go.wait()
        return web.Response(status=self.status, headers=self.headers, text="u-1 is our secret")


class Desk:
    """The performer with one configured destination."""

    def __init__(self, url: str) -> None:
        self.registry = CollectorRegistry()
        self.target = SeenDestination(kind="api", name="wallet", url=url, timeout_ms=10_000)
        self.consumers = Consumers(self.tag, SeenMetrics(self.registry, lambda: 0))

    def tag(self, name: str) -> SeenTag | None:
        return SeenTag(tag="wallet", destinations=[], targets=[self.target]) if name == "wallet" else None

    async def called(self, parcel: SeenParcel = PARCEL) -> tuple[str, str | None]:
        ended = await self.consumers.perform(SeenCall(parcel=parcel))
        return ended.verdict, ended.detail


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def desk(service: Service) -> AsyncIterator[Desk]:
    app = web.Application()
    app.router.add_post("/seen", service.answer)
    async with TestServer(app) as server:
        made = Desk(str(server.make_url("/seen")))
        yield made
        await made.consumers.close()


@pytest.mark.spec("SEEN-066 SEEN-OP-15")
@pytest.mark.parametrize(
    ("status", "verdict", "detail"),
    [
        (200, Verdict.ACCEPTED, "200"),
        (204, Verdict.ACCEPTED, "204"),
        (409, Verdict.ACCEPTED, None),
        (400, Verdict.PERMANENT, "400"),
        (404, Verdict.PERMANENT, "404"),
        (408, Verdict.TEMPORARY, "408"),
        (429, Verdict.TEMPORARY, "429"),
        (302, Verdict.TEMPORARY, "302"),
        (500, Verdict.TEMPORARY, "500"),
        (503, Verdict.TEMPORARY, "503"),
    ],
)
async def test_the_status_decides_and_nothing_else_of_the_answer_is_kept(
    desk: Desk, service: Service, status: int, verdict: Verdict, detail: str | None
) -> None:
    service.status = status
    service.headers = {"Location": "http://elsewhere/"}
    assert (verdict, detail) == await desk.called()


@pytest.mark.spec("SEEN-031 SEEN-054")
async def test_a_call_carries_the_envelope_a_key_and_the_trace(desk: Desk, service: Service) -> None:
    await desk.called()
    ((headers, body),) = service.asked
    assert ("f-1", "00-aa-bb-01") == (headers["Idempotency-Key"], headers["traceparent"])
    assert "application/json" == headers["Content-Type"]
    assert {
        "event_type": "client",
        "tag": "wallet",
        "id": "c-1",
        "seen_at": "2025-05-21T12:34:56Z",
        "user": {"uid": "7"},
    } == body


async def test_no_answer_within_the_timeout_and_no_server_are_tried_again(
    desk: Desk, service: Service
) -> None:
    service.hangs = True
    desk.target = replace(desk.target, timeout_ms=200)
    assert Verdict.TEMPORARY == (await desk.called())[0]
    desk.target = replace(desk.target, url="http://127.0.0.1:9/")
    assert Verdict.TEMPORARY == (await desk.called())[0]


async def test_a_changed_entry_is_used_by_the_next_call(desk: Desk, service: Service) -> None:
    await desk.called()
    desk.target = replace(desk.target, timeout_ms=300, url=f"{desk.target.url}-moved")
    assert (Verdict.PERMANENT, "404") == await desk.called()
    assert 1 == len(service.asked)


@pytest.mark.spec("SEEN-065")
async def test_an_entry_that_is_gone_calls_nobody(desk: Desk, service: Service) -> None:
    assert Verdict.TEMPORARY == (await desk.called(replace(PARCEL, destination="gone")))[0]
    assert [] == service.asked


async def test_calls_are_counted_while_they_run(desk: Desk, service: Service) -> None:
    labels = {"tag": "wallet", "destination": "wallet"}
    service.hangs = True
    running = asyncio.create_task(desk.called())
    while not service.asked:
        await asyncio.sleep(0)
    assert 1 == desk.registry.get_sample_value("carillon_seen_calls_in_flight", labels)
    service.let_go.set()
    await running
    assert 0 == desk.registry.get_sample_value("carillon_seen_calls_in_flight", labels)
    assert 1 == desk.registry.get_sample_value("carillon_seen_call_seconds_count", labels)


async def test_whatever_a_call_raises_is_a_failure_that_spends_an_attempt(desk: Desk) -> None:
    """As an exception it would be hidden, called again at once, and so for ever."""
    desk.target = replace(desk.target, url="http://a..b/")
    verdict, detail = await desk.called()
    assert (Verdict.TEMPORARY, True) == (verdict, bool(detail))


async def test_a_call_that_is_cancelled_says_nothing(desk: Desk, service: Service) -> None:
    service.hangs = True
    running = asyncio.create_task(desk.called())
    while not service.asked:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


SECRET = "Bearer 5f7c"


class Guarded(Desk):
    """A destination that asks for a secret; `secrets` of the settings."""

    def __init__(self, url: str, secrets: dict[str, str]) -> None:
        super().__init__(url)
        self.target = replace(
            self.target, auth_header="Authorization", auth_secret="wallet", timeout_ms=10_000
        )
        self.consumers = Consumers(self.tag, SeenMetrics(CollectorRegistry(), lambda: 0), secrets)


@pytest.mark.parametrize(("status", "verdict"), [(200, "accepted"), (401, "temporary"), (403, "temporary")])
async def test_a_call_bears_the_secret_and_a_refused_one_is_tried_again(
    desk: Desk, service: Service, status: int, verdict: str
) -> None:
    service.status = status
    desk = Guarded(desk.target.url or "", {"wallet": SECRET})
    ended = await desk.consumers.perform(SeenCall(parcel=PARCEL))
    await desk.consumers.close()
    ((headers, _),) = service.asked
    assert (verdict, SECRET) == (ended.verdict, headers["Authorization"])
    assert SECRET.encode() not in encode(ended)
    assert SECRET not in str(desk.target)


async def test_without_the_secret_nobody_is_called_and_the_fact_waits(desk: Desk, service: Service) -> None:
    ended = await Guarded(desk.target.url or "", {"other": SECRET}).consumers.perform(SeenCall(parcel=PARCEL))
    assert ("temporary", "its secret is not in the settings") == (ended.verdict, ended.detail)
    assert [] == service.asked
