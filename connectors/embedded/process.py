"""One server process under a guard: a folder that only one uses, a log, a start and a stop with deadlines."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
FOLDER_WAIT_S = 20.0
READY_WAIT_S = 60.0
POLL_S = 0.05
ENDED_POLL_S = 0.25
LOG_TAIL_LINES = 15


class EmbeddedError(RuntimeError):
    """An embedded server could not be prepared, started or stopped; the text is meant for a person."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to end it: `grace_s` seconds lie between the stop signal and SIGKILL."""

    argv: tuple[str, ...]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    drop_root: bool = False

    def guarded(self) -> list[str]:
        """The same command with its guard in front."""
        options = [f"--log={self.log}", f"--signal={int(self.stop_signal)}", f"--grace={self.grace_s}"]
        if self.drop_root:
            options.append("--drop-root")
        return [sys.executable, "-I", "-S", str(GUARD), *options, "--", *self.argv]


class GuardedProcess:
    """A running command. It ends when it is stopped, and also when this process ends in whatever way.

    A child made by a bare `fork` without `exec` would share the life line: use `spawn` with multiprocessing.
    """

    def __init__(self, name: str, command: Command, folder_fd: int) -> None:
        """Start it; the guard keeps `folder_fd`, and with it the folder's lock, while the command lives."""
        self.name = name
        self._command = command
        self._guard = subprocess.Popen(  # noqa: S603 - our own guard
            command.guarded(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(folder_fd,),
        )
        assert self._guard.stdout is not None
        with self._guard.stdout as answer:
            line = answer.read()
        if not line:
            self._guard.communicate()
            raise EmbeddedError(f"{name} could not be run: {command.argv[0]}")
        self.pid = int(line)

    @property
    def exit_code(self) -> int | None:
        """None while the command runs."""
        return self._guard.poll()

    async def ended(self) -> int:
        """Wait until the command has ended, its guard with it; the exit code."""
        while (code := self.exit_code) is None:  # noqa: ASYNC110 - a `Popen` tells no event loop
            await asyncio.sleep(ENDED_POLL_S)
        return code

    async def wait_ready(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Ask `ready` until it says yes; EmbeddedError when the command ends first or takes over a minute."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_WAIT_S
        while not await ready():
            if self.exit_code is not None:
                raise EmbeddedError(
                    f"{self.name} ended with code {self.exit_code} at its start.{self._log_tail()}"
                )
            if loop.time() > deadline:
                raise EmbeddedError(
                    f"{self.name} did not answer within {READY_WAIT_S:.0f} s.{self._log_tail()}"
                )
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """Cut the life line and wait until the command is gone."""
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.close()
        try:
            await asyncio.to_thread(self._guard.wait, self._command.grace_s + 5)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._guard.kill()
            await asyncio.to_thread(self._guard.wait)

    def _log_tail(self) -> str:
        with suppress(OSError):
            lines = self._command.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            return f" The end of {self._command.log}:\n" + "\n".join(lines)
        return ""


async def run_once(name: str, command: Command, folder_fd: int) -> None:
    """Run a command that ends by itself, such as formatting a folder; EmbeddedError unless it ends with 0."""

    async def ended() -> bool:
        return process.exit_code == 0

    process = GuardedProcess(name, command, folder_fd)
    try:
        await process.wait_ready(ended)
    finally:
        await process.stop()


async def take_folder(folder: Path) -> int:
    """Make the folder, wait until no other server uses it, and give the locked file descriptor.

    A predecessor whose owner was killed may need a moment to end. EmbeddedError after 20 s.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = asyncio.get_running_loop().time() + FOLDER_WAIT_S
    while not _locked(fd):
        if asyncio.get_running_loop().time() > deadline:
            os.close(fd)
            raise EmbeddedError(f"{folder} is in use by another running process; stop that one first.")
        await asyncio.sleep(POLL_S)
    return fd


def in_use(folder: Path) -> bool:
    """Whether a server of any process runs on this folder now."""
    try:
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


@contextmanager
def closing_fd(fd: int) -> Iterator[int]:
    """Close a descriptor at the end of the block; a guard that was given it keeps its own."""
    try:
        yield fd
    finally:
        os.close(fd)


def _locked(fd: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
