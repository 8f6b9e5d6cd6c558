"""What memory one worker takes with 16 partitions and millions of dedup keys, its inputs never empty."""

from __future__ import annotations

import asyncio
import shutil

from aiokafka.structs import TopicPartition

from bench.job import Order, request
from bench.sections import CLIENT, SUBJECT, Column, Ground, Plan, Row, Section
from bench.watch import Watch, Watched, python

PARTITIONS = 16
KEYS, FULL_KEYS = 1_000_000, 10_000_000
APP = "memory"


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    keys = FULL_KEYS if plan.full else KEYS
    stock, folder, source = ground.stock, ground.folder / APP, f"{APP}.requests"
    changelog = f"{APP}.keys.changelog"
    ground.say(f"loading {keys:,} requests for {keys:,} keys")
    await asyncio.to_thread(stock.create, [source, changelog], PARTITIONS)
    await asyncio.to_thread(stock.create, [f"{source}.dlq"], 1)
    await asyncio.to_thread(stock.fill, source, (request(number, keys) for number in range(keys)))
    order = Order(stock.bootstrap, APP, source, str(folder / "data"))
    watched = await Watched.start(python("bench.engines.remembering", order.argv()), folder)
    ground.say(f"remembering {keys:,} keys")
    try:
        await watched.first_record()
        outputs = [TopicPartition(changelog, number) for number in range(PARTITIONS)]
        async with Watch(stock.bootstrap, (watched.process.pid, ground.broker_pid), outputs) as watch:
            samples = await watch.until_done(keys, deadline_s=60 + keys / 2_000)
    finally:
        await watched.stop()
    await asyncio.to_thread(stock.forget, APP)
    shutil.rmtree(folder, ignore_errors=True)
    first, last = samples[0], samples[-1]
    return [
        {
            "subject": f"{keys:,} keys",
            "rate": keys / (last.at - first.at),
            "client_us": (last.client_cpu_s - first.client_cpu_s) * 1e6 / keys,
            "peak_mib": max(sample.rss for sample in samples) / (1 << 20),
            "last_mib": last.rss / (1 << 20),
        }
    ]


MEMORY = Section(
    "memory",
    "Memory",
    f"One worker, {PARTITIONS} partitions, every request a new key of a table, more requests always waiting.",
    (
        SUBJECT,
        Column("rate", "keys/s", "{:,.0f}"),
        CLIENT,
        Column("peak_mib", "MiB, highest", "{:,.0f}"),
        Column("last_mib", "MiB, at the end", "{:,.0f}"),
    ),
    _measure,
)
