"""Many clients connected to one HTTP process: what they cost at rest, and how soon a message reaches them.

    python -m bench.mailbox                                    10 000 connections, 200 messages a second
    python -m bench.mailbox --connections 1000 --rate 50       a smaller one

Everything runs on this machine over the loopback interface, the clients in this process, and ends with the
bench. A wait is from before a request is written to Kafka until its frame is read here. A line of JSON each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import resource
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import uvloop
import yaml
from aiokafka import AIOKafkaProducer
from joserfc import jwt
from joserfc.jwk import ECKey

from bench.findings import tell
from bench.product import Product, Worker, cpu_s, free_ports, installed
from bench.waits import distribution
from connectors.http.mailbox.gateway import PATH
from schemas import topics
from streams.applying import apply_directory
from streams.settings import load_settings

STAGES = "intake,recipient,mailbox,status,sink"
KIND = "bench_in_app"
TYPES = [
    {
        "code": KIND,
        "title": "Bench",
        "category": "transactional",
        "default_channels": ["in_app"],
        "template_name": "bench",
    }
]
TEMPLATE = {
    "name": "bench",
    "channel_type": "in_app",
    "language_code": "ru",
    "category": "transactional",
    "title": "Bench",
    "body": "{{ Sent }}",
    "variables": {"Sent": {"type": "string", "required": True}},
}
AT_ONCE = 100
WAIT_S = 120.0
LEAST_FILES = 2_000


@dataclass(slots=True)
class Clients:
    """All connections, and what came over them."""

    url: str
    key: Any
    session: aiohttp.ClientSession
    cursors: dict[str, str] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    got: dict[str, int] = field(default_factory=dict)
    ready: int = 0
    running: list[asyncio.Task[None]] = field(default_factory=list)

    async def connect(self, users: list[str]) -> float:
        """All of them, so many at a time; seconds until each had its counts."""
        began, gate = time.monotonic(), asyncio.Semaphore(AT_ONCE)
        self.ready = 0
        self.running = [asyncio.create_task(self._one(user, gate)) for user in users]
        async with asyncio.timeout(WAIT_S):
            while self.ready < len(users):
                await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def _one(self, user: str, gate: asyncio.Semaphore) -> None:
        claims = {"iss": "bench", "aud": "bench", "sub": user, "exp": time.time() + 3_600, "roles": ["user"]}
        shown = jwt.encode({"alg": "ES256", "kid": "bench"}, claims, self.key, algorithms=["ES256"])
        async with gate:
            protocols = ("carillon.v1", f"bearer.{shown}")
            url = f"{self.url}?cursor={self.cursors.get(user, '0')}"
            ws = await self.session.ws_connect(url, protocols=protocols, max_msg_size=0, compress=0)
            self._hear(user, json.loads(await ws.receive_str()))
        self.ready += 1
        async for message in ws:
            self._hear(user, json.loads(message.data))

    def _hear(self, user: str, frame: dict[str, Any]) -> None:
        if "message_id" not in frame:
            return
        self.cursors[user] = frame["cursor"]
        self.got[frame["body"]] = self.got.get(frame["body"], 0) + 1
        self.waits.append((time.time() - float(frame["body"].partition("/")[0])) * 1000)

    async def until_got(self, many: int) -> None:
        """Wait for so many different messages."""
        async with asyncio.timeout(WAIT_S):
            while len(self.got) < many:
                await asyncio.sleep(0.05)

    async def closed(self) -> None:
        """Wait until the other side has closed all."""
        await asyncio.wait(self.running)


def prepared(folder: Path, made: Product) -> Any:
    """An issuer whose keys stand in a file, and processes that believe it."""
    key = ECKey.generate_key("P-256")
    listed = {**key.as_dict(private=False), "kid": "bench", "use": "sig"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [listed]}), encoding="utf-8")
    made.flags |= {
        "http.jwt.issuer": "bench",
        "http.jwt.audience": "bench",
        "http.jwt.jwks_file": str(folder / "jwks.json"),
        "http.campaigns": "off",
        "mailbox.gateway": "needed",
    }
    book = folder / "book" / "templates"
    book.mkdir(parents=True)
    (book.parent / "types.yaml").write_text(yaml.safe_dump(TYPES), encoding="utf-8")
    (book / "bench.in_app.ru.yaml").write_text(yaml.safe_dump(TEMPLATE), encoding="utf-8")
    return key


async def send(bootstrap: str, users: list[str], rate: float, seconds: float) -> int:
    """Requests for random users on a schedule; how many."""
    many = int(rate * seconds)
    began = time.monotonic()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=2) as producer:
        for number in range(many):
            await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
            user = random.choice(users)  # noqa: S311 - a load, no secret
            text = f"{time.time():.6f}/{number}"
            value = {
                "user_id": user,
                "notification_type": KIND,
                "data": {"Sent": text},
                "idempotency_key": text,
            }
            await producer.send(topics.SEND_REQUEST, json.dumps(value).encode(), key=user.encode())
    return many


async def measure(made: Product, http: Worker, clients: Clients, given: argparse.Namespace) -> None:
    """Connect, rest, send, kill."""
    pid = http.watched.process.pid
    process = psutil.Process(pid)
    before = process.memory_info().rss
    users = [f"0f8fad5b-d9cb-469f-a165-{number:012}" for number in range(given.connections)]
    spent, took = cpu_s(pid), await clients.connect(users)
    rss = process.memory_info().rss - before
    tell(
        "connected",
        connections=len(users),
        seconds=took,
        cpu_us_each=(cpu_s(pid) - spent) / len(users) * 1e6,
        rss_kib_each=rss / len(users) / 1024,
    )
    spent, began = cpu_s(pid), time.monotonic()
    await asyncio.sleep(given.seconds)
    tell("at rest", cpu_percent=(cpu_s(pid) - spent) / (time.monotonic() - began) * 100)
    spent = cpu_s(pid)
    sent = await send(str(made.settings.kafka.bootstrap), users, given.rate, given.seconds)
    await clients.until_got(sent)
    tell("told", sent=sent, cpu_us_each=(cpu_s(pid) - spent) / sent * 1e6, **distribution(clients.waits))
    http.watched.kill()
    await http.watched.stop()
    await clients.closed()
    missed = await send(str(made.settings.kafka.bootstrap), users, given.rate, given.seconds / 2)
    began = time.monotonic()
    again = await made.http()
    ready_s = time.monotonic() - began
    took = await clients.connect(users)
    await clients.until_got(sent + missed)
    repeated = sum(count - 1 for count in clients.got.values())
    tell("killed and back", ready_s=ready_s, seconds=took, missed=missed, repeated=repeated)
    for each in clients.running:
        each.cancel()
    await again.watched.stop()


async def run(given: argparse.Namespace) -> None:
    """All of it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < given.connections + LEAST_FILES:
        raise SystemExit(f"the limit of open files is {most}: too few for {given.connections} connections")
    with tempfile.TemporaryDirectory(prefix="carillon-mailbox-") as name:
        folder = Path(name)
        async with installed(folder / "mailbox", print) as made:
            key = prepared(folder, made)
            await apply_directory(load_settings(made.flags), folder / "book")
            ports = free_ports()
            flags = {**made.flags, "http.port": str(next(ports)), "http.ops_port": str(next(ports))}
            front = replace(made, flags=flags, settings=load_settings(flags))
            worker, http = await made.worker(STAGES), await front.http()
            url = f"http://127.0.0.1:{front.settings.http.port}{PATH}"
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                await measure(front, http, Clients(url, key, session), given)
            await worker.watched.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.mailbox", description="Connections of the mailbox."
    )
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics are asked for until they are led
    uvloop.run(run(parser.parse_args()))
