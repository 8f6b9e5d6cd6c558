"""The same job on every engine, in one run: rounds interleaved, outputs checked, medians told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from aiokafka.structs import TopicPartition

from bench.engines import kafka_streams
from bench.job import PARTITIONS, Order, unique_of
from bench.sections import BROKER, CLIENT, RATE, RSS, SUBJECT, Column, Ground, Plan, Row, Section
from bench.stock import Delivered, Stock
from bench.watch import Sample, Watch, Watched, python

EXACTLY_ONCE = "exactly-once"
OURS = "Carillon"
WARM_UP = 30_000


@dataclass(frozen=True, slots=True)
class Contender:
    """An engine: its command for an order, what it promises, and how many records it gets at most."""

    name: str
    guarantee: str
    command: Callable[[Ground, Order], list[str]]
    most: int = 10_000_000
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One engine, one round. Rates per second, CPU in µs per request, memory in MiB."""

    records: int
    rate: float
    steady_rate: float
    client_us: float
    broker_us: float
    rss_mib: float
    right: bool


@dataclass(slots=True)
class Score:
    """All rounds of one engine."""

    contender: Contender
    runs: list[Run] = field(default_factory=list)

    def middle(self, figure: str) -> float:
        """The median of one figure of the runs."""
        return float(median(getattr(run, figure) for run in self.runs))

    def ahead_of(self, other: Score, figure: str) -> float:
        """How many times the other's figure ours is, pair by pair: rounds share the machine's weather."""
        pairs = zip(self.runs, other.runs, strict=True)
        return float(median(getattr(ours, figure) / getattr(theirs, figure) for ours, theirs in pairs))

    def row(self, ours: Score) -> Row:
        """The table's row."""
        rates = [run.rate for run in self.runs]
        return {
            "subject": self.contender.name,
            "guarantee": self.contender.guarantee,
            "records": self.runs[0].records,
            "rate": self.middle("rate"),
            "rates": f"{min(rates):,.0f}-{max(rates):,.0f}",
            "steady_rate": self.middle("steady_rate"),
            "ratio": ours.ahead_of(self, "rate"),
            "client_us": self.middle("client_us"),
            "cpu_ratio": self.ahead_of(ours, "client_us"),
            "broker_us": self.middle("broker_us"),
            "rss_mib": self.middle("rss_mib"),
            "right": all(run.right for run in self.runs),
        }


CARILLON = Contender(
    OURS,
    EXACTLY_ONCE,
    lambda _, order: python("bench.engines.carillon", order.argv()),
    topics=("{app}.job.changelog", "{app}.by-user", "{app}.by-user.dlq", "{source}.dlq"),
)
KAFKA_STREAMS = Contender(
    "Kafka Streams", EXACTLY_ONCE, lambda ground, order: kafka_streams.command(ground.class_path, order)
)
QUIX = Contender(
    "Quix Streams", EXACTLY_ONCE, lambda _, order: python("bench.engines.quix", order.argv()), most=200_000
)
FAUST = Contender(
    "stock Faust",
    "at-least-once",
    lambda _, order: python("bench.engines.stock_faust", order.argv()),
    most=30_000,
)


async def compete(ground: Ground, plan: Plan, contenders: tuple[Contender, ...], *, hop: bool) -> list[Row]:
    """Every engine in every round; each round begins with another one."""
    ground.say("warming the broker up")
    await measure(ground, contenders[0], WARM_UP, "warm-up", hop=hop)
    scores = [Score(contender) for contender in contenders]
    for number in range(plan.rounds):
        first = number % len(scores)
        for place, score in enumerate(scores[first:] + scores[:first]):
            name = score.contender.name
            ground.say(f"round {number + 1} of {plan.rounds}: {name}{', with a hop' if hop else ''}")
            app = f"{'hop' if hop else 'job'}-{number}-{place}"
            score.runs.append(await measure(ground, score.contender, plan.records, app, hop=hop))
    return [score.row(scores[0]) for score in scores]


