"""The tests' side of a worker process: start, read its log, freeze, kill, wait."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0


@dataclass(slots=True)
class AppProcess:
    """One worker process; its log and its stores lie under `folder`."""

    bootstrap: str
    app: str
    worker: str
    folder: Path
    scenario: str
    config: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    clock_ahead_ms: int = 0
    process: asyncio.subprocess.Process | None = None
    log_from: int = 0

    @property
    def data(self) -> Path:
        """Where the stores are."""
        return self.folder / self.worker / "data"

    @property
    def log_path(self) -> Path:
        """All runs of this worker, one after the other."""
        return self.folder / self.worker / "log.jsonl"

    async def start(self) -> AppProcess:
        """Start the process; its log of this run begins here."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        told = {
            "bootstrap": self.bootstrap,
            "app": self.app,
            "worker": self.worker,
            "data": str(self.data),
            "scenario": self.scenario,
            "config": json.dumps(self.config),
            "params": json.dumps(self.params),
            "clock-ahead-ms": str(self.clock_ahead_ms),
        }
        arguments = [f"--{name}={value}" for name, value in told.items()]
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.broker.app", *arguments, cwd=ROOT, stderr=log, stdout=log
            )
        return self

    @property
    def running(self) -> bool:
        """Started and not ended."""
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int:
        """Process id."""
        assert self.process is not None
        return self.process.pid

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The log of this run, only events called `name` when given."""
        raw = self.log_path.read_bytes()[self.log_from :] if self.log_path.exists() else b""
        lines = (line for line in raw.split(b"\n") if line.startswith(b"{") and line.endswith(b"}"))
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [row for row in rows if name is None or row["event"] == name]

    def states(self, stage: str) -> dict[int, str]:
        """What each task was last seen doing."""
        told = self.events("states")
        return {int(number): state for number, state in told[-1]["tasks"][stage].items()} if told else {}

    def leaves(self, stage: str) -> bool:
        """Whether its tasks take no more turns: an orderly close is under way."""
        return not {"input", "compute", "kafka"} & set(self.states(stage).values())

    def ready(self, stage: str) -> bool:
        """Whether every task given to it is open."""
        told = self.events("states")
        return bool(told) and bool(told[-1]["ready"][stage])

    async def until(self, true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
        """Wait for a condition; when it does not come, or the process ends first, show the log's end."""
        try:
            await until(lambda: true() or not self.running, what, patience_s)
        except TimeoutError:
            raise TimeoutError(f"{what}\n{self.tail()}") from None
        if not self.running and not true():
            code = None if self.process is None else self.process.returncode
            raise AssertionError(f"the process ended with {code} before: {what}\n{self.tail()}")

    async def until_ready(self, stage: str, tasks: int) -> None:
        """Wait until the stage has that many tasks here, all of them open; none would always be."""

        def there() -> bool:
            told = self.events("states")  # read once: ready of one moment and tasks of the next would mix
            return bool(told) and told[-1]["ready"][stage] and len(told[-1]["tasks"][stage]) == tasks

        await self.until(there, f"{self.worker}: {tasks} tasks of {stage} ready")

    async def until_inside_a_transaction(self, stage: str) -> None:
        """Wait until some task talks to Kafka."""
        await self.until(lambda: "kafka" in self.states(stage).values(), f"{self.worker}: a transaction")

    def store(self, stage: str, task: int) -> Path:
        """The folder of a task's store."""
        return self.data / self.app / stage / str(task)

    def forget_stores(self) -> None:
        """Delete what is kept on disk: the next start has only the changelog."""
        shutil.rmtree(self.data, ignore_errors=True)

    def tail(self, lines: int = 60) -> str:
        """The end of this run's log."""
        raw = self.log_path.read_bytes()[self.log_from :] if self.log_path.exists() else b""
        return "\n".join(raw.decode(errors="replace").splitlines()[-lines:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs.

        asyncio takes an ended child's id from the system a moment before its loop hears of the end: in that
        moment the process counts as running here, and there is nothing left to signal.
        """
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            await self.process.wait()

    async def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Exit code; shows the log when the process does not end."""
        assert self.process is not None
        try:
            return await asyncio.wait_for(self.process.wait(), patience_s)
        except TimeoutError:
            raise TimeoutError(f"{self.worker} does not end\n{self.tail()}") from None

    async def stop(self, patience_s: float = PATIENCE_S) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.wait(patience_s)


async def until(true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Poll a condition until it holds; TimeoutError names what did not come."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"did not come within {patience_s:.0f} s: {what}")
        await asyncio.sleep(0.03)


@asynccontextmanager
async def ended(*processes: AppProcess) -> AsyncIterator[None]:
    """No process outlives the block."""
    try:
        yield
    finally:
        for process in processes:
            await process.kill()
