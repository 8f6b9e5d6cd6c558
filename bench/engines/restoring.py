"""Opens every task of the job, says how many changelog records that took and how long, and ends."""

from __future__ import annotations

import asyncio
import json
import secrets
import time

import uvloop
from prometheus_client import CollectorRegistry

from bench.engines.carillon import config_of, stages
from bench.job import Order, order_of
from connectors.clock import now_ms
from streams.engine.meters import Meters
from streams.engine.worker import Worker

WORD = "RESTORED"


async def restore(order: Order) -> dict[str, float]:
    """Records restored, seconds from the first task given to the last one open, CPU seconds of that."""
    registry = CollectorRegistry()
    worker = Worker(config_of(order), Meters(registry), now_ms, lambda: secrets.token_bytes(16))
    await worker.start()
    runner = worker.runner(stages(order)[-1])
    running = asyncio.create_task(runner.run())
    while not runner.membership.tasks:
        await asyncio.sleep(0.001)
    began, cpu = time.monotonic(), time.process_time()
    while not (runner.ready and runner.tasks()):
        await asyncio.sleep(0.005)
        if running.done():
            running.result()
    took = {"seconds": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
    runner.stop()
    await running
    await worker.stop()
    records = registry.get_sample_value("carillon_stage_restored_records_total", {"stage": "job"})
    return {"records": records or 0.0, **took}


if __name__ == "__main__":
    print(WORD, json.dumps(uvloop.run(restore(order_of()))), flush=True)
