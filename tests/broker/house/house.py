"""The house: broker, database, fake provider, `carillon worker` and `carillon http`, each a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiokafka import AIOKafkaProducer

from connectors.cipher import Cipher
from connectors.embedded.kafka import EmbeddedKafka
from connectors.embedded.postgres import EmbeddedPostgres
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from examples.accounts import topics as reading
from streams.applying import apply_directory
from streams.lag import Lag
from streams.running import prepare
from streams.settings import Settings
from streams.stages import chosen, input_topics
from tests.broker.faults.system import Program, free_port
from tests.broker.house.book import PUBLIC, write_book
from tests.broker.house.issuer import trusting

APP = "house"
SECRET = "gateway-of-the-house"
SCOPES = {each: sha256(f"ck_live_house_{each}".encode()).hexdigest() for each in ("devices", "audience")}
API_KEYS = ",".join(f"{each}:{digest}:{each}" for each, digest in SCOPES.items())
PATIENCE_S = 60.0
HANGS_MS = 600_000
"""A question to Account Service that hangs does so until the worker is killed."""
PAUSE_MS = 2_000
"""Of a provider that fails."""
LARGEST = 4 << 20
FOREIGN = [
    TopicSpec(
        "notification.send.request",
        3,
        config={"max.message.bytes": str(LARGEST), "message.timestamp.after.max.ms": str(2**62)},
    ),
    TopicSpec("payment.events", 8),
]
"""Topics of other services are as they made them: other counts, larger records, times of any century."""

Row = Any


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of another service. `at`: its time in ms, else now; a `bytes` value goes as it is."""

    topic: str
    value: dict[str, Any] | bytes
    key: str | bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    at: int | None = None

    @property
    def raw(self) -> bytes:
        """The value as it travels."""
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


@dataclass(slots=True)
class House:
    """Where everything is, and the processes that a test may strike."""

    folder: Path
    kafka: EmbeddedKafka
    postgres: EmbeddedPostgres
    settings: dict[str, Any]
    fake: Program
    worker: Program
    http: Program
    fake_url: str = ""

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """The fake provider's own account: one row for each call that reached it."""
        path = self.folder / "ledger.jsonl"
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def environment(self) -> dict[str, str]:
        """What a person sets so that commands use these servers."""
        return {
            "CARILLON_KAFKA__BOOTSTRAP": self.kafka.address,
            "CARILLON_KAFKA__APP": APP,
            "CARILLON_POSTGRES__DSN": self.postgres.address,
            "CARILLON_CRYPTO__KEYS": self.settings["crypto"]["keys"],
            "CARILLON_DATA_DIR": str(self.folder / "commands"),
            "COLUMNS": "200",
        }

    async def send(self, *records: Sent) -> None:
        """Produce with aiokafka, in this order; returns when all are acknowledged."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.kafka.address, acks="all", max_request_size=LARGEST
        ) as producer:
            for one in records:
                headers = [(name, text.encode()) for name, text in one.headers]
                key = one.key.encode() if isinstance(one.key, str) else one.key
                told = {"key": key, "headers": headers, "timestamp_ms": one.at}
                await producer.send_and_wait(one.topic, one.raw, **told)

    async def read_by(self, *stages: str) -> None:
        """Until these stages have read all there is, one after the other."""
        lag = Lag(open_brokers(self.kafka.address))
        await lag.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                for stage in chosen(stages):
                    await lag.wait(f"{APP}.{stage}", input_topics(stage))
        finally:
            await lag.stop()

    async def rows(self, query: str, arguments: list[Any], many: int) -> list[Row]:
        """The rows of a query, as soon as there are `many`; fewer when they do not come."""
        found: list[Row] = []
        connection = await asyncpg.connect(self.postgres.address)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(found := await connection.fetch(query, *arguments)) < many:
                    self.worker.check_alive()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pass
        finally:
            await connection.close()
        return found

    async def called(self, recipient: str, many: int) -> list[dict[str, Any]]:
        """The ledger's rows of a recipient, as soon as there are `many`; fewer when they do not come."""
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(found := [row for row in self.ledger if row["recipient"] == recipient]) < many:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        return found

    async def script(self, **rule: Any) -> None:
        """Tell the fake provider what to do to calls that match."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.fake_url}/script", json=rule) as answer,
        ):
            assert 201 == answer.status, await answer.text()

    async def forget_scripts(self) -> None:
        """The fake provider takes every call from now on."""
        async with aiohttp.ClientSession() as session, session.delete(f"{self.fake_url}/script") as answer:
            assert 204 == answer.status, await answer.text()

    async def post_seen(self, user_id: str, fact_id: str, tag: str = "promotions") -> int:
        """The status of a post that a gateway passes on."""
        headers = {"X-Gateway-Secret": SECRET, "X-Auth-Kind": "client", "X-User-Id": user_id}
        url = f"http://127.0.0.1:{self.http.settings['http']['port']}/4.0/mark-notify/v1/seen"
        body = {"tag": tag, "id": fact_id}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, headers=headers, json=body) as answer,
        ):
            return answer.status

    async def topics(self, *prefixes: str, suffix: str = " none") -> dict[str, list[reading.Record]]:
        """Every committed record of topics whose name begins or ends so."""
        return await reading.read(self.kafka.address, prefixes, suffix)


@contextmanager
def running_house(folder: Path, **sections: Any) -> Iterator[House]:
    """Everything, for the length of the block; for fixtures that have no event loop.

    `sections`: of the settings, instead of the house's own.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_open(folder, stack, sections))
        finally:
            runner.run(stack.aclose())


