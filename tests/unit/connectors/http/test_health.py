"""`GET /health` over a real socket, asked by a stranger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.http.checks import Asks
from connectors.http.health import PATH, Vitals
from tests.unit.connectors.http.edge import edge

SECRET = "postgresql://user:password@host"


async def well() -> str | None:
    return None


async def away() -> str | None:
    raise ConnectionError(SECRET)


async def found(needed: Asks, partly: Asks) -> tuple[int, Any]:
    async with edge(vitals=Vitals(needed, partly)) as one, one.client.get(PATH) as response:
        assert SECRET not in await response.text()
        return response.status, await response.json()


@pytest.mark.spec("NS-API-063", "NS-API-064", "NS-API-065", "NS-API-OP-01", "NS-API-OP-19")
async def test_a_stranger_learns_that_all_is_well() -> None:
    checks = {"kafka": "ok", "postgres": "ok", "tables_recovered": "ok"}
    answer = await found({"kafka": well}, {"postgres": well, "tables_recovered": well})
    assert (200, {"status": "ok", "checks": checks}) == answer


@pytest.mark.spec("NS-API-OP-19")
async def test_without_postgres_requests_are_still_taken() -> None:
    """Mutation: every check is needed. A balancer then takes the service away for reads that fail."""
    checks = {"kafka": "ok", "postgres": "failing"}
    assert (200, {"status": "degraded", "checks": checks}) == await found({"kafka": well}, {"postgres": away})


@pytest.mark.spec("NS-API-064", "NS-API-OP-19")
async def test_without_the_broker_it_fails_and_tells_nothing_of_where_it_is() -> None:
    checks = {"kafka": "failing", "postgres": "ok"}
    assert (503, {"status": "failing", "checks": checks}) == await found({"kafka": away}, {"postgres": well})


async def test_however_many_ask_the_checks_run_once() -> None:
    """Mutation: a look for each question. Strangers then ask Kafka and Postgres as often as they like."""
    looks = 0

    async def counted() -> str | None:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return None

    async with edge(vitals=Vitals({"kafka": counted})) as one:

        async def ask() -> int:
            async with one.client.get(PATH) as response:
                return response.status

        assert [200] * 20 == await asyncio.gather(*(ask() for _ in range(20)))
        assert 200 == await ask()
    assert 1 == looks
