"""`carillon why` beside a million messages: the whole command, and the look-up that it calls."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

import psutil

from bench.product import cpu_s
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.watch import ROOT, BenchError
from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.embedded.postgres import EmbeddedPostgres
from connectors.postgres.database import Database
from connectors.postgres.migrate import migrate
from connectors.postgres.partitions import add_partitions
from streams.servers import with_servers
from streams.settings import Settings, load_settings
from streams.why import explain

FILLING = Path(__file__).with_suffix(".sql")
DAY_MS = 86_400_000
DAYS = 30
FILL_S = 1_800.0
COMMANDS, LOOK_UPS = 10, 300
"""Draws of each way to ask, in each round."""
LOG_LINES = 3
KEY = Cipher.new_key("bench")


def _id(word: str, number: int) -> str:
    """As bench/why.sql makes it."""
    return str(UUID(md5(f"{word}-{number}".encode(), usedforsecurity=False).hexdigest()))


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask for the n-th message, with the command line's `flag`. `known`: there is an answer."""

    name: str
    asked: Callable[[int], str]
    flag: str = ""
    known: bool = True


WAYS = (
    Way("message id", lambda number: _id("message", number)),
    Way("request id", lambda number: _id("request", number)),
    Way("key", lambda number: f"order-{number}", flag="--key="),
    Way("an unknown id", lambda number: _id("nothing", number), known=False),
)


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    async with _filled(ground, plan.records) as (settings, postgres_pid):
        rows = []
        for name, ask, draws in (("command", _command, COMMANDS), ("look-up", _look_up, LOOK_UPS)):
            for way in WAYS:
                ground.say(f"the {name}, {way.name}")
                began = Spent.now(postgres_pid)
                numbers = _drawn(plan.records, draws * plan.rounds)
                times = [await ask(settings, way, number) for number in numbers]
                spent = Spent.now(postgres_pid).since(began, len(times))
                rows.append({"subject": f"the {name}, {way.name}", **_waits(times), **spent})
    return rows


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far: of this process and the commands that have ended, of Postgres, of the machine."""

    at: float
    asking: float
    postgres: float
    machine: float

    @classmethod
    def now(cls, postgres_pid: int) -> Spent:
        """As the operating system counts."""
        user, system, of_children, system_of_children, _ = os.times()
        times = psutil.cpu_times()
        asking = user + system + of_children + system_of_children
        machine = times.user + times.nice + times.system
        return cls(time.monotonic(), asking, cpu_s(postgres_pid), machine)

    def since(self, began: Spent, draws: int) -> dict[str, float]:
        """Per draw, ms; and the share of the machine that others took, which disturbed the draws."""
        asking, postgres = self.asking - began.asking, self.postgres - began.postgres
        others = self.machine - began.machine - asking - postgres
        seconds = (self.at - began.at) * (psutil.cpu_count() or 1)
        return {
            "cpu_ms": asking * 1000 / draws,
            "postgres_ms": postgres * 1000 / draws,
            "others": max(others, 0.0) / seconds,
        }


def _drawn(messages: int, count: int) -> Iterable[int]:
    """Numbers spread over all messages, neighbours never drawn one after the other."""
    step = int(messages * 0.618) | 1
    return (place * step % messages + 1 for place in range(1, count + 1))


async def _command(settings: Settings, way: Way, number: int) -> float:
    """From the start of the process to its end, ms."""
    dsn = settings.postgres.dsn
    assert dsn is not None
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CARILLON_KAFKA__BOOTSTRAP": str(settings.kafka.bootstrap),
        "CARILLON_POSTGRES__DSN": dsn.get_secret_value(),
        "CARILLON_CRYPTO__KEYS": KEY,
    }
    words = [sys.executable, "-m", "streams.cli", "why", way.flag + way.asked(number)]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, env=environment)
    told, _ = await process.communicate()
    took = time.perf_counter() - began
    found = _id("message", number) in told.decode()
    if (process.returncode, found) != ((0, True) if way.known else (1, False)):
        raise BenchError(f"why by {way.name} ended with {process.returncode}: {told.decode()}")
    return took * 1000


async def _look_up(settings: Settings, way: Way, number: int) -> float:
    """What `explain` takes, from no connection to none, ms."""
    began = time.perf_counter()
    found = await explain(settings, way.asked(number), is_key=bool(way.flag))
    took = time.perf_counter() - began
    there = [(message.message_id, len(message.log)) for message in found.messages]
    expected = [(_id("message", number), LOG_LINES)] if way.known else []
    if there != expected or len(found.requests) != len(expected):
        raise BenchError(f"why by {way.name} found {found}")
    return took * 1000


def _waits(times: list[float]) -> Row:
    """A hundredth of a few draws would be none."""
    tail = {"p99_ms": quantiles(times, n=100)[98]} if len(times) >= 100 else {}
    return {"draws": len(times), "p50_ms": median(times), **tail, "worst_ms": max(times)}


@asynccontextmanager
async def _filled(ground: Ground, messages: int) -> AsyncIterator[tuple[Settings, int]]:
    """Settings and process of a server whose tables hold so many messages, partitioned as time would."""
    now = now_ms()
    async with EmbeddedPostgres(ground.folder / "why" / "postgres") as server:
        database = Database(server.address, size=1)
        try:
            await migrate(database)
            for days in (DAYS, DAYS // 2, 0):
                await add_partitions(database, now - days * DAY_MS)
            ground.say(f"writing {messages:,} messages, their requests and {LOG_LINES} lines of each")
            async with database.transaction() as connection:
                await connection.execute(
                    "SET LOCAL session_replication_role = replica"
                )  # as foreign keys hold
                await connection.execute(FILLING.read_text(), messages, now, timeout=FILL_S)
            async with database.connection() as connection:
                await connection.execute("VACUUM ANALYZE", timeout=FILL_S)
        finally:
            await database.close()
        yield with_servers(load_settings({}), ground.stock.bootstrap, server.address), server.pid


WHY = Section(
    "why",
    "Why, beside a million messages",
    "`carillon why` of one message after the other, among messages of 30 days with their requests and three "
    "lines of log each, in partitions of days and months. The command: from the start of its process to its "
    "end. The look-up: the function that it calls, its connection included. The last column is what other "
    "processes took of the machine meanwhile: times suffer from it, CPU hardly.",
    (
        SUBJECT,
        Column("draws", "draws", "{:,.0f}"),
        Column("p50_ms", "median ms", "{:,.1f}"),
        Column("p99_ms", "P99 ms", "{:,.1f}"),
        Column("worst_ms", "worst ms", "{:,.1f}"),
        Column("cpu_ms", "CPU ms", "{:,.1f}"),
        Column("postgres_ms", "Postgres's", "{:,.1f}"),
        Column("others", "CPU of others", "{:.0%}"),
    ),
    _measure,
)