async def _open(folder: Path, stack: AsyncExitStack, sections: dict[str, Any]) -> House:
    kafka, postgres = EmbeddedKafka(folder / "kafka"), EmbeddedPostgres(folder / "postgres")
    await asyncio.gather(stack.enter_async_context(kafka), stack.enter_async_context(postgres))
    base: dict[str, Any] = {
        "kafka": {"bootstrap": kafka.address, "app": APP},
        "postgres": {"dsn": postgres.address},
        "crypto": {"keys": Cipher.new_key("k1")},
        "recipients": {"are_limited": False},
        **sections,
    }
    async with topics_of(open_brokers(kafka.address)) as topics:
        await topics.create_missing(FOREIGN)
    settings = Settings(data_dir=folder / "here", **base)
    await prepare(settings, print)
    await apply_directory(settings, write_book(folder / "book"))
    fake = Program("fake", folder, ("connectors.fake", "--ledger", str(folder / "ledger.jsonl")))
    stack.push_async_callback(fake.stop)
    fake.start()
    told = await _told(fake.log)
    base["smtp"] = {"host": told["smtp_host"], "port": told["smtp_port"]}
    base["providers"] = {"fake_url": told["url"], "breaker_pause_ms": PAUSE_MS}
    base["accounts"] = {"url": told["url"], "timeout_ms": HANGS_MS}
    worker, http = (_program(folder, base, name) for name in ("worker", "http"))
    for program in (worker, http):
        stack.push_async_callback(program.stop)
        program.start()
    for program in (worker, http):
        await program.until_ready()
    return House(folder, kafka, postgres, base, fake, worker, http, told["url"])


def _program(folder: Path, base: dict[str, Any], name: str) -> Program:
    """A static id: a killed worker comes back to its tasks at once."""
    own = {
        "data_dir": str(folder / f"{name}-data"),
        "http": {
            "port": free_port(),
            "ops_port": free_port(),
            "gateway_secret": SECRET,
            "api_keys": API_KEYS,
            "jwt": trusting(folder),
            **PUBLIC,
        },
        "engine": {"worker_name": f"house-{name}", "static_id": True},
        "log": {"format": "json"},
    }
    return Program(name, folder, ("streams.cli", name), base | own)


async def _told(log: Path) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while not (log.exists() and b"\n" in log.read_bytes()):
            await asyncio.sleep(0.05)
    return dict(json.loads(log.read_bytes().partition(b"\n")[0]))
