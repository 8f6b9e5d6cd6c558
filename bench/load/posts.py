"""`POST /seen` on a schedule: one HTTP process, answers timed from when each post was due."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from bench.load.climb import Subject
from bench.load.steps import Budget, Options, steps_table
from bench.product import Product, Worker, product
from bench.sections import Place, Row
from bench.seen import SECRET, posted
from bench.stages import Look

CONNECTIONS = 256
SLACK_S = 30.0
"""What the client may take beyond its schedule."""


@dataclass(frozen=True, slots=True)
class Posts:
    """A running HTTP process, what it writes to, and numbers for the steps."""

    made: Product
    worker: Worker
    steps: Iterator[int] = field(default_factory=count)

    async def step(self, rate: float, options: Options) -> Row:
        """Post at this rate; CPU is that of warm-up and measurement, per post of both."""
        folder = self.made.folder / f"posting-{next(self.steps)}"
        began = Look.now(self.made, self.worker, 0.0)
        told = await posted(
            folder,
            options.warm + options.seconds + SLACK_S,
            f"--port={self.made.settings.http.port}",
            f"--connections={CONNECTIONS}",
            f"--rate={rate}",
            f"--warm={options.warm}",
            f"--seconds={options.seconds}",
        )
        ended = Look.now(self.made, self.worker, 0.0)
        posts = rate * (options.warm + options.seconds)
        return {
            **told,
            "worker_us": (ended.spent.worker - began.spent.worker) * 1e6 / posts,
            "broker_us": (ended.spent.kafka - began.spent.kafka) * 1e6 / posts,
            "postgres_us": (ended.spent.postgres - began.spent.postgres) * 1e6 / posts,
            "others": ended.others_since(began),
        }


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Posts]:
    """Servers and one HTTP process."""
    async with product(place, "posts") as made:
        made.flags["http.gateway_secret"] = SECRET
        server = await made.http()
        try:
            yield Posts(made, server)
        finally:
            await server.watched.stop()


SEEN = Subject(
    steps_table(
        "seen",
        "POST /seen",
        "Posts due at a steady rate, over as many of 256 connections as are needed, to one HTTP process; "
        "each is answered when all in-sync replicas have it (here there is one). A wait is from the time at "
        "which a post was due to its answer. The client is among the others that take CPU.",
    ),
    Budget(share=0.95, most_ms=25.0),
    1_000.0,
    running,
)
