"""Looks at a running installation from outside: memory, handles, files on disk, rows and lag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import psutil
import rocksdict

from bench.product import CONSUMED, Product, Spent, Worker
from bench.soak_series import MIB, OTHERS, ROLES, Look
from streams.engine.config import EngineConfig
from streams.engine.restore import store_folder
from streams.engine.store import NEVER, ROW, stamp
from streams.stages import stateful_stages

EXPIRED, LAG = "carillon_stage_expired_rows_total", "carillon_stage_lag_records"
EXPIRING = ("recipient", "status", "seen")
MESSAGES_A_REQUEST = 1.5
ROCKS_LOG = "LOG*"
SWEPT_MS = 60_000
"""Rows that ended no longer ago may wait for the next sweep."""


@dataclass(slots=True)
class Looks:
    """Samples of one run from `began` on (monotonic clock); `every_s` apart."""

    made: Product
    config: EngineConfig
    worker: Worker
    http: Worker
    every_s: float
    began: float = field(default_factory=time.monotonic)
    taken: list[Look] = field(default_factory=list)
    _spent: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever."""
        while True:
            at = time.monotonic() - self.began
            self.taken.append(Look(at, await self._values()))
            await asyncio.sleep(max(0.0, self.every_s - (time.monotonic() - self.began - at)))

    async def _values(self) -> dict[str, float]:
        pids = {
            "worker": self.worker.watched.process.pid,
            "http": self.http.watched.process.pid,
            "broker": self.made.kafka_pid,
        }
        by_stage = await self.worker.by_stage(CONSUMED, EXPIRED, LAG)
        values = {"rows": _rows(by_stage), "lag": sum(by_stage[LAG].values())}
        for name, pid in pids.items():
            process = psutil.Process(pid)
            values[f"{name}_memory"] = process.memory_info().rss / MIB
            values[f"{name}_files"] = float(process.num_fds())
        return values | self._cores() | await asyncio.to_thread(self._disk)

    def _cores(self) -> dict[str, float]:
        """CPU seconds a second since the look before: of each role, and of all else on the machine."""
        spent, times = Spent.now(self.made, self.worker), psutil.cpu_times()
        now = {role: float(getattr(spent, role)) for role in ROLES} | {"at": spent.at}
        now[OTHERS] = times.user + times.nice + times.system - sum(now[role] for role in ROLES)
        before, self._spent = self._spent or now, now
        seconds = max(now["at"] - before["at"], self.every_s / 2)
        return {f"{role}_cores": max(now[role] - before[role], 0.0) / seconds for role in (*ROLES, OTHERS)}

    def _disk(self) -> dict[str, float]:
        stores = [store_folder(self.config, stage) for stage in stateful_stages()]
        logs = _bytes(path for folder in stores for path in folder.rglob(ROCKS_LOG))
        whole = _bytes(path for folder in stores for path in folder.rglob("*"))
        segments = (self.made.folder / "kafka" / "data").glob(f"{self.config.app}.*.changelog-*/*.log")
        return {
            "stores": (whole - logs) / MIB,
            "store_logs": logs / MIB,
            "changelogs": _bytes(segments) / MIB,
        }


def rows_left(config: EngineConfig, ended_at: int) -> dict[str, int]:
    """Rows that should have gone and are in stores of a worker that ended at `ended_at` (ms), by stage."""
    due = stamp(ended_at - SWEPT_MS)
    folders = {stage: store_folder(config, stage) for stage in stateful_stages()}
    return {
        stage: sum(_count(path, due) for path in folder.glob("[0-9]*")) for stage, folder in folders.items()
    }


def _count(path: Path, due: bytes) -> int:
    store = rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))
    try:
        rows = cast("Iterator[tuple[bytes, bytes]]", iter(store.items()))  # raw mode: all is bytes
        return sum(key[:1] == ROW and NEVER < value[:8] < due for key, value in rows)
    finally:
        store.close()


def _rows(by_stage: dict[str, dict[str, float]]) -> float:
    """A row for each request, each of its messages and each post, less those that have ended."""
    consumed, expired = by_stage[CONSUMED], by_stage[EXPIRED]
    requests = consumed.get("recipient", 0.0)
    made = requests * (1 + MESSAGES_A_REQUEST) + consumed.get("seen", 0.0)
    return made - sum(expired.get(stage, 0.0) for stage in EXPIRING)


def _bytes(paths: Iterable[Path]) -> int:
    """Of files that may vanish while they are counted."""
    total = 0
    for path in paths:
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
