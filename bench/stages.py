"""The pipeline stage by stage, one process and one stage at a time, and then all of it in one process."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import asyncpg
import psutil

from bench.product import USERS as USER_COUNT
from bench.product import Product, Spent, Worker, product, register, sending, user_of
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.watch import BenchError
from schemas import topics
from streams.intake import EXPRESS
from streams.stages import stage_names

REQUESTS, FULL_REQUESTS = 20_000, 100_000
EVERY_S = 0.1
QUIET_S = 3.0
ROUNDS = 3
AIM = 5_000
ROLES = ("worker", "kafka", "postgres", "fake")
TOTAL = "all stages, each alone"
LOOK_S, SLOWEST = 0.5, 50
"""How often the rows are counted; requests a second below which the pipeline is taken to stand still."""
ENDED = "SELECT count(*) FROM notification_messages WHERE status NOT IN ('pending', 'queued', 'retrying')"


@dataclass(frozen=True, slots=True)
class Look:
    """How far a stage is, what it has taken, and CPU seconds of the whole machine so far."""

    consumed: float
    spent: Spent
    busy_s: float

    @classmethod
    def now(cls, made: Product, worker: Worker, consumed: float) -> Look:
        """As the operating system counts."""
        times = psutil.cpu_times()
        busy_s: float = times.user + times.nice + times.system
        return cls(consumed, Spent.now(made, worker), busy_s)

    def others_since(self, began: Look) -> float:
        """Share of the machine's CPU that neither the stage nor its servers took: what disturbed the row."""
        ours: float = sum(getattr(self.spent, role) - getattr(began.spent, role) for role in ROLES)
        seconds = max(self.spent.at - began.spent.at, EVERY_S) * (psutil.cpu_count() or 1)
        return max(self.busy_s - began.busy_s - ours, 0.0) / seconds


async def _stages(ground: Ground, plan: Plan) -> list[Row]:
    requests = FULL_REQUESTS if plan.full else REQUESTS
    async with product(ground, "stages") as made:
        await register(made, (user_of(number) for number in range(USER_COUNT)), ground.say)
        await feed(made, requests)
        rows = []
        for stage in stage_names():
            if stage in {"seen", EXPRESS}:  # the second is a part of the intake here
                continue
            ground.say(f"stage {stage}, {requests:,} requests")
            rows.append(await _alone(made, stage, requests))
    return [*rows, _total(rows)]


async def feed(made: Product, requests: int, first: int = 0, priority: str | None = None) -> None:
    """Send requests, as fast as the broker takes them."""
    numbers = range(first, first + requests)
    records = (sending(number, user_of(number), priority) for number in numbers)
    await asyncio.to_thread(made.stock.fill, topics.SEND_REQUEST, records)


async def _alone(made: Product, stage: str, requests: int) -> Row:
    """One stage over what the stages before it have left."""
    worker = await made.worker(stage)
    try:
        looks = await _until_quiet(made, worker, stage)
    finally:
        await worker.watched.stop()
    began, ended = looks[0], looks[-1]
    events = ended.consumed - began.consumed
    share = events / ended.consumed if ended.consumed else 0.0
    done, seconds = requests * share, max(ended.spent.at - began.spent.at, EVERY_S)
    return {
        "subject": stage,
        "events": ended.consumed,
        "event_rate": events / seconds,
        "rate": done / seconds,
        **_costs(began.spent, ended.spent, max(done, 1.0)),
        "others": ended.others_since(began),
    }


async def _until_quiet(made: Product, worker: Worker, stage: str) -> list[Look]:
    """Looks at a stage from its first handled events until nothing more comes."""
    looks: list[Look] = []
    waited = 0.0
    while waited < QUIET_S or not looks:
        consumed = (await worker.consumed()).get(stage, 0.0)
        if consumed > (looks[-1].consumed if looks else 0.0):
            looks.append(Look.now(made, worker, consumed))
            waited = 0.0
        if not looks and waited > QUIET_S * 5:
            return [Look.now(made, worker, 0.0)]
        await asyncio.sleep(EVERY_S)
        waited += EVERY_S
    return looks


