"""How fast a worker without its disk gets its tables back: changelog records a second, all tasks at once."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from statistics import median

from bench.contest import CARILLON, prepare, work_through
from bench.engines.restoring import WORD
from bench.job import Order
from bench.sections import SUBJECT, Column, Ground, Plan, Row, Section
from bench.watch import Watched, python

APP = "restore"
WAIT_S = 300.0


async def _measure(ground: Ground, plan: Plan) -> list[Row]:
    stock, folder = ground.stock, ground.folder / APP
    source = await asyncio.to_thread(stock.requests, plan.records)
    order = Order(stock.bootstrap, APP, source, str(folder / "data"))
    await asyncio.to_thread(prepare, stock, CARILLON, order)
    ground.say(f"filling a changelog from {plan.records:,} requests")
    await work_through(ground, CARILLON, order, plan.records)
    runs = []
    for number in range(plan.rounds):
        ground.say(f"restore, round {number + 1} of {plan.rounds}")
        runs.append(await restored(ground, replace(order, data=str(folder / f"new-{number}"))))
    await asyncio.to_thread(stock.forget, APP)
    shutil.rmtree(folder, ignore_errors=True)
    return [
        {
            "subject": "changelog of the job, 8 partitions",
            "records": runs[0]["records"],
            "rate": median(run["records"] / run["seconds"] for run in runs),
            "seconds": median(run["seconds"] for run in runs),
            "cpu_us": median(run["cpu_s"] * 1e6 / run["records"] for run in runs),
        }
    ]


async def restored(ground: Ground, order: Order) -> dict[str, float]:
    """What `bench.engines.restoring` tells of one worker that opens every task of the job."""
    watched = await Watched.start(
        python("bench.engines.restoring", order.argv()), ground.folder / APP / "restoring"
    )
    try:
        await watched.until(lambda: watched.said(f"{WORD} "), WAIT_S, "nothing was restored")
    finally:
        await watched.stop()
    told = watched.log.read_text().partition(WORD)[2]
    watched.log.unlink()
    found: dict[str, float] = json.loads(told.splitlines()[0])
    return found


RESTORE = Section(
    "restore",
    "Restore",
    "A worker whose disk is empty joins alone: from the first task given to it to the last one open.",
    (
        SUBJECT,
        Column("records", "records", "{:,.0f}"),
        Column("rate", "records/s", "{:,.0f}"),
        Column("seconds", "s", "{:,.2f}"),
        Column("cpu_us", "CPU µs per record", "{:,.1f}"),
    ),
    _measure,
)
