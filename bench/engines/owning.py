"""The other way of the read of campaigns, as a prototype: the owner of the members' tasks answers.

    python -m bench.engines.owning PORT

It has all tasks, so no question is passed on to another owner: what that would cost comes on top.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from uuid import uuid4

import uvloop
from prometheus_client import CollectorRegistry

from connectors.access.key_book import KeyBook
from connectors.audience_metrics import AudienceMetrics
from connectors.clock import now_ms
from connectors.http.authority import Authority
from connectors.http.ports import EdgePorts
from connectors.http.routes import edge_app
from connectors.http.server import listening
from connectors.kafka_clients import open_brokers
from connectors.metrics import HttpMetrics
from schemas.codec import SchemaBook
from streams.audience_edge import AudienceEdge
from streams.audiences import members
from streams.campaigns import CampaignsRead
from streams.engine.api import NotYet
from streams.engine.kafka import partition_of
from streams.engine.meters import Meters
from streams.engine.stage import StageRunner
from streams.engine.task import Task
from streams.engine.worker import Worker
from streams.http import EdgeTopics
from streams.outside import engine_config
from streams.settings import Settings, load_settings
from streams.wiring import Reading


class Owned:
    """The rows of the tasks that run here."""

    def __init__(self, runner: StageRunner, count: int) -> None:
        self._runner = runner
        self._count = count

    def row(self, kafka_key: bytes, table: int, key: bytes) -> bytes | None:
        """A row's live payload; `NotYet` when its task is not open here."""
        number = partition_of(kafka_key, self._count)
        for task in self._runner.tasks():
            rows = task._rows if isinstance(task, Task) and task.number == number else None  # noqa: SLF001
            if rows is not None and task.ready:
                raw = rows.store.get_row(bytes([table]) + key)
                return None if raw is None else raw[8:]
        raise NotYet("task")

    def lag_ms(self) -> int | None:
        """None: it is the truth."""
        return 0


async def serve(settings: Settings, port: int) -> None:
    """Stage and endpoint until SIGTERM."""
    stop, config, registry = asyncio.Event(), engine_config(settings), CollectorRegistry()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    worker = Worker(config, Meters(registry), now_ms, lambda: uuid4().bytes)
    await worker.start()

    async def caught_up() -> bool:
        return True

    runner = worker.runner(members(settings, Reading(SchemaBook(), caught_up), AudienceMetrics(registry)))
    running = asyncio.create_task(runner.run())
    audience = AudienceEdge(config)
    connecting = asyncio.create_task(audience.connect())
    campaigns = CampaignsRead(audience, Owned(runner, settings.kafka.partitions), SchemaBook(), now_ms)
    authority = Authority(KeyBook(settings.http.keys()), ())
    ports = EdgePorts(
        EdgeTopics(open_brokers(config.bootstrap)).seen,
        authority.authenticate,
        now_ms,
        HttpMetrics(registry),
        campaigns=campaigns,
    )
    async with listening(edge_app(ports), "127.0.0.1", port):
        await connecting
        print("OWNING", flush=True)
        await stop.wait()
    runner.stop(leave=True)
    await running


if __name__ == "__main__":
    uvloop.run(serve(load_settings(), int(sys.argv[1])))
