"""The operations port over a real socket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.account_metrics import AccountMetrics
from connectors.audience_metrics import AudienceGauges, AudienceMetrics
from connectors.budget_metrics import BudgetMetrics
from connectors.campaign_metrics import CampaignMetrics
from connectors.flow_metrics import FlowMetrics
from connectors.http.authority import Authority
from connectors.http.ports import OpsPorts
from connectors.http.routes import ops_app
from connectors.http.server import listening
from connectors.mailbox_metrics import MailboxMetrics
from connectors.metrics import (
    METRICS,
    HttpMetrics,
    InputMetrics,
    ProviderMetrics,
    ReceiptMetrics,
    SinkMetrics,
)
from connectors.provider_metrics import BreakerMetrics, WeightMetrics
from connectors.rate_metrics import RateMetrics
from connectors.receipt_metrics import PunctualityMetrics
from connectors.request_metrics import RequestMetrics
from connectors.seen_metrics import SeenMetrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def well() -> str | None:
    return None


async def restoring() -> str | None:
    return "2 of 4 tasks restored"


async def broken() -> str | None:
    raise ConnectionError("postgresql://user:password@host")


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


@asynccontextmanager
async def ops(*, aside: bool = False, **checks: Any) -> AsyncIterator[TestClient[Any, Any]]:
    registry = CollectorRegistry()
    ProviderMetrics(registry)
    ReceiptMetrics(registry)
    RateMetrics(registry)
    BudgetMetrics(registry)
    FlowMetrics(registry)
    BreakerMetrics(registry)
    WeightMetrics(registry)
    PunctualityMetrics(registry)
    SinkMetrics(registry)
    InputMetrics(registry)
    SeenMetrics(registry, lambda: 0)
    AccountMetrics(registry)
    AudienceMetrics(registry)
    RequestMetrics(registry)
    AudienceGauges(registry, is_up=lambda: True, labels=lambda: 0, oldest_s=lambda: 0.0)
    CampaignMetrics(registry)
    MailboxMetrics(registry, lambda: 0, lambda: None)
    ports = OpsPorts(
        live={"loop": well},
        ready=checks,
        version={"version": "0.1.0"},
        registry=registry,
        authenticate=Authority(KeyBook(), []).authenticate,
        metrics=HttpMetrics(registry),
        check_timeout_ms=30,
        aside={"audience": restoring} if aside else {},
    )
    async with TestClient(TestServer(ops_app(ports))) as client:
        yield client


async def got(client: TestClient[Any, Any], path: str) -> tuple[int, Any]:
    async with client.get(path) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.spec("NS-API-OP-19")
async def test_ready_when_every_check_holds() -> None:
    async with ops(kafka=well, postgres=well) as client:
        found = await got(client, "/readyz")
    assert found == (200, {"status": "ok", "checks": {"kafka": {"ok": True}, "postgres": {"ok": True}}})


@pytest.mark.spec("NS-API-OP-19")
async def test_each_failing_check_is_named_with_its_reason_and_no_secret() -> None:
    async with ops(kafka=well, tables=restoring, postgres=broken, slow=hanging) as client:
        status, body = await got(client, "/readyz")
    assert (503, "failing") == (status, body["status"])
    assert body["checks"] == {
        "kafka": {"ok": True},
        "tables": {"ok": False, "detail": "2 of 4 tasks restored"},
        "postgres": {"ok": False, "detail": "ConnectionError"},
        "slow": {"ok": False, "detail": "no answer in time"},
    }


async def test_a_check_aside_is_told_and_does_not_count() -> None:
    """Seen posts need nothing of audiences. Mutation tried: all checks count: fails."""
    async with ops(aside=True, kafka=well) as client:
        status, body = await got(client, "/readyz")
    assert (200, "ok") == (status, body["status"])
    assert {"ok": False, "detail": "2 of 4 tasks restored"} == body["checks"]["audience"]


async def test_alive_though_not_ready() -> None:
    async with ops(postgres=broken) as client:
        assert 200 == (await got(client, "/livez"))[0]


async def test_version_is_told() -> None:
    async with ops() as client:
        assert (200, {"version": "0.1.0"}) == await got(client, "/version")


@pytest.mark.spec("NS-OPS-060")
async def test_every_metric_of_the_list_is_shown_with_its_sentence() -> None:
    async with ops() as client, client.get("/metrics") as response:
        text = await response.text()
    told = {line.split(" ", 3)[2]: line.split(" ", 3)[3] for line in text.splitlines() if "# HELP" in line}
    expected = {one.name: one.sentence for one in METRICS}
    assert expected == {name: told.get(name) for name in expected}


async def test_stopping_lets_a_running_request_finish() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> str | None:
        begun.set()
        await go_on.wait()
        return None

    async def asked(url: str) -> int:
        async with ClientSession() as session, session.get(url) as response:
            return response.status

    registry = CollectorRegistry()
    authenticate = Authority(KeyBook(), []).authenticate
    ports = OpsPorts({}, {"slow": slowly}, {}, registry, authenticate, HttpMetrics(registry))
    async with listening(ops_app(ports), "127.0.0.1", 0) as port:
        answer = asyncio.create_task(asked(f"http://127.0.0.1:{port}/readyz"))
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
    assert 200 == await answer
