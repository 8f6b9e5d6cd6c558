"""Requests on a schedule through the whole pipeline in one worker, timed until the provider has the mail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.asked import Feeding, Flow, Receipts, mail_id, received, waits_ms
from bench.load.climb import Subject
from bench.load.steps import Budget, Options, steps_table
from bench.product import USERS, Product, Worker, by_stage, product, register, user_of
from bench.sections import Column, Place, Row
from bench.stages import Look
from bench.waits import distribution
from bench.watch import BenchError

COUNTED = (
    "carillon_stage_consumed_records_total",
    "carillon_stage_transactions_total",
    "carillon_stage_lag_records",
)
GRACE_S = 20.0
DRAINED_S, DRAIN_S = 3.0, 300.0
EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Counted:
    """What the machine and the worker count at one moment, over all stages."""

    look: Look
    transactions: float
    lag: float

    @classmethod
    async def now(cls, made: Product, worker: Worker) -> Counted:
        """Figures of the worker's metrics, and of the operating system."""
        page = await worker.metrics()
        consumed, transactions, lag = (sum(by_stage(page, name).values()) for name in COUNTED)
        return cls(Look.now(made, worker, consumed), transactions, lag)

    def since(self, began: Counted, requests: float) -> Row:
        """Costs per request, transactions a second, and the work that waits, in seconds of such work."""
        seconds = self.look.spent.at - began.look.spent.at
        events = self.look.consumed - began.look.consumed
        spent, before = self.look.spent, began.look.spent
        return {
            "worker_us": (spent.worker - before.worker) * 1e6 / requests,
            "broker_us": (spent.kafka - before.kafka) * 1e6 / requests,
            "postgres_us": (spent.postgres - before.postgres) * 1e6 / requests,
            "transactions": (self.transactions - began.transactions) / seconds,
            "events": events / seconds,
            "behind_s": self.lag / max(events / seconds, 1.0),
            "others": self.look.others_since(began.look),
        }


@dataclass(slots=True)
class Pipeline:
    """A running worker, and the number of the next request."""

    made: Product
    worker: Worker
    receipts: Receipts
    next: int = field(default=0)

    async def step(self, rate: float, options: Options) -> Row:
        """Feed at this rate; what the warm-up brought is left out."""
        await self._drained()
        warm, measured = round(rate * options.warm), round(rate * options.seconds)
        feeding = await Feeding.start(self.made, Flow(self.next, warm + measured, rate))
        self.next += warm + measured
        try:
            numbers = feeding.flow.numbers[warm:]
            began_ms, ended_ms = feeding.due_ms(numbers[0]), feeding.due_ms(numbers[-1] + 1)
            await asyncio.sleep(began_ms / 1000 - time.time())
            began = await Counted.now(self.made, self.worker)
            await asyncio.sleep(ended_ms / 1000 - time.time())
            ended = await Counted.now(self.made, self.worker)
            late_ms = await feeding.ended(GRACE_S)
            await self._received(feeding)
        finally:
            await feeding.watched.stop()
        mails = received(feeding.flow.numbers, self.receipts.at)
        kept = {number: at for number, at in mails.items() if number in numbers}
        return {
            "rate": sum(began_ms <= at < ended_ms for at in mails.values()) / options.seconds,
            "unanswered": feeding.flow.count - len(mails),
            "late_ms": late_ms,
            **distribution(waits_ms(kept, feeding.due_ms)),
            **ended.since(began, measured),
        }

    async def _received(self, feeding: Feeding) -> None:
        """Wait until the provider has every mail, or the grace is over."""
        waiting = {mail_id(number) for number in feeding.flow.numbers}
        deadline = time.monotonic() + GRACE_S
        while waiting and time.monotonic() < deadline:
            await asyncio.sleep(EVERY_S)
            self.receipts.look()
            waiting -= self.receipts.at.keys()

    async def _drained(self) -> None:
        """Wait until the worker has had nothing to do for a while: a step does not pay for the one before."""
        deadline = time.monotonic() + DRAIN_S
        before, since = -1.0, time.monotonic()
        while time.monotonic() - since < DRAINED_S:
            if time.monotonic() > deadline:
                raise BenchError("the pipeline does not come to rest")
            now = sum((await self.worker.consumed()).values())
            if now > before:
                before, since = now, time.monotonic()
            await asyncio.sleep(EVERY_S)


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Pipeline]:
    """Servers, known users and one worker with all stages."""
    async with product(place, "pipeline") as made:
        await register(made, (user_of(number) for number in range(USERS)), place.say)
        worker = await made.worker("all")
        try:
            yield Pipeline(made, worker, Receipts(made.ledger))
        finally:
            await worker.watched.stop()


PIPELINE = Subject(
    steps_table(
        "pipeline",
        "The whole pipeline",
        "Requests due at a steady rate on `notification.send.request`, one `carillon worker` with every "
        "stage; broker, Postgres, fake provider and feeder on the same cores. Half of the requests are order "
        "confirmations (e-mail and push), half refunds (e-mail). A wait is from the time at which a request "
        "was due to the receipt of its mail in the provider's ledger. Work that waits: records in the inputs "
        "of all stages at the end of the step, by the events that all stages did a second meanwhile. The "
        "feeder is among the others that take CPU.",
        Column("transactions", "transactions/s", "{:,.0f}"),
        Column("events", "events/s of all stages", "{:,.0f}"),
        Column("behind_s", "work that waits, s", "{:,.2f}"),
    ),
    Budget(share=0.99, most_ms=1_000.0),
    50.0,
    running,
)
