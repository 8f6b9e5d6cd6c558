"""The job of the bench at growing numbers of partitions and of keys, and the restore of what it left."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil
from aiokafka.structs import TopicPartition

from bench.contest import WARM_UP
from bench.job import PARTITIONS, Order, scattered, scattered_unique
from bench.restore import restored
from bench.sections import Ground, Plan, Row
from bench.steady import Steady, steadily
from bench.watch import Sample, Watch, Watched, python

PER_SECOND = 200
SETTLE_S, LOOK_S = 3.0, 12.0
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Busy:
    """CPU seconds of the whole machine so far, and what of them is the measured processes'."""

    looked: Sample
    busy_s: float

    @classmethod
    async def now(cls, watch: Watch) -> Busy:
        """As the operating system counts."""
        times = psutil.cpu_times()
        return cls(await watch.look(), times.user + times.nice + times.system)

    def others_until(self, later: Busy) -> float:
        """Share of the machine that others took: what disturbed the figures."""
        first, last = self.looked, later.looked
        ours = last.client_cpu_s + last.broker_cpu_s - first.client_cpu_s - first.broker_cpu_s
        seconds = (last.at - first.at) * (psutil.cpu_count() or 1)
        return max(later.busy_s - self.busy_s - ours, 0.0) / seconds


async def by_partitions(ground: Ground, plan: Plan, counts: Sequence[int]) -> list[Row]:
    """A row for each number of partitions."""
    await _partitioned(ground, PARTITIONS, WARM_UP, "warm-up")
    runs: dict[int, list[Row]] = {count: [] for count in counts}
    for number in range(plan.rounds):
        for count in counts:
            ground.say(f"{count} partitions, round {number + 1} of {plan.rounds}")
            runs[count].append(await _partitioned(ground, count, plan.records, f"parts-{count}-{number}"))
    return [_middle(rows) for rows in runs.values()]


async def by_keys(ground: Ground, plan: Plan, counts: Sequence[int]) -> list[Row]:
    """A row for each number of requests so far, one run behind the other on the same table."""
    app = "keys"
    order = await _made(ground, PARTITIONS, app)
    rows, done = [], 0
    for count in sorted(counts):
        ground.say(f"{count:,} requests")
        records = (scattered(number) for number in range(done, count))
        await asyncio.to_thread(ground.stock.fill, order.source, records)
        watched = await _started(ground, order)
        try:
            async with Watch(order.bootstrap, _pids(ground, watched), _outputs(order, PARTITIONS)) as watch:
                began = await Busy.now(watch)
                samples = await watch.until_done(scattered_unique(count), deadline_s=60 + count / 2_000)
                others = began.others_until(await Busy.now(watch))
        finally:
            await watched.stop()
        row: Row = {"keys": scattered_unique(count), **_costs(_last_half(samples), (count - done) / 2)}
        row |= {
            "rss_mib": samples[-1].rss / MIB,
            "disk_mib": _bytes(Path(order.data)) / MIB,
            "others": others,
        }
        rows.append(row | await _restores(ground, plan, order))
        done = count
    await _forgotten(ground, app)
    return rows


async def _partitioned(ground: Ground, count: int, records: int, app: str) -> Row:
    """One worker: as fast as it can, idle, at a slow pace, and opened again with its disk."""
    order = await _made(ground, count, app)
    await asyncio.to_thread(ground.stock.fill, order.source, (scattered(number) for number in range(records)))
    watched = await _started(ground, order)
    try:
        async with Watch(order.bootstrap, _pids(ground, watched), _outputs(order, count)) as watch:
            began = await Busy.now(watch)
            samples = await watch.until_done(scattered_unique(records), deadline_s=60 + records / 500)
            flat_out: Row = {"partitions": count, **_costs(samples, records)}
            row = flat_out | await _idle(watch, watched) | await _slowly(watch, order, records)
            row |= {"others": began.others_until(await Busy.now(watch))}
    finally:
        await watched.stop()
    opened = await restored(ground, order)
    await _forgotten(ground, app)
    return row | {"open_s": opened["seconds"], "open_each_s": opened["seconds"] / count}


