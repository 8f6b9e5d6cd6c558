"""Blows at brokers: only when all three copies of everything are in sync, so that two always stay."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.chaos.cluster import BROKERS
from tests.chaos.strike import Effect
from tests.chaos.system import RETENTION_MS

if TYPE_CHECKING:
    from random import Random

    from tests.chaos.strike import Scene

PATIENCE_S: Final = 90.0
LOAD_S: Final = 20.0


async def killed(scene: Scene, _victim: str, dice: Random) -> Effect:
    """One of the brokers that lead partitions, with SIGKILL."""
    address = scene.system.cluster.address
    await in_sync(address)
    leaders = sorted({one["leader"] for one in await _known(address)})
    return await _kill(scene, dice.choice(leaders), dice)


async def coordinator_killed(scene: Scene, _victim: str, dice: Random) -> Effect:
    """The broker that keeps the transactions of a task drawn from all."""
    found = await scene.transactions()
    return await _kill(scene, found[dice.choice(sorted(found))].node, dice)


async def _kill(scene: Scene, node: int, dice: Random) -> Effect:
    cluster = scene.system.cluster
    await in_sync(cluster.address)
    before = await scene.transactions()
    led = await _led(cluster.address, node)
    kept, at = [name for name, one in before.items() if one.node == node], scene.hit()
    since = time.monotonic()
    await cluster.kill(node)
    await asyncio.sleep(dice.uniform(4.0, 8.0))
    try:
        moved = await _moved(scene, kept, node)
        led_after = await _led(cluster.address, node)
    finally:
        await cluster.restart(node)
    await in_sync(cluster.address)
    away_s = time.monotonic() - since
    assert away_s * 1000 < RETENTION_MS, f"away for {away_s:.0f} s: its copies may lack tombstones for ever"
    freed = scene.watch.freed_after(at)
    told = (
        f"broker {node}: led {led} partitions, then {led_after}; coordinated {len(kept)} transactional ids, "
        f"{moved} moved; {freed} stable offsets stalled and freed"
    )
    return Effect(led_after < led and (moved > 0 or not kept), told)


async def _moved(scene: Scene, kept: list[str], node: int) -> int:
    """How many of these ids another broker coordinates by now; it may have to load them first."""
    moved, deadline = 0, time.monotonic() + LOAD_S
    while kept and not moved and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        after = await scene.transactions()
        moved = sum(name in after and after[name].node != node for name in kept)
    return moved


async def in_sync(address: str) -> None:
    """Until every partition has all its copies in sync."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            places = await _places(address)
            if places and all(len(one["isr"]) == BROKERS for one in places):
                return
            await asyncio.sleep(0.5)


async def _led(address: str, node: int) -> int:
    return sum(one["leader"] == node for one in await _known(address))


async def _known(address: str) -> list[dict[str, Any]]:
    """All partitions, as soon as a broker tells them: that none answers does not say that nobody leads."""
    async with asyncio.timeout(PATIENCE_S):
        while not (places := await _places(address)):
            await asyncio.sleep(0.5)
    return places


async def _places(address: str) -> list[dict[str, Any]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    try:
        await admin.start()
        return [one for topic in await admin.describe_topics() for one in topic["partitions"]]
    except (KafkaError, OSError):
        return []
    finally:
        await admin.close()
