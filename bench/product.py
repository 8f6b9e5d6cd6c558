"""The pipeline itself on servers of its own: `carillon` processes, told by the environment."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import psutil

from bench.sections import Place, Say
from bench.stock import Stock
from bench.watch import BenchError, Watched
from connectors.cipher import Cipher
from connectors.embedded.kafka import EmbeddedKafka, KafkaOptions, free_port
from connectors.embedded.postgres import EmbeddedPostgres
from schemas import topics
from streams.applying import apply_directory
from streams.running import prepare
from streams.settings import Settings, load_settings

EXAMPLES = Path(__file__).parents[1] / "examples"
USERS = 2_000
HEAP_MIB = 1024
READY_S = 180.0
BY_STAGE = rb'^%b\{stage="([^"]+)"\} (\S+)'
CONSUMED = "carillon_stage_consumed_records_total"
OK = 200


@dataclass(slots=True)
class Product:
    """Servers with topics, tables and the sample reference data; processes are started on them as needed."""

    stock: Stock
    settings: Settings
    folder: Path
    ledger: Path
    flags: dict[str, str]
    kafka_pid: int
    postgres_pid: int
    fake_pid: int
    program: tuple[str, ...] = ("streams.cli",)
    """The module, with its first arguments, that the processes run."""

    async def worker(self, stages: str) -> Worker:
        """`carillon worker`, ready."""
        watched = await self._carillon("worker", "--stages", stages)
        return Worker(watched, self.settings.http.ops_port)

    async def http(self) -> Worker:
        """`carillon http`, ready."""
        return Worker(await self._carillon("http"), self.settings.http.ops_port)

    async def _carillon(self, *words: str) -> Watched:
        environment = [
            f"CARILLON_{name.upper().replace('.', '__')}={value}" for name, value in self.flags.items()
        ]
        argv = [*environment, sys.executable, "-m", *self.program, *words]
        watched = await Watched.start(argv, self.folder / "-".join(words).replace("--", ""))
        await _ready(watched, self.settings.http.ops_port)
        return watched


@dataclass(frozen=True, slots=True)
class Worker:
    """One `carillon` process and its operations port."""

    watched: Watched
    port: int

    async def consumed(self) -> dict[str, float]:
        """Events handled so far, by stage."""
        return (await self.by_stage(CONSUMED))[CONSUMED]

    async def by_stage(self, *metrics: str) -> dict[str, dict[str, float]]:
        """Metrics that have the stage as their one label: value by stage."""
        text = await self.metrics()
        return {metric: by_stage(text, metric) for metric in metrics}

    async def metrics(self) -> bytes:
        """The page of its metrics."""
        async with aiohttp.ClientSession() as session, session.get(_url(self.port, "metrics")) as answer:
            return await answer.read()


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far of everything that takes part, by role."""

    at: float
    worker: float
    kafka: float
    postgres: float
    fake: float

    @classmethod
    def now(cls, product: Product, worker: Worker) -> Spent:
        """As the operating system counts."""
        return cls(
            time.monotonic(),
            cpu_s(worker.watched.process.pid),
            cpu_s(product.kafka_pid),
            cpu_s(product.postgres_pid),
            cpu_s(product.fake_pid),
        )


def by_stage(metrics: bytes, name: str) -> dict[str, float]:
    """A figure of each stage out of the page of metrics."""
    found = re.findall(BY_STAGE % name.encode(), metrics, re.MULTILINE)
    return {stage.decode(): float(value) for stage, value in found}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its children, those that have ended included."""
    process = psutil.Process(pid)
    own = process.cpu_times()
    living = [child.cpu_times() for child in process.children(recursive=True)]
    ended = own.children_user + own.children_system if hasattr(own, "children_user") else 0.0
    return sum((each.user + each.system for each in living), own.user + own.system + ended)


@asynccontextmanager
async def product(place: Place, name: str) -> AsyncIterator[Product]:
    """Servers of its own: the pipeline's topics have fixed names."""
    async with installed(place.folder / name, place.say) as made:
        yield made


