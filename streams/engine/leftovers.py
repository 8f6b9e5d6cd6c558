"""Stores of tasks that live elsewhere by now: kept for a while, in case they come back (design rule 9)."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import time
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

log = structlog.get_logger("engine.leftovers")
DYING = ".deleted"


class InUse(Protocol):
    """Whose stores must not be touched."""

    @property
    def numbers(self) -> Container[int]: ...


async def sweep(folder: Path, ours: InUse, idle_s: float) -> None:
    """Delete the stores under `folder` that are not `ours` and were not written for `idle_s` seconds."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        number = path.name.removesuffix(DYING)
        if (
            number.isdigit()
            and int(number) not in ours.numbers
            and (path.suffix == DYING or _idle(path, idle_s))
        ):
            dying = _take_away(path)
            if dying is not None:
                await asyncio.to_thread(shutil.rmtree, dying, ignore_errors=True)
                log.info("lost_store_deleted", path=str(path))


def _idle(path: Path, idle_s: float) -> bool:
    """Whether no file of the store is younger than that; files are what RocksDB flushed, and its own log."""
    youngest = max((entry.stat().st_mtime for entry in path.iterdir()), default=path.stat().st_mtime)
    return _wall_s() - youngest > idle_s


def _take_away(path: Path) -> Path | None:
    """Give the store another name under RocksDB's own lock; None when some process has it open."""
    if path.suffix == DYING:
        return path
    with (path / "LOCK").open("a") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return None
        return path.rename(path.with_name(path.name + DYING))


def _wall_s() -> float:
    return time.time()  # noqa: TID251 - compared with times of files, which no other clock can tell