async def _idle(watch: Watch, watched: Watched) -> Row:
    """CPU µs a second without input, memory and open handles."""
    await asyncio.sleep(SETTLE_S)
    first = await watch.look()
    await asyncio.sleep(LOOK_S)
    last = await watch.look()
    seconds = last.at - first.at
    return {
        "idle_us": (last.client_cpu_s - first.client_cpu_s) * 1e6 / seconds,
        "idle_broker_us": (last.broker_cpu_s - first.broker_cpu_s) * 1e6 / seconds,
        "rss_mib": last.rss / MIB,
        "handles": float(psutil.Process(watched.process.pid).num_fds()),
    }


async def _slowly(watch: Watch, order: Order, first: int) -> Row:
    """Costs at a few requests a second; a transaction is one offset beside its records."""
    feed = Steady(order.bootstrap, order.source, PER_SECOND, lambda number: scattered(first + number))
    async with steadily(feed):
        await asyncio.sleep(SETTLE_S)
        began, sent = await watch.look(), feed.sent
        await asyncio.sleep(LOOK_S)
        ended, requests = await watch.look(), feed.sent - sent
    written = scattered_unique(first + sent + requests) - scattered_unique(first + sent)
    transactions = max(ended.outputs - began.outputs - written, 1)
    client_us = (ended.client_cpu_s - began.client_cpu_s) * 1e6
    broker_us = (ended.broker_cpu_s - began.broker_cpu_s) * 1e6
    return {
        "slow_us": client_us / requests,
        "slow_broker_us": broker_us / requests,
        "per_transaction": requests / transactions,
        "transactions": transactions / (ended.at - began.at),
        "transaction_us": client_us / transactions,
        "transaction_broker_us": broker_us / transactions,
    }


async def _restores(ground: Ground, plan: Plan, order: Order) -> Row:
    """The changelog so far, read by a worker without a disk."""
    runs = []
    for number in range(plan.rounds):
        elsewhere = ground.folder / order.app / f"restored-{number}"
        runs.append(await restored(ground, replace(order, data=str(elsewhere))))
        shutil.rmtree(elsewhere, ignore_errors=True)
    return {
        "restored": runs[0]["records"],
        "restore_s": median(run["seconds"] for run in runs),
        "restore_rate": median(run["records"] / run["seconds"] for run in runs),
        "restore_us": median(run["cpu_s"] * 1e6 / run["records"] for run in runs),
    }


async def _made(ground: Ground, partitions: int, app: str) -> Order:
    """Topics of one application."""
    source = f"{app}.requests"
    order = Order(ground.stock.bootstrap, app, source, str(ground.folder / app / "data"))
    names = [source, f"{app}.job.changelog", *order.outputs.values()]
    await asyncio.to_thread(ground.stock.create, names, partitions)
    await asyncio.to_thread(ground.stock.create, [f"{source}.dlq"], 1)
    return order


async def _started(ground: Ground, order: Order) -> Watched:
    folder = ground.folder / order.app
    (folder / "process.log").unlink(missing_ok=True)  # the one before has said the same word
    watched = await Watched.start(python("bench.engines.carillon", order.argv()), folder)
    await watched.first_record()
    return watched


async def _forgotten(ground: Ground, app: str) -> None:
    await asyncio.to_thread(ground.stock.forget, f"{app}.")
    shutil.rmtree(ground.folder / app, ignore_errors=True)


def _pids(ground: Ground, watched: Watched) -> tuple[int, int]:
    return watched.process.pid, ground.broker_pid


def _outputs(order: Order, partitions: int) -> list[TopicPartition]:
    """One of the two is enough to see what is committed."""
    return [TopicPartition(order.outputs["email"], number) for number in range(partitions)]


def _last_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    """From the sample on by which half of what this run wrote was committed."""
    middle = (samples[0].outputs + samples[-1].outputs) / 2
    return [sample for sample in samples if sample.outputs >= middle]


def _costs(samples: Sequence[Sample], requests: float) -> Row:
    first, last = samples[0], samples[-1]
    return {
        "rate": requests / max(last.at - first.at, 1e-9),
        "client_us": (last.client_cpu_s - first.client_cpu_s) * 1e6 / requests,
        "broker_us": (last.broker_cpu_s - first.broker_cpu_s) * 1e6 / requests,
    }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _middle(rows: Sequence[Row]) -> Row:
    return {key: median(float(row[key]) for row in rows) for key in rows[0]}
