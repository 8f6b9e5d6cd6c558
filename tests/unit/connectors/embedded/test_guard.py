"""The guard: it tells the command's pid and exit code, and no command outlives its owner's hold."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from connectors.embedded.process import GUARD

FOREVER = "import sys, time; print('begun', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"


def guarded(log: Path, code: str, *options: str) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """A guard with a Python command, and the command."""
    argv = [sys.executable, str(GUARD), f"--log={log}", *options, "--", sys.executable, "-c", code]
    guard = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert guard.stdout is not None
    return guard, psutil.Process(int(guard.stdout.read()))


def let_go(guard: subprocess.Popen[bytes]) -> int:
    """What happens when the owner dies: the other end of the guard's input closes."""
    with guard:
        pass
    return guard.returncode


def wait_begun(log: Path, command: psutil.Process) -> None:
    """Until the command has written to its log, that is, until its signal handlers stand."""
    while not log.exists() or b"begun" not in log.read_bytes():
        assert command.is_running()


def test_command_ends_with_its_owner(tmp_path: Path) -> None:
    guard, command = guarded(tmp_path / "log", FOREVER)
    assert 128 + signal.SIGTERM == let_go(guard)
    assert not command.is_running()


def test_command_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    guard, command = guarded(tmp_path / "log", STUBBORN, "--grace=0.1")
    wait_begun(tmp_path / "log", command)
    assert 128 + signal.SIGKILL == let_go(guard)
    assert not command.is_running()


def test_frozen_command_ends_orderly(tmp_path: Path) -> None:
    guard, command = guarded(tmp_path / "log", FOREVER)
    command.suspend()
    assert 128 + signal.SIGTERM == let_go(guard)


def test_terminated_guard_takes_the_command_along(tmp_path: Path) -> None:
    guard, command = guarded(tmp_path / "log", FOREVER, f"--signal={int(signal.SIGINT)}")
    wait_begun(tmp_path / "log", command)
    guard.terminate()
    assert guard.wait() in (1, 128 + signal.SIGINT)  # Python turns the signal into KeyboardInterrupt
    assert not command.is_running()
    let_go(guard)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_a_killed_guard_leaves_no_command_behind(tmp_path: Path) -> None:
    guard, command = guarded(tmp_path / "log", FOREVER)
    wait_begun(tmp_path / "log", command)
    guard.kill()
    psutil.wait_procs([command], timeout=10)
    assert not command.is_running()
    let_go(guard)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_of_the_terminal_are_the_owners_business(tmp_path: Path, number: signal.Signals) -> None:
    guard, command = guarded(tmp_path / "log", FOREVER)
    guard.send_signal(number)
    assert command.is_running()
    assert 128 + signal.SIGTERM == let_go(guard)


def test_exit_code_and_output_are_the_commands_own(tmp_path: Path) -> None:
    guard, _ = guarded(tmp_path / "log", "import sys; print('why'); sys.exit(7)")
    assert 7 == let_go_after_end(guard)
    assert "why\n" == (tmp_path / "log").read_text()


def let_go_after_end(guard: subprocess.Popen[bytes]) -> int:
    """The guard ends by itself when its command does."""
    code = guard.wait()
    let_go(guard)
    return code
