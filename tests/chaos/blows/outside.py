"""Blows at Postgres, at the provider, and at the connections between one worker and Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import asyncpg

from connectors.embedded.process import EmbeddedError
from tests.chaos.strike import Effect

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.strike import Scene
    from tests.chaos.system import Running

CONNECTED: Final = (
    "select count(*) from pg_stat_activity where datname = 'carillon' and pid <> pg_backend_pid()"
)
ROWS: Final = "select sum(next)::bigint from sink_offsets"
PATIENCE_S: Final = 60.0
SILENT_CALLS: Final = 12


async def postgres_killed(scene: Scene, _victim: str, dice: Random) -> Effect:
    """SIGKILL of the server's first process: it recovers from its log at the next start."""
    return await _without_postgres(scene, dice, orderly=False)


async def postgres_restarted(scene: Scene, _victim: str, dice: Random) -> Effect:
    """A stop in order, which ends every connection."""
    return await _without_postgres(scene, dice, orderly=True)


async def _without_postgres(scene: Scene, dice: Random, *, orderly: bool) -> Effect:
    system, postgres = scene.system, scene.system.postgres
    connected, pid, rows = await _asked(system, CONNECTED), postgres.pid, await _asked(system, ROWS)
    scene.hit()
    if not orderly:
        os.kill(pid, signal.SIGKILL)
    await postgres.stop()
    await asyncio.sleep(dice.uniform(1.0, 5.0))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await postgres.start()
                break
            except EmbeddedError:  # children of the killed server may need a moment to end
                await asyncio.sleep(0.5)
        while await _asked(system, ROWS) <= rows:
            await asyncio.sleep(0.2)
    told = f"{connected} connections cut, rows are written again"
    return Effect(connected > 0 and postgres.pid != pid, told)


async def provider_silent(scene: Scene, _victim: str, dice: Random) -> Effect:
    """The provider takes the next calls and answers none of them in time."""
    channel, at = dice.choice(("email", "sms", "push")), scene.hit()
    rule = {"fault": "take_and_hang", "times": SILENT_CALLS, "channel": channel}
    async with aiohttp.ClientSession(scene.system.fake_url) as session:
        async with session.post("/script", json=rule) as answer:
            assert answer.status == 201, await answer.text()
        async with asyncio.timeout(PATIENCE_S):
            while await _rules(session):
                await asyncio.sleep(0.5)
    await asyncio.sleep(5.0)
    hung = [line for line in _calls(scene.system) if line["at"] >= at * 1000 and not line["answered"]]
    told = f"{len(hung)} calls by {channel} taken and never answered"
    return Effect(len(hung) >= SILENT_CALLS, told)


async def slow(scene: Scene, name: str, dice: Random) -> Effect:
    """Every piece that passes between this worker and the brokers waits."""
    gates, delay_s = scene.system.cluster.gates.values(), dice.uniform(0.05, 0.3)
    async with scene.system.locks[name]:
        before = sum(gate.delayed for gate in gates)
        scene.hit()
        for gate in gates:
            gate.delay_s = delay_s
        await asyncio.sleep(dice.uniform(8.0, 12.0))
        for gate in gates:
            gate.delay_s = 0.0
        await scene.system.workers[name].until_ready()
    delayed = sum(gate.delayed for gate in gates) - before
    return Effect(delayed > 0, f"{delayed // 1024} KiB came {delay_s * 1000:.0f} ms late")


async def dropped(scene: Scene, name: str, dice: Random) -> Effect:
    """All connections of this worker are cut, again and again; once nobody gets in for a while."""
    gates = scene.system.cluster.gates.values()
    async with scene.system.locks[name]:
        cut = 0
        scene.hit()
        for _ in range(4):
            cut += sum(gate.drop() for gate in gates)
            await asyncio.sleep(dice.uniform(0.5, 2.0))
        for gate in gates:
            gate.shut = True
        cut += sum(gate.drop() for gate in gates)
        await asyncio.sleep(dice.uniform(1.0, 3.0))
        for gate in gates:
            gate.shut = False
        await scene.system.workers[name].until_ready()
    return Effect(cut > 0, f"{cut} connections cut")


async def _rules(session: aiohttp.ClientSession) -> list[object]:
    async with session.get("/script") as answer:
        return list(await answer.json())


def _calls(system: Running) -> list[dict[str, Any]]:
    return [json.loads(line) for line in system.ledger.read_text().splitlines()]


async def _asked(system: Running, query: str) -> int:
    with suppress(OSError, asyncpg.PostgresError):
        connection = await asyncpg.connect(system.postgres.address)
        try:
            return int(await connection.fetchval(query) or 0)
        finally:
            await connection.close()
    return 0
