"""A worker process: Faust's app, worker and supervision around the engine's stages.

Faust is the shell (services, signals, the order of start and stop) in `producer_only` mode. What its
consumer, tables and `exactly_once` would do, the engine does (design, section 2).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from importlib.metadata import version
from uuid import uuid4  # noqa: TID251 - a changelog's birth id is the one id that must be new

import faust
import structlog
import uvloop
from aiokafka.errors import KafkaError
from faust.app.base import BootStrategy
from mode import Service
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.clock import now_ms
from connectors.http.authority import Authority
from connectors.http.ports import OpsPorts
from connectors.http.routes import ops_app
from connectors.http.server import listening
from connectors.metrics import HttpMetrics
from connectors.postgres.errors import PostgresError
from connectors.postgres.partitions import add_partitions, drop_partitions, drop_refusals, keep
from connectors.postgres.reference import PublishFailedError
from streams.applying import relay
from streams.engine.api import NotYet, StageFailedError
from streams.engine.meters import Meters
from streams.engine.stage import StageRunner
from streams.engine.worker import Worker
from streams.outside import World, engine_config
from streams.refused import advised, is_refused
from streams.seen_queues import undelivered
from streams.settings import Settings
from streams.topology import build

log = structlog.get_logger("worker")
Check = Callable[[], Awaitable[str | None]]
NEEDS_A_PERSON = 2
PARTITIONS_S = 6 * 3600.0
RELAY_S = 60.0
QUEUES_S = 2.0


class OurServicesOnly(BootStrategy):
    """Start none of Faust's Kafka clients and no web server of its own."""

    enable_kafka = False
    enable_web = False


class Shell(faust.App):
    """Faust's app around our services."""

    producer_only = True
    BootStrategy = OurServicesOnly


class StageService(Service):
    """One stage as a service: waits for Kafka by itself, and ends the worker when a person must act."""

    leaving = False
    """This worker will not come back: its place in the group is free as soon as it ends (design rule 4)."""

    def __init__(self, runner: StageRunner) -> None:
        super().__init__()
        self.runner = runner
        self._running: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Begin; `_watch` learns how it ends."""
        self._running = asyncio.create_task(self.runner.run(), name=self.runner.stage.name)

    @Service.task
    async def _watch(self) -> None:
        assert self._running is not None
        await asyncio.shield(self._running)

    async def on_stop(self) -> None:
        """Finish the running transactions and leave the group; bounded by the engine's deadlines."""
        self.runner.stop(leave=self.leaving)
        if self._running is not None:
            await asyncio.wait([self._running])


class Pipeline(Service):
    """The outside, the chosen stages above it, and the operations port."""

    abstract = False

    def __init__(self, settings: Settings, stages: Iterable[str]) -> None:
        super().__init__()
        self._settings = settings
        self._wanted = frozenset(stages)
        self._registry = CollectorRegistry()
        self._world: World | None = None
        self._stages: list[StageService] = []
        self._stack = AsyncExitStack()

    async def on_start(self) -> None:
        """Start the outside first, then every stage; the port says how far it has come."""
        http = self._settings.http
        await self._stack.enter_async_context(listening(ops_app(self._ports()), http.host, http.ops_port))
        engine = Worker(engine_config(self._settings), Meters(self._registry), now_ms, lambda: uuid4().bytes)
        await engine.start()
        self._stack.push_async_callback(engine.stop)
        self._world = world = World(self._settings, self._registry)
        await world.start()
        self._stack.push_async_callback(world.stop)
        wanted = [stage for stage in build(self._settings, world.outside) if stage.name in self._wanted]
        self._stages = [StageService(engine.runner(stage)) for stage in wanted]
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._leave)
        for stage in self._stages:
            await self.add_runtime_dependency(stage)
        log.info(
            "worker_started",
            worker=self._settings.engine.worker_name,
            stages=[stage.name for stage in wanted],
        )

    def _leave(self) -> None:
        """SIGUSR1 is SIGTERM for good: at scale-in others need not wait for the session of a static id."""
        for stage in self._stages:
            stage.leaving = True
        os.kill(os.getpid(), signal.SIGTERM)

    @Service.timer(QUEUES_S)
    async def _queues(self) -> None:
        """Say of each consumer how many facts wait for it here, beside the seen stage."""
        if self._world is None:
            return
        tags, figures = self._world.tags(), self._world.outside.figures
        for stage in self._stages:
            if stage.runner.stage.name == "seen":
                figures.configured(tags)
                with suppress(NotYet):
                    figures.undelivered(undelivered(tags, stage.runner.rows("consumers")))

    @Service.timer(PARTITIONS_S)
    async def _partitions(self) -> None:
        """Make partitions ahead of the rows and drop those past their retention, beside the sink."""
        if self._world is not None and "sink" in self._wanted:
            database, kept = self._world.database, self._settings.retention
            try:
                await add_partitions(database, now_ms())
                await keep(database, kept.by_table())
                await drop_partitions(database, now_ms())
                await drop_refusals(database, now_ms(), kept.refusals_days)
            except PostgresError as error:
                log.warning("partitions_wait", error=str(error))

    @Service.timer(RELAY_S)
    async def _relay(self) -> None:
        """Publish reference data whose `apply` ended between Postgres and Kafka."""
        if self._world is not None and "sink" in self._wanted:
            try:
                await relay(self._settings, self._world.database)
            except (PostgresError, KafkaError, PublishFailedError) as error:
                log.warning("relay_waits", error=str(error))

    async def on_shutdown(self) -> None:
        """After the stages have ended."""
        await self._stack.aclose()

    async def _tables(self) -> str | None:
        late = [stage.runner.stage.name for stage in self._stages if not stage.runner.ready]
        return f"not open yet: {', '.join(late)}" if late or not self._stages else None

    async def _postgres(self) -> str | None:
        if self._world is None:
            return "not started yet"
        await self._world.database.ping()
        return None

    def _ports(self) -> OpsPorts:
        ready: dict[str, Check] = {"tables": self._tables}
        return OpsPorts(
            live={},
            ready={**ready, "postgres": self._postgres} if "sink" in self._wanted else ready,
            version={"version": version("carillon")},
            registry=self._registry,
            authenticate=Authority(KeyBook(), ()).authenticate,
            metrics=HttpMetrics(self._registry),
        )


def run_worker(settings: Settings, stages: Iterable[str]) -> int:
    """Run until SIGTERM or SIGINT; 0 for an orderly end, 2 when a person must act, 1 for a crash."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    app = Shell(
        settings.kafka.app,
        broker=f"kafka://{settings.kafka.bootstrap}",
        datadir=str(settings.data_dir / "faust"),
        web_enabled=False,
    )
    pipeline = Pipeline(settings, stages)
    app.service(pipeline)  # type: ignore[arg-type] # an instance is started as it is
    worker = faust.Worker(app, loglevel="error", quiet=True, redirect_stdouts=False, override_logging=False)
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        return _exit_code(end)


def _exit_code(end: SystemExit) -> int:
    """Faust makes every error a 1; the one that needs a person is told in a line and is a 2."""
    if isinstance(end.__context__, StageFailedError):
        log.error("stage_failed", error=str(end.__context__))
        return NEEDS_A_PERSON
    if end.__context__ is not None and is_refused(end.__context__):
        log.error("kafka_refuses", error=advised(end.__context__))
        return NEEDS_A_PERSON
    return int(end.code or 0)
