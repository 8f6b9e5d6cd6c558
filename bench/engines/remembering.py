"""A stage that only remembers: one row per request, no outputs; to see what memory a large table costs."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator

import msgspec
import uvloop
from prometheus_client import CollectorRegistry

from bench.engines.carillon import Request, config_of
from bench.job import Order, order_of
from connectors.clock import now_ms
from streams.engine.api import Input, Stage, Stream, Tables, TableSpec
from streams.engine.meters import Meters
from streams.engine.worker import Worker

NOTHING: tuple[None, ...] = ()


async def remember(stream: Stream, tables: Tables) -> AsyncIterator[None]:
    """Each key is looked up and written."""
    dedup = tables["dedup"]
    async for event in stream:
        key = event.value.idempotency_key
        if dedup.get(key) is None:
            dedup.put(key, b"1")
    for nothing in NOTHING:
        yield nothing


async def run(order: Order) -> None:
    """Until SIGTERM."""
    worker = Worker(config_of(order), Meters(CollectorRegistry()), now_ms, lambda: secrets.token_bytes(16))
    await worker.start()
    runner = worker.runner(
        Stage(
            "keys",
            (Input(order.source, msgspec.json.Decoder(Request).decode),),
            remember,
            tables=(TableSpec("dedup", 1, str.encode, bytes, bytes),),
            min_interval_ms=order.interval_ms,
        )
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, runner.stop)
    print("FIRST", flush=True)
    await runner.run()
    await worker.stop()


if __name__ == "__main__":
    uvloop.run(run(order_of()))