def _costs(began: Spent, ended: Spent, requests: float) -> Row:
    def each(role: str) -> float:
        spent: float = getattr(ended, role) - getattr(began, role)
        return spent * 1e6 / requests

    return {role: each(role) for role in ROLES}


def _total(rows: list[Row]) -> Row:
    costs: Row = {role: sum(float(row[role]) for row in rows) for role in ("worker", "kafka", "postgres")}
    return {"subject": TOTAL, **costs, "cores": _cores(costs)}


def _cores(costs: Row) -> float:
    return AIM * sum(float(costs[role]) for role in ("worker", "kafka", "postgres")) / 1e6


async def _pipeline(ground: Ground, plan: Plan) -> list[Row]:
    requests = FULL_REQUESTS if plan.full else REQUESTS
    async with product(ground, "pipeline") as made:
        await register(made, (user_of(number) for number in range(USER_COUNT)), ground.say)
        worker = await made.worker("all")
        try:
            return [await _round(ground, made, worker, number, requests) for number in range(ROUNDS)]
        finally:
            await worker.watched.stop()


async def _round(ground: Ground, made: Product, worker: Worker, number: int, requests: int) -> Row:
    """As many requests as in each of the rounds before, which all have ended."""
    ground.say(f"the whole pipeline, {requests:,} requests, round {number + 1} of {ROUNDS}")
    before = (await worker.consumed()).get("sink", 0.0)
    began = Spent.now(made, worker)
    ended = asyncio.create_task(_when_ended(made, worker, (number + 1) * requests))
    await feed(made, requests, number * requests)
    costs = _costs(began, await ended, requests)
    seconds = (await ended).at - began.at
    return {
        "subject": f"{requests:,} requests, one worker process, round {number + 1}",
        "rate": requests / seconds,
        "rows": (await worker.consumed())["sink"] - before,
        "seconds": seconds,
        **costs,
        "cores": _cores(costs),
    }


async def _when_ended(made: Product, worker: Worker, requests: int) -> Spent:
    """What was spent when each message of the requests has a row that says how it ended."""
    messages = requests // 2 * 3  # each second request has two
    deadline = time.monotonic() + requests / SLOWEST
    rows = await asyncpg.connect(made.flags["postgres.dsn"])
    try:
        while (ended := await rows.fetchval(ENDED)) < messages:
            if time.monotonic() > deadline:
                raise BenchError(f"{ended:,} of {messages:,} messages have ended, and no more come")
            await asyncio.sleep(LOOK_S)
        return Spent.now(made, worker)
    finally:
        await rows.close()


COSTS = (
    Column("worker", "worker's CPU µs per request", "{:,.0f}"),
    Column("kafka", "broker's", "{:,.0f}"),
    Column("postgres", "Postgres's", "{:,.0f}"),
    Column("fake", "the fake provider's", "{:,.0f}"),
    Column("cores", f"cores for {AIM:,}/s", "{:,.1f}"),
)
MIX = "Half of the requests are order confirmations (e-mail and push), half refunds (e-mail)."
STAGES = Section(
    "stages",
    "The pipeline, stage by stage",
    f"`carillon worker --stages …`, one stage at a time over what the stage before has left. {MIX} Events of "
    "a stage are records, timers and results; its CPU is counted per request that entered the pipeline. The "
    "last column is what other processes took of the machine meanwhile: rates suffer from it, CPU hardly.",
    (
        SUBJECT,
        Column("events", "events", "{:,.0f}"),
        Column("event_rate", "events/s", "{:,.0f}"),
        Column("rate", "requests/s", "{:,.0f}"),
        *COSTS,
        Column("others", "CPU of others", "{:.0%}"),
    ),
    _stages,
)
PIPELINE = Section(
    "pipeline",
    "The whole pipeline",
    f"From feeding the first request to the last row in Postgres, everything on this machine. {MIX} The "
    "first round finds a broker that has just started, whose code its Java machine still compiles.",
    (
        SUBJECT,
        Column("rate", "requests/s", "{:,.0f}"),
        Column("rows", "rows", "{:,.0f}"),
        Column("seconds", "s", "{:,.1f}"),
        *COSTS,
    ),
    _pipeline,
)
