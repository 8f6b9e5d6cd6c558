"""How long partitions stand still when a worker dies: taken over by another, or back with its disk."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from dataclasses import replace
from itertools import count

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from bench.contest import CARILLON, prepare, work_through
from bench.job import PARTITIONS, Order, request
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.stock import feeder
from bench.watch import BenchError, Watched, python

APP = "takeover"
FEED_EVERY_S = 0.005
FIRST_NEW = 1_000_000_000
SETTLED_S, LIMIT_S = 4.0, 90.0
EVERY_MS = 50


class Feed:
    """New requests for all partitions, until it is ended; `run` blocks."""

    def __init__(self, bootstrap: str, source: str) -> None:
        self._bootstrap = bootstrap
        self._source = source
        self.ended = threading.Event()

    def run(self) -> None:
        producer = feeder(self._bootstrap, linger_ms=0)
        for number in count(FIRST_NEW):
            if self.ended.wait(FEED_EVERY_S):
                break
            user, body = request(number, FIRST_NEW * 2)
            producer.produce(self._source, key=user.encode(), value=body)
            producer.poll(0)
        producer.flush()


class Progress:
    """Sees which partitions of an output topic get on."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    async def all_moved(self) -> float:
        """Seconds until every partition has committed something new; BenchError after a while.

        Records are read: offsets move by the marker of an aborted transaction, too.
        """
        began = time.monotonic()
        self._consumer.assign(self._tps)
        for tp, end in (await self._consumer.end_offsets(self._tps)).items():
            self._consumer.seek(tp, end)
        standing = set(self._tps)
        while standing:
            if time.monotonic() - began > LIMIT_S:
                raise BenchError(f"partitions that stand still: {sorted(tp.partition for tp in standing)}")
            standing -= (await self._consumer.getmany(timeout_ms=EVERY_MS)).keys()
        return time.monotonic() - began


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    keys = plan.records
    stock, folder = ground.stock, ground.folder / APP
    source = await asyncio.to_thread(stock.requests, keys)
    order = Order(stock.bootstrap, APP, source, str(folder / "a"), static=True, worker="a")
    await asyncio.to_thread(prepare, stock, CARILLON, order)
    ground.say(f"filling the tables from {keys:,} requests")
    await work_through(ground, CARILLON, order, keys)
    feed = Feed(stock.bootstrap, source)
    feeding = asyncio.create_task(asyncio.to_thread(feed.run))
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stock.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=EVERY_MS
    )
    await consumer.start()
    try:
        found = await _outages(ground, order, Progress(consumer, order.outputs["email"]))
    finally:
        feed.ended.set()
        await feeding
        await consumer.stop()
    await asyncio.to_thread(stock.forget_source, source)
    await asyncio.to_thread(stock.forget, APP)
    shutil.rmtree(folder, ignore_errors=True)
    return [{"subject": subject, "keys": keys, "seconds": seconds} for subject, seconds in found.items()]


async def _outages(ground: Ground, order: Order, progress: Progress) -> dict[str, float]:
    """First a is killed and b takes over, without a's tables on its disk; then a dies and comes back."""
    workers: list[Watched] = []

    async def start(name: str) -> Watched:
        told = replace(order, worker=name, data=str(ground.folder / APP / name))
        folder = ground.folder / APP / f"log-{len(workers)}"
        workers.append(await Watched.start(python("bench.engines.carillon", told.argv()), folder))
        await workers[-1].first_record()
        return workers[-1]

    try:
        a, _ = await start("a"), await start("b")
        await _settled(progress)
        ground.say("kill -9: the other worker takes over")
        a.kill()
        found = {"the other worker takes over, without its disk": await progress.all_moved()}
        a = await start("a")
        await _settled(progress)
        ground.say("kill -9: the worker comes back")
        a.kill()
        outage = asyncio.create_task(progress.all_moved())
        await start("a")
        found["it comes back at once, with its disk and static id"] = await outage
    finally:
        for worker in workers:
            await worker.stop()
    return found


async def _settled(progress: Progress) -> None:
    await asyncio.sleep(SETTLED_S)
    await progress.all_moved()


TAKEOVER = Section(
    "takeover",
    "A worker is killed",
    "Two workers share 8 partitions under a feed; one is killed with SIGKILL. Timed until every partition "
    "has committed new outputs again; the session time-out of 10 s is part of it.",
    (SUBJECT, Column("keys", "keys", "{:,.0f}"), Column("seconds", "s", "{:,.1f}")),
    _measure,
)
