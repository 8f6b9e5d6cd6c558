"""What runs in a course: a broker, Postgres, fake provider, HTTP, two workers, one behind a wire."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from connectors.embedded.kafka import HOST, EmbeddedKafka
from connectors.embedded.postgres import EmbeddedPostgres
from streams.applying import apply_directory
from streams.running import prepare
from streams.settings import Settings
from tests.broker.app.proxy import proxied_options
from tests.broker.faults.reconcile import EXAMPLES
from tests.broker.faults.system import SECRET, Program, base_settings, first_line, free_port
from tests.chaos.mutants.audit import begin_audit
from tests.chaos.mutants.wire import Wire, open_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STRUCK, OTHER = "worker-a", "worker-b"
"""The worker that is struck stands behind the wire."""
SESSION_MS: Final = 4_000
TRANSACTION_MS: Final = 30_000
RETENTION_MS: Final = 6_000
"""How long changelogs keep tombstones, where a course shortens it: as the workers are told."""
CLEANING: Final = {"log.cleaner.backoff.ms": 500}


@dataclass(slots=True)
class World:
    """What a blow can strike. `struck`: workers that a blow holds, whose end is no surprise."""

    folder: Path
    kafka: EmbeddedKafka
    wire: Wire
    wire_address: str
    postgres: EmbeddedPostgres
    settings: Settings
    base: dict[str, Any]
    workers: dict[str, Program] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)
    fallen: list[str] = field(default_factory=list)
    http_url: str = ""

    @property
    def ledger(self) -> Path:
        """One line for each call that reached a provider."""
        return self.folder / "ledger.jsonl"

    @property
    def fake_url(self) -> str:
        """The fake provider's controls."""
        return str(self.base["providers"]["fake_url"])

    def data_of(self, name: str) -> Path:
        """A worker's disk."""
        return self.folder / name

    async def supervise(self) -> None:
        """Start again who ended by himself, as a supervisor does, and remember it."""
        while True:
            for name, program in self.workers.items():
                process = program.process
                if name not in self.struck and process is not None and process.exit_code is not None:
                    self.fallen.append(f"{name} ended with {process.exit_code}: {program.tail()[-600:]}")
                    program.start()
            await asyncio.sleep(0.5)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start all of it; the stack stops it in the opposite order."""
        fake = Program("fake", self.folder, ("connectors.fake", "--ledger", str(self.ledger)))
        fake.start()
        stack.push_async_callback(fake.stop)
        told = await first_line(fake.log)
        self.base["smtp"] = {"host": told["smtp_host"], "port": told["smtp_port"], "timeout_ms": 4_000}
        self.base["providers"] = {"fake_url": told["url"], "breaker_calls": 0}  # refusals fill timers
        argv = ("tests.chaos.worker", "0", str(RETENTION_MS))
        http = Program("http", self.folder, ("streams.cli", "http"), self._own("http"))
        self.http_url = f"http://127.0.0.1:{http.settings['http']['port']}"
        self.workers = {name: Program(name, self.folder, argv, self._own(name)) for name in (STRUCK, OTHER)}
        for program in (http, *self.workers.values()):
            stack.push_async_callback(program.stop)
            program.start()
        for program in (http, *self.workers.values()):
            await program.until_ready()

    def _own(self, name: str) -> dict[str, Any]:
        bootstrap = self.wire_address if name == STRUCK else self.kafka.address
        return self.base | {
            "kafka": self.base["kafka"] | {"bootstrap": bootstrap},
            "data_dir": str(self.data_of(name)),
            "http": {"port": free_port(), "ops_port": free_port(), "gateway_secret": SECRET},
            "engine": {
                "worker_name": name,
                "session_timeout_ms": SESSION_MS,
                "transaction_timeout_ms": TRANSACTION_MS,
            },
            "log": {"format": "json"},
        }


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[World]:
    """All of it, with topics, tables and reference data, for the length of the block."""
    options, door, real = proxied_options()
    options = replace(options, properties={**options.properties, **CLEANING})
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka", options))
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
        wire = await stack.enter_async_context(open_wire(door, real))
        base = base_settings(kafka.address, postgres.address)
        settings = Settings(data_dir=folder / "here", **base)
        await prepare(settings, lambda _: None)
        await begin_audit(postgres.address)
        await apply_directory(settings, EXAMPLES)
        world = World(folder, kafka, wire, f"{HOST}:{door}", postgres, settings, base)
        await world.start(stack)
        watching = asyncio.create_task(world.supervise())
        stack.callback(watching.cancel)
        yield world
