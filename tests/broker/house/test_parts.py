"""`carillon worker` and `carillon http` beside given servers, told by the environment; SIGTERM ends them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from streams.settings import load_settings
from streams.topics import create_topics
from tests.broker.faults.system import free_port
from tests.broker.house.house import PATIENCE_S, House

ROOT = Path(__file__).parents[3]
STAGE = re.compile(r'stage="([^"]+)"')
ANNEX = {"CARILLON_KAFKA__APP": "annex", "CARILLON_ENGINE__WORKER_NAME": "annex"}
"""Groups, changelogs and a name of its own: the house notices nothing."""


def environment(house: House, folder: Path) -> dict[str, str]:
    """All that a part is told."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    ports = {"CARILLON_HTTP__PORT": str(free_port()), "CARILLON_HTTP__OPS_PORT": str(free_port())}
    return others | house.environment | ANNEX | ports | {"CARILLON_DATA_DIR": str(folder)}


@asynccontextmanager
async def running(told: Mapping[str, str], *words: str) -> AsyncIterator[str]:
    """The address of its operations port while it runs and is ready; it must end with 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", *words, cwd=ROOT, env=told, stderr=asyncio.subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{told['CARILLON_HTTP__OPS_PORT']}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await is_ready(base):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield base
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert 0 == await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_ready(base: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def fetched(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert 200 == answer.status
        return await answer.text()


async def test_a_worker_runs_the_stages_it_is_told_and_no_other(house: House, tmp_path: Path) -> None:
    told = environment(house, tmp_path)
    flags = {"kafka.app": "annex", "kafka.bootstrap": house.kafka.address}
    keys = {"crypto.keys": told["CARILLON_CRYPTO__KEYS"]}
    await create_topics(load_settings({**flags, **keys, "data_dir": tmp_path}))
    async with running(told, "worker", "--stages", "seen,stats") as base:
        assert {"seen", "stats"} == set(STAGE.findall(await fetched(f"{base}/metrics")))


async def test_http_takes_posts_without_a_worker(house: House, tmp_path: Path) -> None:
    told = environment(house, tmp_path)
    async with running(told, "http"):
        url = f"http://127.0.0.1:{told['CARILLON_HTTP__PORT']}/4.0/mark-notify/v1/seen"
        body = {"tag": "promotions", "id": "parts-1"}
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert (200, {}) == (answer.status, await answer.json())