async def measure(ground: Ground, contender: Contender, records: int, app: str, *, hop: bool) -> Run:
    """One engine over a source of so many requests (its own `most`, where that is less)."""
    records = min(records, contender.most)
    stock = ground.stock
    source = await asyncio.to_thread(stock.requests, records, by_user=not hop)
    folder = ground.folder / app
    order = Order(stock.bootstrap, app, source, str(folder / "data"), hop)
    await asyncio.to_thread(prepare, stock, contender, order)
    samples = await work_through(ground, contender, order, records)
    found = [await asyncio.to_thread(stock.ids, topic) for topic in order.outputs.values()]
    await asyncio.to_thread(stock.forget, app)
    shutil.rmtree(folder, ignore_errors=True)
    right = found == [Delivered(unique_of(records), unique_of(records))] * len(found)
    return run_of(samples, records, right=right)


async def work_through(ground: Ground, contender: Contender, order: Order, records: int) -> list[Sample]:
    """Run the engine until it has done so many requests; what was seen from its first record on."""
    watched = await Watched.start(contender.command(ground, order), ground.folder / order.app)
    try:
        await watched.first_record()
        outputs = [TopicPartition(topic, p) for topic in order.outputs.values() for p in range(PARTITIONS)]
        async with Watch(order.bootstrap, (watched.process.pid, ground.broker_pid), outputs) as watch:
            expected = unique_of(records) * len(order.outputs)
            return await watch.until_done(expected, deadline_s=30 + records / 500)
    finally:
        await watched.stop()


def prepare(stock: Stock, contender: Contender, order: Order) -> None:
    """Topics that the engine does not make itself; a source's dead-letter topic stays for the next run."""
    names = {name.format(app=order.app, source=order.source) for name in contender.topics}
    stock.create_missing([*order.outputs.values(), *names])


def run_of(samples: list[Sample], records: int, *, right: bool) -> Run:
    """The figures of one run; the steady rate is that of its second half."""
    first, last = samples[0], samples[-1]
    half = next(s for s in samples if s.outputs * 2 >= last.outputs)
    share = (last.outputs - half.outputs) / max(last.outputs, 1)
    return Run(
        records,
        rate=records / max(last.at - first.at, 1e-9),
        steady_rate=records * share / (last.at - half.at) if last.at > half.at else 0.0,
        client_us=(last.client_cpu_s - first.client_cpu_s) * 1e6 / records,
        broker_us=(last.broker_cpu_s - first.broker_cpu_s) * 1e6 / records,
        rss_mib=max(sample.rss for sample in samples) / (1 << 20),
        right=right,
    )


COLUMNS = (
    SUBJECT,
    Column("guarantee", "guarantee"),
    Column("records", "requests", "{:,.0f}"),
    RATE,
    Column("rates", "of the rounds"),
    Column("steady_rate", "second half", "{:,.0f}"),
    Column("ratio", "Carillon is faster by", "{:,.2f}"),
    CLIENT,
    Column("cpu_ratio", "CPU, times Carillon's", "{:,.2f}"),
    BROKER,
    RSS,
    Column("right", "every id once"),
)


async def _engines(ground: Ground, plan: Plan) -> list[Row]:
    return await compete(ground, plan, (CARILLON, KAFKA_STREAMS, QUIX, FAUST), hop=False)


async def _hop(ground: Ground, plan: Plan) -> list[Row]:
    return await compete(ground, plan, (CARILLON, KAFKA_STREAMS), hop=True)


ENGINES = Section(
    "engines",
    "The same job on four engines",
    "Consume JSON requests of 8 partitions, drop repeats by a table with a changelog, write two channel "
    "topics: one client process each, beside one broker. Timed from the first record in the job to the last "
    "committed output; slow engines get fewer requests.",
    COLUMNS,
    _engines,
)
HOP = Section(
    "hop",
    "The same behind a re-key",
    "The source is not keyed by the user, so every request goes through one more topic first.",
    COLUMNS,
    _hop,
)
