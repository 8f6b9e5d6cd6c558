"""Blows of the courses that fall while the sink has rows in hand."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final

import asyncpg

from tests.chaos.mutants.blows import BURST, all_of_it, fenced
from tests.chaos.mutants.scene import events, kill, until
from tests.chaos.mutants.world import SESSION_MS

if TYPE_CHECKING:
    from tests.chaos.mutants.scene import Scene

SESSION_S: Final = SESSION_MS / 1000
TIMES: Final = 3
STANDING: Final = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"


async def freeze_with_rows_in_hand(scene: Scene) -> None:
    """Postgres is away, so each task of the sink tries a batch again; SIGSTOP; Postgres is back.

    Three times: a woken worker may hear that it lost its tasks before it tries again.
    """
    found, reopened = set[str](), set[str]()
    for _ in range(TIMES):
        at = time.time()
        reopened |= await _freeze(scene, at)
        rows = events(scene.worker, "task_reopens", at)
        found |= {str(row["failure"]) for row in rows if row["stage"] == "sink"}
    scene.note(f"frozen with rows in hand; reopened: {reopened}, its sink: {found}", proven="fenced" in found)


async def _freeze(scene: Scene, at: float) -> set[str]:
    async with scene.hold() as worker:
        await scene.world.postgres.stop()
        await scene.burst(BURST)
        await asyncio.sleep(4.0)
        worker.signal(signal.SIGSTOP)
        await scene.world.postgres.start()
        await until(lambda: all_of_it(scene, "sink", at), "a takeover", SESSION_S + 20)
        await asyncio.sleep(4.0)
        worker.signal(signal.SIGCONT)
        return await fenced(scene, at)


async def kill_before_locked_tables(scene: Scene) -> None:
    """Somebody holds the table of messages; the sink's writes stand; SIGKILL while they do."""
    connection = await asyncpg.connect(scene.world.postgres.address)
    try:
        async with scene.hold() as worker, connection.transaction():
            await connection.execute("lock table notification_messages in exclusive mode")
            await scene.burst(BURST)
            await asyncio.sleep(2.0)
            standing = await connection.fetchval(STANDING)
            await kill(worker)
            await asyncio.sleep(1.0)
    finally:
        await connection.close()
    scene.note(f"{standing} writes stood before a lock when it was killed", proven=standing > 0)
