"""The watchdog ends a process whose loop is held, and no other (design rule 12)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from streams.engine.watchdog import EXIT_CODE, Watchdog

ROOT = Path(__file__).parents[4]
LIMIT_S = 0.5


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_held_loop_is_told_with_stacks_and_states_then_ended(tmp_path: Path) -> None:
    ends: list[int] = []
    with (tmp_path / "words").open("w+") as out:
        dog = Watchdog(lambda: {"count": {0: "compute"}}, LIMIT_S, end=ends.append, out=out)
        dog.start()
        hold_the_loop(LIMIT_S * 4)
        dog.stop()
        out.seek(0)
        words = out.read()
    assert [EXIT_CODE] == ends
    assert '"event_loop_stuck"' in words
    assert '"tasks": {"count": {"0": "compute"}}' in words
    assert "hold_the_loop" in words


async def test_a_loop_that_turns_is_left_alone_however_long_its_tasks_wait(tmp_path: Path) -> None:
    ends: list[int] = []
    with (tmp_path / "words").open("w") as out:
        dog = Watchdog(dict, LIMIT_S, end=ends.append, out=out)
        dog.start()
        await asyncio.sleep(LIMIT_S * 3)
        dog.stop()
    assert [] == ends


PROCESS = textwrap.dedent(
    """
    import asyncio, sys, time
    from streams.engine.watchdog import Watchdog

    async def run(held):
        dog = Watchdog(dict, 0.5)
        dog.start()
        print("watched", flush=True)
        if held:
            time.sleep(60)
        await asyncio.to_thread(sys.stdin.readline)
        dog.stop()

    asyncio.run(run(sys.argv[1] == "held"))
    """
)


def watched(how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "watched\n" == process.stdout.readline()
    return process


def test_the_process_really_ends() -> None:
    with watched("held") as process:
        _, words = process.communicate(timeout=30)
    assert EXIT_CODE == process.returncode
    assert "event_loop_stuck" in words


def test_a_process_that_was_frozen_has_not_been_stuck() -> None:
    """Mutation: count seconds instead of ticks."""
    with watched("free") as process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(3 * LIMIT_S)
        process.send_signal(signal.SIGCONT)
        time.sleep(LIMIT_S)
        _, words = process.communicate("\n", timeout=30)
    assert (0, "") == (process.returncode, words)
