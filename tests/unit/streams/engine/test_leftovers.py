"""Lost stores are deleted after a while; nobody's store that is in use is (design rule 9)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from streams.engine.leftovers import sweep
from streams.engine.store import Origin, Store, StoreMemory

MIB = 1 << 20
HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Ours:
    numbers: frozenset[int] = frozenset()


def stored(path: Path, *, idle_s: float) -> Path:
    """A closed store whose files are that old."""
    store = Store(path, StoreMemory(MIB, MIB))
    store.write([(b"\1a", b"\0" * 8)], Origin(b"b", 1, 1))
    store.close()
    moment = time.time() - idle_s
    for file in [*path.iterdir(), path]:
        os.utime(file, (moment, moment))
    return path


async def swept(folder: Path, *ours: int) -> list[str]:
    """What is left."""
    await sweep(folder, Ours(frozenset(ours)), HOUR)
    return sorted(path.name for path in folder.iterdir())


async def test_only_idle_stores_of_others_are_deleted(tmp_path: Path) -> None:
    stored(tmp_path / "0", idle_s=2 * HOUR)
    stored(tmp_path / "1", idle_s=2 * HOUR)
    stored(tmp_path / "2", idle_s=HOUR / 2)
    assert ["1", "2"] == await swept(tmp_path, 1)


async def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    old = tmp_path / "notes.txt"
    old.touch()
    os.utime(old, (0, 0))
    assert ["notes.txt"] == await swept(tmp_path)


async def test_a_deletion_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    stored(tmp_path / "0", idle_s=0).rename(tmp_path / "0.deleted")
    assert [] == await swept(tmp_path)


async def test_a_store_that_another_process_has_open_is_kept(tmp_path: Path) -> None:
    """Workers on one machine may share a folder. Mutation: do not take RocksDB's lock first."""
    stored(tmp_path / "0", idle_s=2 * HOUR)
    hold = "db = rocksdict.Rdict(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", f"import sys, rocksdict; {hold}", str(tmp_path / "0")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "open\n" == holder.stdout.readline()
        for file in (tmp_path / "0").iterdir():
            os.utime(file, (0, 0))
        assert ["0"] == await swept(tmp_path)
        holder.communicate("")
    for file in (tmp_path / "0").iterdir():
        os.utime(file, (0, 0))
    assert [] == await swept(tmp_path)


async def test_no_folder_no_sweep(tmp_path: Path) -> None:
    await sweep(tmp_path / "nothing", Ours(), HOUR)
