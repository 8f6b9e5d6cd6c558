"""Blows at workers: killed, stopped, frozen, without a disk, with an old disk, with a wrong clock, rolled."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import asyncpg

from tests.broker.faults.system import SESSION_MS
from tests.chaos.plan import WORKERS
from tests.chaos.strike import Effect
from tests.chaos.system import RETENTION_MS

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from tests.broker.faults.system import Program
    from tests.chaos.strike import Scene
    from tests.chaos.system import Running

SESSION_S: Final = SESSION_MS / 1000
AGE_S: Final = RETENTION_MS / 1000 + 10
"""Tombstones written before this are gone: their retention and a round of the cleaner."""
ODD_TIMES: Final = """
select count(*) from notification_requests
where (received_at between to_timestamp($1) and to_timestamp($2)
    or decided_at between to_timestamp($1) and to_timestamp($2))
  and abs(extract(epoch from decided_at - received_at)) > $3
"""
"""Requests that one worker received and another decided on, by clocks that disagree."""
ROWS_S: Final = 90.0
TAKEN_S: Final = 30.0
"""Within it others have the tasks of one whose session ran out, however busy the brokers are."""


async def killed(scene: Scene, name: str, dice: Random) -> Effect:
    """SIGKILL; away for less or more than a session."""
    async with scene.system.locks[name]:
        worker, before = scene.system.workers[name], await scene.transactions()
        scene.hit()
        worker.signal(signal.SIGKILL)
        await worker.ended()
        await asyncio.sleep(dice.uniform(0.5, SESSION_S + 2))
        await back(worker)
    return _bumped(await scene.bumped(before))


async def stopped(scene: Scene, name: str, dice: Random) -> Effect:
    """SIGTERM: it must end in order."""
    async with scene.system.locks[name]:
        worker, before = scene.system.workers[name], await scene.transactions()
        scene.hit()
        code = await stopped_in_order(worker)
        scene.system.keep_disk(name)
        await asyncio.sleep(dice.uniform(0.1, 2.0))
        await back(worker)
    bumped = await scene.bumped(before)
    return Effect(bumped > 0 and code == 0, f"ended with {code}, {bumped} epochs bumped")


async def frozen(scene: Scene, name: str, dice: Random) -> Effect:
    """SIGSTOP for longer than the session: its tasks go to others, then it wakes up."""
    async with scene.system.locks[name]:
        worker, before = scene.system.workers[name], await scene.transactions()
        at = scene.hit()
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(dice.uniform(SESSION_S + 2, SESSION_S + 5))
        deadline = time.monotonic() + TAKEN_S
        while not (bumped := await scene.bumped(before)) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
        worker.signal(signal.SIGCONT)
        await worker.until_ready()
    freed = scene.watch.freed_after(at)
    told = f"{bumped} epochs bumped while it stood, {freed} stable offsets stalled and freed"
    return Effect(bumped > 0, told)


async def wiped(scene: Scene, name: str, dice: Random) -> Effect:
    """SIGKILL, and its disk is gone: every store is rebuilt from the changelog."""
    async with scene.system.locks[name]:
        worker, before = scene.system.workers[name], await scene.transactions()
        scene.hit()
        worker.signal(signal.SIGKILL)
        await worker.ended()
        shutil.rmtree(scene.system.data_of(name))
        await asyncio.sleep(dice.uniform(0.1, 1.0))
        await back(worker)
    restored = [one for one in events(worker.log, "store_restored") if one["rebuilt"] and one["records"]]
    records = sum(one["records"] for one in restored)
    bumped = await scene.bumped(before)
    told = f"{len(restored)} stores rebuilt from {records} records, {bumped} epochs bumped"
    return Effect(records > 0 and bumped > 0, told)


async def aged(scene: Scene, name: str, _dice: Random) -> Effect:
    """A copy of its disk, of an earlier end, comes back after tombstones it never saw were compacted away."""
    system = scene.system
    if not system.old_disks.get(name):
        async with system.locks[name]:
            await stopped_in_order(system.workers[name])
            system.keep_disk(name)
            await back(system.workers[name])
    made_at, copy = system.old_disks[name].pop(0)
    await asyncio.sleep(max(0.0, made_at + AGE_S - time.monotonic()))
    async with system.locks[name]:
        kept = [path for path in copy.glob("tables/*/*/*/*") if path.is_dir()]
        worker, before = system.workers[name], await scene.transactions()
        scene.hit()
        worker.signal(signal.SIGKILL)
        await worker.ended()
        shutil.rmtree(system.data_of(name))
        copy.rename(system.data_of(name))
        await back(worker)
    opened = events(worker.log, "store_restored")
    rebuilt = [one for one in opened if one["rebuilt"] and one["records"]]
    records, bumped = sum(one["records"] for one in rebuilt), await scene.bumped(before)
    told = f"{len(kept)} old stores, {len(rebuilt)} thrown away and rebuilt from {records} records"
    return Effect(bool(kept) and records > 0, f"{told}, {bumped} epochs bumped")


async def shifted(scene: Scene, name: str, dice: Random) -> Effect:
    """Restarted with a clock five minutes off, and later with the right one, on the same disk each time.

    How long a store may be idle is seconds in this run: by a worker's clock an old one would pass for fresh.
    """
    ahead_ms = scene.skew_ms
    async with scene.system.locks[name]:
        scene.hit()
        await stopped_in_order(scene.system.workers[name])
        since = time.time()
        await _with_clock(scene.system, name, ahead_ms)
        await asyncio.sleep(dice.uniform(6.0, 10.0))
        await stopped_in_order(scene.system.workers[name])
        until = time.time()
        await _with_clock(scene.system, name, 0)
    window = [moment + ahead_ms / 1000 for moment in (since, until)]
    written, deadline = 0, time.monotonic() + ROWS_S
    while not written and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        written = await asked(scene.system, ODD_TIMES, *window, abs(ahead_ms) / 2000)
    return Effect(written > 0, f"{ahead_ms // 1000:+} s, {written} requests bear that time")


async def rolled(scene: Scene, _victim: str, _dice: Random) -> Effect:
    """All workers, one after the other."""
    before, codes = await scene.transactions(), []
    scene.hit()
    for name in WORKERS:
        async with scene.system.locks[name]:
            worker = scene.system.workers[name]
            codes.append(await stopped_in_order(worker))
            await back(worker)
    bumped = await scene.bumped(before)
    return Effect(not any(codes) and bumped > 0, f"ended with {codes}, {bumped} epochs bumped")


async def scaled(scene: Scene, name: str, dice: Random) -> Effect:
    """One worker more comes, takes tasks, and leaves for good."""
    system = scene.system
    extra = system.worker(name)
    extra.runs = len(list(system.folder.glob(f"{name}.*.log")))
    before = await scene.transactions()
    scene.hit()
    try:
        await back(extra)
        await asyncio.sleep(dice.uniform(4.0, 8.0))
        tasks = await _open_tasks(extra)
        extra.signal(signal.SIGUSR1)
        code = await extra.ended()
    finally:
        await extra.stop()
    bumped = await scene.bumped(before)
    told = f"it had {tasks} tasks and ended with {code}, {bumped} epochs bumped"
    return Effect(tasks > 0 and code == 0, told)


def events(log: Path, name: str) -> list[dict[str, Any]]:
    """Lines of a log that tell of this event."""
    lines = (raw for raw in log.read_bytes().splitlines() if raw.startswith(b"{") and raw.endswith(b"}"))
    return [row for row in map(json.loads, lines) if row.get("event") == name]


async def back(worker: Program) -> None:
    """Start it; ready when this returns."""
    worker.start()
    await worker.until_ready()


async def stopped_in_order(worker: Program) -> int:
    """SIGTERM; its exit code."""
    worker.signal(signal.SIGTERM)
    return await worker.ended()


async def _with_clock(system: Running, name: str, ahead_ms: int) -> None:
    old, new = system.workers[name], system.worker(name, ahead_ms)
    new.runs, new.settings, new.root = old.runs, old.settings, old.root
    system.workers[name] = new
    await back(new)


async def asked(system: Running, query: str, *given: object) -> int:
    """A count; 0 while Postgres is away."""
    with suppress(OSError, asyncpg.PostgresError):
        connection = await asyncpg.connect(system.postgres.address)
        try:
            return int(await connection.fetchval(query, *given) or 0)
        finally:
            await connection.close()
    return 0


async def _open_tasks(worker: Program) -> int:
    url = worker.ready_url.replace("/readyz", "/metrics")
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        lines = (await answer.text()).splitlines()
    found = [line for line in lines if line.startswith("carillon_stage_tasks{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in found))


def _bumped(bumped: int) -> Effect:
    return Effect(bumped > 0, f"{bumped} epochs bumped")
