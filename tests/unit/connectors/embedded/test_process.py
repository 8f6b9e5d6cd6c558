"""A guarded process and its folder: one user at a time, ends that are told, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from connectors.embedded import process as process_module
from connectors.embedded.process import (
    Command,
    EmbeddedError,
    GuardedProcess,
    closing_fd,
    in_use,
    run_once,
    take_folder,
)


def python(folder: Path, code: str) -> Command:
    return Command((sys.executable, "-c", code), folder / "log")


async def test_folder_is_in_use_as_long_as_its_process_lives(tmp_path: Path) -> None:
    assert not in_use(tmp_path / "new")
    with closing_fd(await take_folder(tmp_path)) as fd:
        process = GuardedProcess("sleeper", python(tmp_path, "import time; time.sleep(600)"), fd)
    assert in_use(tmp_path)
    assert in_use(tmp_path), "asking changes nothing"
    await process.stop()
    assert not in_use(tmp_path)
    assert not psutil.pid_exists(process.pid)


async def test_second_user_of_a_folder_waits_then_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await take_folder(tmp_path)
    monkeypatch.setattr(process_module, "FOLDER_WAIT_S", 0.1)
    with pytest.raises(EmbeddedError, match="in use by another running process"):
        await take_folder(tmp_path)
    monkeypatch.setattr(process_module, "FOLDER_WAIT_S", 60)
    waiting = asyncio.create_task(take_folder(tmp_path))
    await asyncio.sleep(0)
    os.close(first)
    os.close(await waiting)


async def test_process_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    with closing_fd(await take_folder(tmp_path)) as fd:
        process = GuardedProcess("Thing", python(tmp_path, "raise SystemExit('no disk')"), fd)
        with pytest.raises(EmbeddedError, match=r"(?s)Thing ended with code 1 at its start.*no disk"):
            await process.wait_ready(never)
        await process.stop()


async def test_process_that_is_never_ready_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> bool:
        return False

    monkeypatch.setattr(process_module, "READY_WAIT_S", 0.1)
    with closing_fd(await take_folder(tmp_path)) as fd:
        process = GuardedProcess("Thing", python(tmp_path, "import time; time.sleep(600)"), fd)
        with pytest.raises(EmbeddedError, match="Thing did not answer within"):
            await process.wait_ready(never)
        await process.stop()


async def test_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with closing_fd(await take_folder(tmp_path)) as fd, pytest.raises(EmbeddedError, match="no-such-program"):
        GuardedProcess("Thing", Command(("no-such-program",), tmp_path / "log"), fd)


async def test_run_once_waits_for_a_good_end(tmp_path: Path) -> None:
    with closing_fd(await take_folder(tmp_path)) as fd:
        await run_once("Thing", python(tmp_path, "print('done')"), fd)
        assert "done\n" == (tmp_path / "log").read_text()
        with pytest.raises(EmbeddedError, match="Thing ended with code 3"):
            await run_once("Thing", python(tmp_path, "raise SystemExit(3)"), fd)
