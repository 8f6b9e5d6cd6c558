"""How many mails one delivery process sends: to an SMTP server that takes all, on the same machine.

    python -m bench.mails                      40 000 mails, with the usual settings and with those for bulk
    python -m bench.mails --mails 100000

Requests go through the stages before first; then `carillon worker --stages delivery-email` alone is timed,
from the first mail to the last. CPU is in microseconds per mail. A line of JSON each.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from bench.campaigns import tell
from bench.product import USERS as USER_COUNT
from bench.product import Product, Spent, Worker, cpu_s, installed, register, user_of
from bench.watch import Watched
from schemas import topics

STAGE = "delivery-email"
READY_S, WAIT_S = 30.0, 600.0
EVERY_S = 0.1
QUIET_S = 3.0
"""After the last mail, to see whether one comes twice."""
USUAL: dict[str, str] = {}
BULK = {"engine.calls_per_task": "512", "engine.calls_at_once": "96"}
"""More calls may be open and unknown after a crash; fewer transactions for each."""
LISTMONK = 7_400
"""Mails/s of listmonk to such a sink on two cores, without a record per recipient, as the issue tells it."""


@dataclass(frozen=True, slots=True)
class Sunk:
    """The sink's process, and where it listens."""

    watched: Watched
    port: int

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.watched.process.pid

    async def taken(self) -> int:
        """How many mails it took so far."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await reader.readline()
        writer.write(b"STAT\r\n")
        said = await reader.readline()
        writer.close()
        return int(said.split()[1])

    async def timed(self, many: int) -> float:
        """Seconds from the first of so many mails to the last."""
        before = now = await self.taken()
        began = 0.0
        async with asyncio.timeout(WAIT_S):
            while now < before + many:
                await asyncio.sleep(EVERY_S)
                now = await self.taken()
                began = began or (time.monotonic() if now > before else 0.0)
        return time.monotonic() - began


@asynccontextmanager
async def sink(folder: Path) -> AsyncIterator[Sunk]:
    """A server for mails, for the length of the block."""
    watched = await Watched.start([sys.executable, "-m", "bench.mail_sink"], folder)
    try:
        await watched.until(lambda: watched.said("port"), READY_S, "the sink did not start")
        yield Sunk(watched, orjson.loads(watched.log.read_bytes().partition(b"\n")[0])["port"])
    finally:
        await watched.stop()


def refund(number: int) -> tuple[str, bytes]:
    """A request for one small mail, and its key; every one to another user than those around it."""
    user = user_of(number)
    body = {
        "user_id": user,
        "notification_type": "refund",
        "idempotency_key": f"mail-{number}",
        "data": {"OrderNumber": f"A-{number}", "Amount": 129},
    }
    return user, orjson.dumps(body)


async def measure(made: Product, sunk: Sunk, name: str, first: int, mails: int) -> None:
    """Put requests through the stages before, then time the one that sends."""
    before = await made.worker("intake,recipient")
    done = (await before.consumed()).get("recipient", 0.0)
    await asyncio.to_thread(
        made.stock.fill, topics.SEND_REQUEST, (refund(first + number) for number in range(mails))
    )
    try:
        await _until(before, "recipient", done + mails)
    finally:
        await before.watched.stop()
    worker = await made.worker(STAGE)
    try:
        spent, of_sink = Spent.now(made, worker), cpu_s(sunk.pid)
        rate = mails / await sunk.timed(mails)
        after, of_sink = Spent.now(made, worker), cpu_s(sunk.pid) - of_sink
        tell(
            name,
            mails=mails,
            rate=rate,
            to_listmonk=rate / LISTMONK,
            worker_us=(after.worker - spent.worker) / mails * 1e6,
            broker_us=(after.kafka - spent.kafka) / mails * 1e6,
            sink_us=of_sink / mails * 1e6,
        )
    finally:
        await worker.watched.stop()


async def _until(worker: Worker, stage: str, many: float) -> None:
    async with asyncio.timeout(WAIT_S):
        while (await worker.consumed()).get(stage, 0.0) < many:
            await asyncio.sleep(EVERY_S)


async def run(mails: int) -> None:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="carillon-mails-") as name:
        folder = Path(name)
        async with installed(folder / "mails", tell) as made, sink(folder / "sink") as sunk:
            made.flags |= {"smtp.host": "127.0.0.1", "smtp.port": str(sunk.port)}
            await register(made, (user_of(number) for number in range(USER_COUNT)), tell)
            for turn, (title, flags) in enumerate({"usual": USUAL, "bulk": BULK}.items()):
                made.flags |= flags
                await measure(made, sunk, title, turn * mails, mails)
            await asyncio.sleep(QUIET_S)
            tell("taken by the sink", mails=await sunk.taken(), asked=2 * mails)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.mails", description="Send mails to a sink.")
    parser.add_argument("--mails", type=int, default=40_000, help="of each part (40 000)")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvloop.run(run(parser.parse_args().mails))


if __name__ == "__main__":
    main()
