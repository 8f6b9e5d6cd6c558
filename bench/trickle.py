"""The same job at 200 requests a second: what an almost idle engine costs, and how long a request takes."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from itertools import count
from statistics import median, quantiles

import msgspec
from confluent_kafka import Message, TopicPartition

from bench.contest import CARILLON, KAFKA_STREAMS, OURS, Contender, prepare
from bench.job import PARTITIONS, Order, request
from bench.sections import BROKER, CLIENT, RSS, SUBJECT, Column, Ground, Plan, Row, Section
from bench.stock import feeder, reader
from bench.watch import Sample, Watch, Watched

PER_SECOND = 200
WARM_S, MEASURED_S = 4.0, 12.0
ENDLESS = 1_000_000_000
PACES_MS = (25, 100)


class _Id(msgspec.Struct, gc=False):
    id: str


class Feeding:
    """A steady feed of new requests; those sent once `timed` is set are timed until their e-mail is read."""

    def __init__(self, bootstrap: str, order: Order) -> None:
        self._bootstrap = bootstrap
        self._order = order
        self._sent_at: dict[str, float] = {}
        self._decode = msgspec.json.Decoder(_Id).decode
        self.timed = threading.Event()
        self.ended = threading.Event()
        self.waits_ms: list[float] = []

    def run(self) -> None:
        """Until `ended` is set; blocks."""
        producer, started = feeder(self._bootstrap, linger_ms=0), time.monotonic()
        with reader(self._bootstrap) as consumer:
            topic = self._order.outputs["email"]
            consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
            for number in count():
                if self.ended.wait(max(0.0, started + number / PER_SECOND - time.monotonic())):
                    break
                user, body = request(number, ENDLESS)
                if self.timed.is_set():
                    self._sent_at[f"k{number}"] = time.monotonic()
                producer.produce(self._order.source, key=user.encode(), value=body)
                producer.poll(0)
                self._note(consumer.consume(1_000, 0))
        producer.flush()

    def _note(self, messages: list[Message]) -> None:
        now = time.monotonic()
        for message in messages:
            sent = self._sent_at.pop(self._decode(message.value() or b"").id, None)
            if sent is not None:
                self.waits_ms.append((now - sent) * 1000)


async def trickle(ground: Ground, contender: Contender, interval_ms: int, app: str) -> Row:
    """One engine at one pace of commits."""
    stock, source, folder = ground.stock, f"{app}.requests", ground.folder / app
    order = Order(stock.bootstrap, app, source, str(folder / "data"), interval_ms=interval_ms)
    await asyncio.to_thread(stock.create, [source])
    await asyncio.to_thread(prepare, stock, contender, order)
    watched = await Watched.start(contender.command(ground, order), folder)
    feeding = Feeding(stock.bootstrap, order)
    thread = asyncio.create_task(asyncio.to_thread(feeding.run))
    try:
        async with Watch(stock.bootstrap, (watched.process.pid, ground.broker_pid), ()) as watch:
            await watched.first_record()
            await asyncio.sleep(WARM_S)
            feeding.timed.set()
            first = await watch.look()
            await asyncio.sleep(MEASURED_S)
            last = await watch.look()
    finally:
        feeding.ended.set()
        await thread
        await watched.stop()
    await asyncio.to_thread(stock.forget, app)
    shutil.rmtree(folder, ignore_errors=True)
    return _row(f"{contender.name}, commits every {interval_ms} ms", first, last, feeding.waits_ms)


def _row(subject: str, first: Sample, last: Sample, waits_ms: list[float]) -> Row:
    requests = PER_SECOND * (last.at - first.at)
    cuts = quantiles(waits_ms, n=100)
    return {
        "subject": subject,
        "client_us": (last.client_cpu_s - first.client_cpu_s) * 1e6 / requests,
        "broker_us": (last.broker_cpu_s - first.broker_cpu_s) * 1e6 / requests,
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "rss_mib": last.rss / (1 << 20),
    }


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    subjects = [(CARILLON, pace) for pace in PACES_MS] + [(KAFKA_STREAMS, 100)]
    runs: dict[int, list[Row]] = {place: [] for place in range(len(subjects))}
    for number in range(plan.rounds):
        for place, (contender, pace) in enumerate(subjects):
            ground.say(f"{PER_SECOND}/s, round {number + 1} of {plan.rounds}: {contender.name}, {pace} ms")
            runs[place].append(await trickle(ground, contender, pace, f"slow-{number}-{place}"))
    return [_middle(rows) for rows in runs.values()]


def _middle(rows: list[Row]) -> Row:
    figures = [key for key in rows[0] if key != "subject"]
    return {"subject": rows[0]["subject"], **{key: median(float(r[key]) for r in rows) for key in figures}}


TRICKLE = Section(
    "trickle",
    f"The same at {PER_SECOND} requests a second",
    f"An almost idle engine is paid for by its transactions: {OURS} has one per partition and batch, Kafka "
    "Streams one per thread. Latency is from sending a request to reading its committed message.",
    (
        SUBJECT,
        CLIENT,
        BROKER,
        Column("p50_ms", "P50 ms", "{:,.0f}"),
        Column("p99_ms", "P99 ms", "{:,.0f}"),
        RSS,
    ),
    _measure,
)
