"""The processes under test: fake provider, HTTP, and two workers that can be struck."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from connectors.embedded import kafka
from connectors.embedded.process import Command, GuardedProcess

ROOT = Path(__file__).parents[3]
SECRET = "gateway-of-the-fault-test"
SESSION_MS = 6_000
PATIENCE_S = 90.0


_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, that the system gives to no connection, and that no test was given.

    It is bound seconds later. Of the processes of xdist each has hundreds of its own.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % processes
    while (port := kafka.free_port(0)) in _given or port // 100 % processes != ours:
        pass
    _given.add(port)
    return port


def base_settings(bootstrap: str, dsn: str) -> dict[str, Any]:
    """What every process of an installation is told alike."""
    key = base64.b64encode(bytes(range(64))).decode()
    return {
        "kafka": {"bootstrap": bootstrap},
        "postgres": {"dsn": dsn},
        "crypto": {"keys": f"k1:{key}"},
        "recipients": {"are_limited": False},
    }


@dataclass(slots=True)
class Program:
    """One process, started again and again; each run has a log of its own. `root`: whose code it runs."""

    name: str
    folder: Path
    argv: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    process: GuardedProcess | None = None
    root: Path = ROOT

    @property
    def log(self) -> Path:
        """The log of the last run."""
        return self.folder / f"{self.name}.{self.runs}.log"

    @property
    def logs(self) -> list[Path]:
        """Of all runs."""
        return sorted(self.folder.glob(f"{self.name}.*.log"))

    @property
    def ready_url(self) -> str:
        """Where it says whether it is ready."""
        return f"http://127.0.0.1:{self.settings['http']['ops_port']}/readyz"

    def start(self) -> None:
        """Start a run."""
        self.runs += 1
        (self.folder / self.name).mkdir(exist_ok=True)
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(self.settings), encoding="utf-8")
        told = (f"CARILLON_CONFIG={path}", f"PYTHONPATH={self.root}")  # a guarded process stands in `/`
        argv = ("/usr/bin/env", *told, sys.executable, "-m", *self.argv)
        with (self.folder / f"{self.name}.lock").open("w") as lock:
            self.process = GuardedProcess(self.name, Command(argv, self.log, grace_s=20.0), lock.fileno())

    def signal(self, number: signal.Signals) -> None:
        """Strike the process itself, not its guard."""
        self.check_alive()
        assert self.process is not None
        os.kill(self.process.pid, number)

    def check_alive(self) -> None:
        """AssertionError with the log's end when it ended by itself."""
        assert self.process is not None
        if self.process.exit_code is not None:
            raise AssertionError(f"{self.name} ended with {self.process.exit_code}\n{self.tail()}")

    def tail(self) -> str:
        """The end of the last run's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    async def ended(self) -> int:
        """Wait for the end of the process and its guard; the exit code."""
        async with asyncio.timeout(PATIENCE_S):
            while self.process is not None and self.process.exit_code is None:
                await asyncio.sleep(0.05)
        assert self.process is not None
        await self.process.stop()
        return int(self.process.exit_code or 0)

    async def stop(self) -> None:
        """End it in order, within its grace."""
        if self.process is not None:
            if self.process.exit_code is None:
                self.signal(signal.SIGCONT)
            await self.process.stop()

    async def until_ready(self) -> None:
        """Until `/readyz` says 200; the log's end is told when it does not come."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while not await self._ready(session):
                        await asyncio.sleep(0.1)
            except TimeoutError:
                raise AssertionError(f"{self.name} does not get ready\n{self.tail()}") from None

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        self.check_alive()
        try:
            async with session.get(self.ready_url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


@dataclass(slots=True)
class System:
    """Everything that runs. `ledger`: the providers' own account of their calls."""

    folder: Path
    base: dict[str, Any]
    workers: list[Program] = field(default_factory=list)
    http_url: str = ""

    @property
    def ledger(self) -> Path:
        """One line for each call that reached a provider."""
        return self.folder / "ledger.jsonl"

    async def start_fake(self, stack: AsyncExitStack) -> dict[str, Any]:
        """Start the fake provider, which the rest needs; its addresses."""
        fake = Program("fake", self.folder, ("connectors.fake", "--ledger", str(self.ledger)))
        fake.start()
        stack.push_async_callback(fake.stop)
        told = await first_line(fake.log)
        self.base["smtp"] = {"host": told["smtp_host"], "port": told["smtp_port"]}
        self.base["providers"] = self.base.get("providers", {}) | {"fake_url": told["url"]}
        return told

    async def start(self, stack: AsyncExitStack) -> None:
        """Start the others; the stack stops all in the opposite order."""
        http = self._program("http", "http")
        self.http_url = f"http://127.0.0.1:{http.settings['http']['port']}"
        self.workers = [self._program(name, "worker") for name in ("worker-a", "worker-b")]
        for program in (http, *self.workers):
            stack.push_async_callback(program.stop)
            program.start()
        for program in (http, *self.workers):
            await program.until_ready()

    def _program(self, name: str, command: str) -> Program:
        ports = {"port": free_port(), "ops_port": free_port(), "gateway_secret": SECRET}
        engine = {"worker_name": name, "session_timeout_ms": SESSION_MS, "transaction_timeout_ms": 8_000}
        own = {
            "data_dir": str(self.folder / name),
            "http": ports,
            "engine": engine,
            "log": {"format": "json"},
        }
        return Program(name, self.folder, ("streams.cli", command), self.base | own)


async def first_line(log: Path) -> dict[str, Any]:
    """What a process tells at its start, as one line of JSON."""
    async with asyncio.timeout(PATIENCE_S):
        while not (log.exists() and b"\n" in log.read_bytes()):
            await asyncio.sleep(0.05)
    return dict(json.loads(log.read_bytes().partition(b"\n")[0]))