@asynccontextmanager
async def installed(folder: Path, say: Say) -> AsyncIterator[Product]:
    """The same for who has no broker of the bench beside it."""
    async with AsyncExitStack() as stack:
        options = KafkaOptions(heap_mib=HEAP_MIB, say=say, lasting=True)
        kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka", options))
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres"))
        ledger = folder / "ledger.jsonl"
        fake = await Watched.start(
            [sys.executable, "-m", "connectors.fake", "--ledger", str(ledger)], folder / "fake"
        )
        stack.push_async_callback(fake.stop)
        await fake.until(lambda: fake.said("smtp_port"), READY_S, "the fake provider did not start")
        told = orjson.loads(fake.log.read_bytes().partition(b"\n")[0])
        ports = free_ports()
        flags = {
            "data_dir": str(folder / "data"),
            "kafka.bootstrap": kafka.address,
            "postgres.dsn": postgres.address,
            "crypto.keys": Cipher.new_key("bench"),
            "smtp.host": told["smtp_host"],
            "smtp.port": str(told["smtp_port"]),
            "providers.fake_url": told["url"],
            "http.port": str(next(ports)),
            "http.ops_port": str(next(ports)),
            "log.level": "warning",
            "recipients.are_limited": "false",
        }
        settings = load_settings(flags)
        settings.data_dir.mkdir(parents=True)
        await prepare(settings, lambda _text: None)
        await apply_directory(settings, EXAMPLES)
        yield Product(
            Stock(kafka.address), settings, folder, ledger, flags, kafka.pid, postgres.pid, fake.process.pid
        )


async def register(made: Product, users: Iterator[str], say: Say) -> None:
    """Make the users known, so that requests need not wait for contacts."""
    worker = await made.worker("intake,recipient")
    try:
        await introduce(made, worker, users, say)
    finally:
        await worker.watched.stop()


async def introduce(made: Product, worker: Worker, users: Iterator[str], say: Say) -> None:
    """The same by a worker that runs already and has read nothing yet."""
    names = list(users)
    say(f"registering {len(names):,} users")
    await asyncio.to_thread(made.stock.fill, topics.USER_EVENTS, ((user, registered(user)) for user in names))
    deadline = time.monotonic() + READY_S
    while (await worker.consumed()).get("recipient", 0.0) < len(names):
        if time.monotonic() > deadline:
            raise BenchError("the users did not become known")
        await asyncio.sleep(0.2)


def registered(user: str) -> bytes:
    """The event of a user who has an address and a device."""
    data = {
        "language": "ru" if int(user[-1]) % 2 else "en",
        "timezone": "Europe/Moscow",
        "email": f"{user}@example.com",
        "devices": [{"platform": "ios", "token": user.replace("-", "") * 2}],
    }
    return orjson.dumps({"event_type": "user.registered", "user_id": user, "data": data})


def user_of(number: int) -> str:
    """The user of a request."""
    return f"00000000-0000-4000-8000-{number % USERS:012}"


def sending(number: int, user: str, priority: str | None = None, *, mails: bool = False) -> tuple[str, bytes]:
    """A request and its key: order confirmations (e-mail, push) and refunds (`mails`: only these) in turn."""
    order = {"OrderNumber": f"A-{number}", "Amount": 129}
    if mails or number % 2:
        kind, data = "refund", order
    else:
        kind, data = "order_confirmation", {**order, "Items": [{"name": "Lanterns"}, {"name": "Rails"}]}
    body = {
        "user_id": user,
        "notification_type": kind,
        "idempotency_key": f"bench-{number}",
        "data": data,
        **({} if priority is None else {"priority": priority}),
    }
    return user, orjson.dumps(body)


def free_ports() -> Iterator[int]:
    """One after the other, each free when it is given."""
    while True:
        yield free_port(0)


def _url(port: int, page: str) -> str:
    return f"http://127.0.0.1:{port}/{page}"


async def _ready(watched: Watched, port: int) -> None:
    deadline = time.monotonic() + READY_S
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline and watched.process.exit_code is None:
            try:
                async with session.get(_url(port, "readyz")) as answer:
                    if answer.status == OK:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    await watched.until(lambda: False, 0, "it did not become ready")
