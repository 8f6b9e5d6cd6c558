"""How many mails and pushes one delivery process sends, to servers on this machine that take all.

    python -m bench.sends                      40 000 of each, with the usual settings and with those for bulk
    python -m bench.sends --messages 100000

Requests go through the stages before first; then `carillon worker --stages delivery-email` (or `-push`, by
Firebase's API) alone is timed, from the first call to the last. CPU is in microseconds per message. A line of
JSON each. All is done `--rounds` times: in the first one the broker has just started, and spends half of
its CPU on compiling itself.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson
import uvloop
import yaml

from bench.findings import tell
from bench.product import USERS as USER_COUNT
from bench.product import Product, cpu_s, installed, register, user_of
from bench.watch import Watched, python
from connectors.kafka_clients import open_brokers
from schemas import topics
from streams.applying import apply_directory
from streams.lag import Lag
from streams.stages import chosen, input_topics

KINDS = {"email": "refund", "push": "bench_push"}
"""Channel → the type whose messages go there only."""
TYPES = [
    {
        "code": "bench_push",
        "title": "Bench",
        "category": "transactional",
        "default_channels": ["push"],
        "template_name": "bench_push",
    }
]
TEMPLATE = {
    "name": "bench_push",
    "channel_type": "push",
    "language_code": "ru",
    "category": "transactional",
    "title": "Refund",
    "body": "{{ OrderNumber }}: {{ Amount }}",
    "variables": {
        "OrderNumber": {"type": "string", "required": True},
        "Amount": {"type": "number", "required": True},
    },
}
READY_S, WAIT_S = 30.0, 600.0
EVERY_S = 0.1
QUIET_S = 3.0
"""After the last mail, to see whether one comes twice."""
USUAL: dict[str, str] = {}
BULK = {"engine.calls_per_task": "512", "engine.calls_at_once": "96"}
"""More calls may be open and unknown after a crash; fewer transactions for each."""
SETTINGS = {"usual": USUAL, "bulk": BULK}
TRANSACTIONS = "carillon_stage_transactions_total"
LISTMONK = 7_400
"""Mails/s of listmonk to such a sink on two cores, without a record per recipient, as we were told."""


class Part(NamedTuple):
    """What is timed at a time."""

    round: int
    settings: str
    channel: str


@dataclass(frozen=True, slots=True)
class Sunk:
    """The sink's process, and where it listens."""

    watched: Watched
    smtp: int
    http: int

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.watched.process.pid

    async def taken(self) -> int:
        """How many mails it took so far."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.smtp)
        await reader.readline()
        writer.write(b"STAT\r\n")
        said = await reader.readline()
        writer.close()
        return int(said.split()[1])

    async def until(self, wanted: int) -> int:
        """Wait until it took so many; how many it took."""
        async with asyncio.timeout(WAIT_S):
            while (now := await self.taken()) < wanted:
                await asyncio.sleep(EVERY_S)
        return now


@asynccontextmanager
async def sink(folder: Path, ledger: Path | None = None) -> AsyncIterator[Sunk]:
    """A server for mails, for the length of the block. `ledger`: where each leaves a line."""
    told = [] if ledger is None else [f"--ledger={ledger}"]
    watched = await Watched.start(python("bench.sinks", told), folder)
    try:
        await watched.until(lambda: watched.said("http"), READY_S, "the sink did not start")
        yield Sunk(watched, **orjson.loads(watched.log.read_bytes().partition(b"\n")[0]))
    finally:
        await watched.stop()


def asked(number: int, kind: str) -> tuple[str, bytes]:
    """A request for one small message, and its key; each to another user than those around it."""
    user = user_of(number)
    body = {
        "user_id": user,
        "notification_type": kind,
        "idempotency_key": f"send-{number}",
        "data": {"OrderNumber": f"A-{number}", "Amount": 129},
    }
    return user, orjson.dumps(body)


async def measure(made: Product, sunk: Sunk, part: Part, numbers: range) -> None:
    """Put requests through the stages before, then time the one that sends."""
    many, channel = len(numbers), part.channel
    records = (asked(number, KINDS[channel]) for number in numbers)
    await asyncio.to_thread(made.stock.fill, topics.SEND_REQUEST, records)
    before = await made.worker("intake,recipient")
    try:
        await read_by(made, "intake", "recipient")
    finally:
        await before.watched.stop()
    taken = await sunk.taken()
    worker = await made.worker(f"delivery-{channel}")
    pids = {"worker": worker.watched.process.pid, "sink": sunk.pid, "broker": made.kafka_pid}
    try:
        first = await sunk.until(taken + 1)
        began, spent = time.monotonic(), {name: cpu_s(pid) for name, pid in pids.items()}
        sent = await sunk.until(taken + many) - first
        rate = sent / (time.monotonic() - began)
        costs = {f"{name}_us": (cpu_s(pid) - spent[name]) / sent * 1e6 for name, pid in pids.items()}
        costs["transactions"] = sum((await worker.by_stage(TRANSACTIONS))[TRANSACTIONS].values())
        await asyncio.sleep(QUIET_S)
    finally:
        await worker.watched.stop()
    tell(
        f"{channel}, {part.settings}",
        round=part.round,
        messages=many,
        rate=rate,
        to_listmonk=rate / LISTMONK,
        **costs,
    )


async def read_by(made: Product, *stages: str, within_s: float = WAIT_S) -> None:
    """Wait until these stages have read all there is."""
    kafka = made.settings.kafka
    lag = Lag(open_brokers(made.stock.bootstrap))
    await lag.start()
    try:
        async with asyncio.timeout(within_s):
            for stage in chosen(stages):
                await lag.wait(f"{kafka.app}.{stage}", input_topics(stage))
    finally:
        await lag.stop()


async def run(messages: int, parts: Collection[Part]) -> None:
    """One part after the other."""
    with tempfile.TemporaryDirectory(prefix="carillon-sends-") as name:
        folder = Path(name)
        async with installed(folder / "sends", tell) as made, sink(folder / "sink") as sunk:
            made.flags |= {"smtp.host": "127.0.0.1", "smtp.port": str(sunk.smtp)}
            await apply_directory(made.settings, _book(folder / "book", sunk))
            await register(made, (user_of(number) for number in range(USER_COUNT)), tell)
            asked_for = 0
            for part in parts:
                flags, made.flags = made.flags, made.flags | SETTINGS[part.settings]
                await measure(made, sunk, part, range(asked_for, asked_for + messages))
                made.flags = flags
                asked_for += messages
            tell("the sink", taken=await sunk.taken(), asked=asked_for)


def _book(folder: Path, sunk: Sunk) -> Path:
    """A type with pushes only, and Firebase at the sink."""
    (folder / "templates").mkdir(parents=True)
    firebase = {"server_key": "bench", "url": f"http://127.0.0.1:{sunk.http}", "project_id": "bench"}
    entry = {"name": "bench", "channel_type": "push", "kind": "fcm", "platforms": ["ios"], "priority": 99}
    providers = [{**entry, "config": firebase}]
    (folder / "types.yaml").write_text(yaml.safe_dump(TYPES), encoding="utf-8")
    (folder / "providers.yaml").write_text(yaml.safe_dump(providers), encoding="utf-8")
    (folder / "templates" / "bench_push.push.ru.yaml").write_text(yaml.safe_dump(TEMPLATE), encoding="utf-8")
    return folder


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.sends", description="Send to a sink.")
    parser.add_argument("--messages", type=int, default=40_000, help="of each part (40 000)")
    parser.add_argument("--channels", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="usual, bulk")
    parser.add_argument("--rounds", type=int, default=2, help="of all that (2)")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asked_for = parser.parse_args()
    parts = [
        Part(number, settings, channel)
        for number in range(1, asked_for.rounds + 1)
        for settings in asked_for.settings
        for channel in asked_for.channels
    ]
    uvloop.run(run(asked_for.messages, parts))


if __name__ == "__main__":
    main()
