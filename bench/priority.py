"""High priority among bulk of the same users: from the broker's acknowledgement to the provider's receipt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.asked import Feeding, Flow, Receipts, mail_id, received, waits_ms
from bench.lines import Axis, Panel
from bench.product import USERS, Product, product, register, user_of
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.waits import curve, distribution, waits_columns

FLOOD, FULL_FLOOD = 20_000, 1_000_000
MEDIUM_RATE = 150
SECONDS, FULL_SECONDS = 30, 120
FIRST_HIGH = 2 * FULL_FLOOD
GRACE_S, FED_S = 30.0, 600.0
EVERY_S = 1.0
LEAST_MS = 10.0
SHARES = (0.5, 0.9, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Scene:
    """High-priority requests at a steady rate, and the low-priority ones that come with them."""

    title: str
    low: Flow
    high: Flow


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    flood, seconds = (FULL_FLOOD, FULL_SECONDS) if plan.full else (FLOOD, SECONDS)
    high = Flow(FIRST_HIGH, plan.high_rate * seconds, plan.high_rate, "high")
    scenes = (
        Scene("flood", Flow(0, flood, 0, "low"), high),
        Scene("medium load", Flow(0, MEDIUM_RATE * seconds, MEDIUM_RATE, "low"), high),
    )
    return [row for scene in scenes for row in await _played(ground, scene)]


async def _played(ground: Ground, scene: Scene) -> list[Row]:
    async with product(ground, f"priority-{scene.low.rate:g}") as made:
        await register(made, (user_of(number) for number in range(USERS)), ground.say)
        worker = await made.worker("all")
        feedings: list[Feeding] = []
        try:
            ground.say(
                f"{scene.title}: {scene.low.count:,} low-priority requests, {scene.high.rate:g}/s high ones"
            )
            feedings = await asyncio.gather(*(Feeding.start(made, flow) for flow in (scene.high, scene.low)))
            high, low = feedings
            receipts = await _receipts(made, scene)
            await high.ended(FED_S)
            await low.ended(FED_S)
            return [_row(scene, high, receipts), _row(scene, low, receipts)]
        finally:
            await asyncio.gather(worker.watched.stop(), *(feeding.watched.stop() for feeding in feedings))


async def _receipts(made: Product, scene: Scene) -> Receipts:
    """Everything received until the last high-priority request has come, or the grace is over."""
    receipts = Receipts(made.ledger)
    waiting = {mail_id(number) for number in scene.high.numbers}
    seconds = scene.high.count / scene.high.rate
    deadline = time.monotonic() + seconds + GRACE_S
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(EVERY_S)
        await asyncio.to_thread(receipts.look)
        waiting -= receipts.at.keys()
    return receipts


def _row(scene: Scene, feeding: Feeding, receipts: Receipts) -> Row:
    flow = feeding.flow
    mails = received(flow.numbers, receipts.at)
    pace = f"{flow.rate:g}/s" if flow.rate else "at once"
    return {
        "subject": f"{scene.title}: {flow.priority}",
        "pace": pace,
        "requests": flow.count,
        "received": len(mails),
        "waiting": flow.count - len(mails),
        **distribution(waits_ms(mails, feeding.acknowledged_ms())),
    }


def panels(rows: Sequence[Row]) -> list[Panel]:
    """The cumulative distributions, of those that were received; time is logarithmic."""
    lines = {
        str(row["subject"]): [(ms, 100 * share) for ms, share in curve(row)] for row in rows if curve(row)
    }
    longest = max((points[-1][0] for points in lines.values()), default=LEAST_MS)
    along = Axis(
        "ms from the producer's acknowledgement to the provider's receipt",
        LEAST_MS,
        _beyond(longest),
        log=True,
    )
    return [Panel("Received within, high and low priority", along, Axis("%", 0, 100), lines)]


def _beyond(longest_ms: float) -> float:
    end = LEAST_MS * 10
    while end < longest_ms:
        end *= 10
    return end


PRIORITY = Section(
    "priority",
    "High priority never waits",
    "One worker with the whole pipeline; low- and high-priority requests of the same users enter by "
    "`notification.send.request`, the high ones at a steady rate, the low ones all at once (flood) or at a "
    "rate that leaves room (medium load). Half of both are order confirmations (e-mail and push), half "
    "refunds (e-mail). The time is from the producer's acknowledgement to the receipt of the mail in the "
    "provider's ledger, of those received until the last high one was; the others are counted as waiting.",
    (
        SUBJECT,
        Column("pace", "fed"),
        Column("requests", "requests", "{:,.0f}"),
        Column("received", "received", "{:,.0f}"),
        Column("waiting", "waiting", "{:,.0f}"),
        *waits_columns(*SHARES),
    ),
    _measure,
)
