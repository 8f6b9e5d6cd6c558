"""What runs in a chaos run: brokers, Postgres, fake provider, HTTP, workers; all of it ends with us."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from connectors.embedded.postgres import EmbeddedPostgres
from streams.applying import apply_directory
from streams.running import prepare
from streams.settings import Settings
from tests.broker.faults.reconcile import EXAMPLES
from tests.broker.faults.system import SECRET, SESSION_MS, Program, base_settings, first_line, free_port
from tests.chaos.cluster import BROKERS, Cluster, cluster
from tests.chaos.plan import GATED, WORKERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

RETENTION_MS: Final = 120_000
"""How long changelogs keep tombstones in this run; a store that was idle for half of it is built anew.

Longer than any broker is away: a copy that comes back later than that keeps rows for ever of which the others
have forgotten that they were deleted, and once it leads, they are back.
"""
SHORT_MEMORY: Final = {
    "delete.retention.ms": str(RETENTION_MS),
    "segment.ms": "10000",
    "min.cleanable.dirty.ratio": "0.01",
}


@dataclass(slots=True)
class Running:
    """What a blow can strike. `locks`: one for each worker, held by the blow that strikes it."""

    folder: Path
    cluster: Cluster
    postgres: EmbeddedPostgres
    settings: Settings
    base: dict[str, Any]
    workers: dict[str, Program] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    http: Program | None = None
    fallen: list[str] = field(default_factory=list)
    old_disks: dict[str, list[tuple[float, Path]]] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        """One line for each call that reached a provider."""
        return self.folder / "ledger.jsonl"

    @property
    def http_url(self) -> str:
        """Where seen posts go."""
        assert self.http is not None
        return f"http://127.0.0.1:{self.http.settings['http']['port']}"

    @property
    def fake_url(self) -> str:
        """The fake provider's controls."""
        return str(self.base["providers"]["fake_url"])

    def worker(self, name: str, ahead_ms: int = 0) -> Program:
        """A worker that is not started; its clock may be wrong."""
        argv = ("tests.chaos.worker", str(ahead_ms), str(RETENTION_MS))
        return Program(name, self.folder, argv, self._own(name))

    def data_of(self, name: str) -> Path:
        """A worker's disk."""
        return self.folder / name

    def keep_disk(self, name: str) -> None:
        """A copy of the disk of a worker that has ended in order, and its time, for `old_disks`."""
        copy = self.folder / f"{name}.{self.workers[name].runs}.old"
        shutil.copytree(self.data_of(name), copy)
        self.old_disks.setdefault(name, []).append((time.monotonic(), copy))

    def check(self) -> None:
        """Start again who ended by himself, as a supervisor does, and remember it: the run is red."""
        for name, program in self.workers.items():
            process = program.process
            if not self.locks[name].locked() and process is not None and process.exit_code is not None:
                self.fallen.append(f"{name} ended with {process.exit_code}: {program.tail()[-1500:]}")
                program.start()

    async def settle(self, name: str) -> None:
        """Until a worker that fell was started again and is ready; nothing to do for other names.

        However long other blows hold it: they end by themselves.
        """
        while name in self.workers:
            async with self.locks[name]:
                process = self.workers[name].process
                if process is not None and process.exit_code is None:
                    await self.workers[name].until_ready()
                    return
            await asyncio.sleep(1.0)

    def _own(self, name: str) -> dict[str, Any]:
        bootstrap = self.cluster.gated_address if name == GATED else self.cluster.address
        return self.base | {
            "kafka": self.base["kafka"] | {"bootstrap": bootstrap},
            "data_dir": str(self.data_of(name)),
            "http": {"port": free_port(), "ops_port": free_port(), "gateway_secret": SECRET},
            "engine": {
                "worker_name": name,
                "session_timeout_ms": SESSION_MS,
                "transaction_timeout_ms": 8_000,
                "calls_per_task": 128,
            },
            "log": {"format": "json"},
        }

    async def start(self, stack: AsyncExitStack) -> None:
        """Fake provider, HTTP and the permanent workers; the stack stops them in the opposite order."""
        fake = Program("fake", self.folder, ("connectors.fake", "--ledger", str(self.ledger)))
        fake.start()
        stack.push_async_callback(fake.stop)
        told = await first_line(fake.log)
        self.base["smtp"] = {"host": told["smtp_host"], "port": told["smtp_port"], "timeout_ms": 4_000}
        self.base["providers"] = {"fake_url": told["url"]}
        self.http = Program("http", self.folder, ("streams.cli", "http"), self._own("http"))
        self.workers = {name: self.worker(name) for name in WORKERS}
        self.locks = {name: asyncio.Lock() for name in WORKERS}
        for program in (self.http, *self.workers.values()):
            stack.push_async_callback(program.stop)
            program.start()
        for program in (self.http, *self.workers.values()):
            await program.until_ready()


@asynccontextmanager
async def running(folder: Path, say: Callable[[str], None]) -> AsyncIterator[Running]:
    """The whole system, with topics, tables and reference data, for the length of the block."""
    async with AsyncExitStack() as stack:
        brokers = await stack.enter_async_context(cluster(folder))
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
        base = base_settings(brokers.address, postgres.address)
        base["kafka"] |= {"replication": BROKERS, "min_insync_replicas": 2}
        settings = Settings(data_dir=folder / "here", **base)
        await prepare(settings, say)
        await asyncio.to_thread(_shorten, brokers.address)
        await apply_directory(settings, EXAMPLES)
        system = Running(folder, brokers, postgres, settings, base)
        await system.start(stack)
        yield system


def _shorten(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = [name for name in admin.list_topics(timeout=10).topics if name.endswith(".changelog")]
    changes = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in SHORT_MEMORY.items()
    ]
    asked = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=changes) for name in names]
    for answer in admin.incremental_alter_configs(asked).values():
        answer.result(timeout=10)
