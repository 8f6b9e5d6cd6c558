"""High priority while bulk waits: from the producer's acknowledgement to the provider's receipt."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import msgspec

from bench.product import USERS, Product, product, register, sending, user_of
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.stages import feed
from bench.stock import feeder
from schemas import topics

LOW, FULL_LOW = 20_000, 1_000_000
PER_SECOND, SECONDS = 20, 20
HIGH_USERS = PER_SECOND * SECONDS
FIRST_HIGH = 2 * FULL_LOW + 1
SETTLE_S, GRACE_S = 5.0, 30.0


class _Receipt(msgspec.Struct):
    at: int
    recipient: str


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    low = FULL_LOW if plan.full else LOW
    return [await _among(ground, low, in_lane=True), await _among(ground, low, in_lane=False)]


async def _among(ground: Ground, low: int, *, in_lane: bool) -> Row:
    """`in_lane`: bulk waits behind the intake; else it is fed into the input topic while high ones come."""
    names = [user_of(number) for number in range(USERS)] + [_high_user(n) for n in range(HIGH_USERS)]
    place = "in their lane" if in_lane else "on their way in"
    async with product(ground, f"priority-{in_lane}") as made:
        await register(made, iter(names), ground.say)
        ground.say(f"{low:,} low-priority requests {place}")
        if in_lane:
            await _bulk(made, low)
        worker = await made.worker("all")
        try:
            await asyncio.sleep(SETTLE_S)
            ground.say(f"{PER_SECOND} high-priority requests a second among them")
            acknowledged = await _sent(made, 0 if in_lane else low)
            before = _bulk_receipts(made.ledger)
            waits = await _received(made.ledger, acknowledged)
            waiting = (await worker.consumed()).get("delivery-email", 0.0) < 2 * (low + HIGH_USERS)
        finally:
            await worker.watched.stop()
    cuts = quantiles(waits, n=100)
    return {
        "subject": f"{HIGH_USERS} high-priority requests, {low:,} low ones {place}",
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "lost": HIGH_USERS - len(waits),
        "bulk_rate": before / (SECONDS + (SETTLE_S if in_lane else 0.0)),
        "waiting": waiting,
    }


async def _sent(made: Product, low: int) -> dict[str, float]:
    """High-priority requests, and at the same time so many low ones as fast as the broker takes them."""
    feeding = asyncio.create_task(feed(made, low, priority="low"))
    acknowledged = await asyncio.to_thread(_send_high, made.stock.bootstrap)
    await feeding
    return acknowledged


async def _bulk(made: Product, low: int) -> None:
    """Through the intake, so that they wait in their lane and not before it."""
    feeding = asyncio.create_task(feed(made, low, priority="low"))
    worker = await made.worker("intake")
    try:
        await feeding
        while (await worker.consumed()).get("intake", 0.0) < low:
            await asyncio.sleep(0.5)
    finally:
        await worker.watched.stop()


def _send_high(bootstrap: str) -> dict[str, float]:
    """At a steady pace; when each was acknowledged (ms of wall time), by the address it goes to."""
    producer, started = feeder(bootstrap, linger_ms=0), time.monotonic()
    acknowledged: dict[str, float] = {}
    polling = threading.Event()

    def poll() -> None:
        while not polling.is_set():
            producer.poll(0.05)

    thread = threading.Thread(target=poll)
    thread.start()
    for number in range(HIGH_USERS):
        time.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        user, body = sending(FIRST_HIGH + 2 * number, _high_user(number), "high")
        note = _noting(acknowledged, f"{user}@example.com")
        producer.produce(topics.SEND_REQUEST, key=user.encode(), value=body, on_delivery=note)
    producer.flush()
    polling.set()
    thread.join()
    return acknowledged


def _noting(acknowledged: dict[str, float], address: str) -> Callable[[object, object], None]:
    def note(error: object, _message: object) -> None:
        assert error is None, error
        acknowledged[address] = time.time() * 1000

    return note


async def _received(ledger: Path, acknowledged: dict[str, float]) -> list[float]:
    """Ms from acknowledgement to receipt, of those that arrive within the grace."""
    deadline = time.monotonic() + GRACE_S
    while True:
        found = {r.recipient: r.at for r in await asyncio.to_thread(_receipts, ledger)}
        waits = [found[address] - at for address, at in acknowledged.items() if address in found]
        if len(waits) == len(acknowledged) or time.monotonic() > deadline:
            return [max(wait, 0.0) for wait in waits]
        await asyncio.sleep(1.0)


def _receipts(ledger: Path) -> list[_Receipt]:
    decode = msgspec.json.Decoder(_Receipt).decode
    *whole, _partial = ledger.read_bytes().split(b"\n")
    return [decode(line) for line in whole]


def _bulk_receipts(ledger: Path) -> int:
    high = {f"{_high_user(number)}@example.com" for number in range(HIGH_USERS)}
    return sum(receipt.recipient not in high for receipt in _receipts(ledger))


def _high_user(number: int) -> str:
    return f"11111111-0000-4000-8000-{number:012}"


PRIORITY = Section(
    "priority",
    "High priority never waits",
    "The whole pipeline in one worker works through bulk as fast as it can; latency is from the producer's "
    "acknowledgement of a high-priority request to the mail at the provider.",
    (
        SUBJECT,
        Column("p50_ms", "P50 ms", "{:,.0f}"),
        Column("p99_ms", "P99 ms", "{:,.0f}"),
        Column("lost", "not received", "{:,.0f}"),
        Column("bulk_rate", "bulk messages/s meanwhile", "{:,.0f}"),
        Column("waiting", "mails were waiting to the end"),
    ),
    _measure,
)
