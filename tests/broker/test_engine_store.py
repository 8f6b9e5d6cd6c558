"""Stores: caught up where that is safe, rebuilt elsewhere, deleted when lost (design rule 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from streams.engine.store import Origin, Store, StoreMemory
from tests.broker.app.ledger import EXACTLY_ONCE, Verdict, create_topics, ids, outcome, rows_of, write
from tests.broker.app.process import AppProcess, ended, until
from tests.servers import Servers

MIB = 1 << 20
DAY_MS = 86_400_000
KEYS = 5
FORGED_KEY, FORGED = b"\x01user-5", b"\0" * 8 + b"1000"
Forgery = Callable[[Origin], Origin]


async def counting(
    servers: Servers, app: str, folder: Path, *, partitions: int = 1, **more: Any
) -> AppProcess:
    """A worker of the counting scenario, its topics created; not started."""
    names = (f"{app}.in", f"{app}.out", f"{app}.count.changelog")
    await create_topics(servers.bootstrap, partitions, *names)
    return AppProcess(servers.bootstrap, app, "w1", folder, "counting", **more)


def origin_of(worker: AppProcess) -> Origin:
    """What the store of task 0 says of itself."""
    store = Store(worker.store("count", 0), StoreMemory(MIB, MIB))
    origin = store.origin()
    store.close()
    assert origin is not None
    return origin


def forge(worker: AppProcess, change: Forgery) -> None:
    """Put a row that no changelog holds into the store of task 0, and let the store say another origin."""
    store = Store(worker.store("count", 0), StoreMemory(MIB, MIB))
    origin = store.origin()
    assert origin is not None
    store.write([(FORGED_KEY, FORGED)], change(origin))
    store.close()


def behind(days: float) -> Forgery:
    """What it holds ends before the last records and is so old by the broker's clock."""
    return lambda origin: replace(
        origin, offset=origin.offset - 3, written_at=origin.written_at - int(days * DAY_MS)
    )


@pytest.mark.spec("NS-OPS-002 NS-OPS-OP-01")
@pytest.mark.parametrize(
    ("forgery", "clock_days", "kept"),
    [
        (lambda origin: origin, 0, True),
        (lambda origin: replace(origin, birth=b"another changelog"), 0, False),
        (lambda origin: replace(origin, offset=origin.offset + 1_000), 0, False),
        (lambda origin: replace(origin, written_at=origin.written_at - 400 * DAY_MS), 0, True),
        (behind(3.4), 0, True),
        (behind(3.6), 0, False),
        (behind(0), 28, True),
        (behind(3.6), -28, False),
    ],
    ids=[
        "its-own",
        "another-birth",
        "beyond-the-end",
        "old-and-nothing-written-since",
        "just-young-enough",
        "too-old",
        "young-under-a-clock-ahead",
        "too-old-under-a-clock-behind",
    ],
)
async def test_a_store_that_cannot_be_caught_up_is_rebuilt(  # noqa: PLR0913, PLR0917 - fixtures and cases
    servers: Servers, app_prefix: str, tmp_path: Path, forgery: Forgery, clock_days: int, kept: bool
) -> None:
    """A forged row shows whether the store on disk was used.

    Mutations: each condition of `Changelogs._usable`; the worker's time instead of the broker's.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    first, second = ids(20), ids(20, 20)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(first, KEYS))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        assert 0 == await worker.stop()
        forge(worker, forgery)
        worker.clock_ahead_ms = clock_days * DAY_MS
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(second, KEYS + 1))
        found = await outcome(bootstrap, f"{app}.out", first + second)
        assert (Verdict((), (), (FORGED_KEY[1:],)) if kept else EXACTLY_ONCE) == found
        assert [not kept] == [event["rebuilt"] for event in worker.events("store_restored")]
        assert 0 == await worker.stop()


@pytest.mark.parametrize("clock_days", [28, -28])
async def test_an_orderly_end_says_that_the_store_is_of_now_by_the_brokers_clock(
    servers: Servers, app_prefix: str, tmp_path: Path, clock_days: int
) -> None:
    """A worker that idled for days need not rebuild. Mutations: say nothing at the end; the worker's time."""
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path, config={"delete_retention_ms": 4_000})
    worker.clock_ahead_ms = clock_days * DAY_MS
    wanted = ids(20)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted, KEYS))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        await asyncio.sleep(1.0)
        before_ms = int(time.time() * 1000)
        assert 0 == await worker.stop()
        assert before_ms - 500 <= origin_of(worker).written_at <= time.time() * 1000


async def test_a_changelog_that_keeps_the_writers_time_is_refused(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: take -1 for a time. Every store would then be too old, or none."""
    app = app_prefix
    async with topics_of(open_brokers(servers.bootstrap)) as topics:
        await topics.create_missing([TopicSpec(f"{app}.count.changelog", 1)])
    worker = await counting(servers, app, tmp_path)
    async with ended(worker):
        await worker.start()
        await until(lambda: worker.events("stage_failed"), "the reason")
        assert "message.timestamp.type=LogAppendTime" in worker.events("stage_failed")[0]["reason"]


@pytest.mark.spec("NS-OPS-OP-01")
async def test_a_killed_workers_store_falls_back_together_with_its_offset(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Unflushed rows and the changelog offset vanish together; the rest comes from the changelog.

    Mutation: write the offset with the log and the rows without it. Numbers then start again.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    first, second = ids(500), ids(500, 500)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(first))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        await worker.kill()
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(second))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first + second)
        assert 0 == await worker.stop()


async def test_the_lost_stores_of_a_worker_are_deleted_after_a_while(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: no sweep. The stores of tasks that moved away then stay for ever."""
    app, bootstrap = app_prefix, servers.bootstrap
    first = await counting(servers, app, tmp_path, partitions=4, config={"lost_store_s": 1.0})
    second = AppProcess(bootstrap, app, "w2", tmp_path, "counting")
    async with ended(first, second):
        await first.start()
        await first.until_ready("count", 4)
        await second.start()
        await second.until_ready("count", 2)
        await first.until(lambda: len(first.states("count")) == 2, "half of the tasks gone")
        folder = first.store("count", 0).parent
        kept = {str(number) for number in first.states("count")}
        await until(lambda: kept == {path.name for path in folder.iterdir()}, "lost stores deleted")
        await first.until_ready("count", 2)
        assert 0 == await first.stop()
        assert 0 == await second.stop()


async def test_a_store_held_by_another_process_is_waited_for(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation: take the lock's error for a failed open. The stage then ends."""
    worker = await counting(servers, app_prefix, tmp_path)
    held = Store(worker.store("count", 0), StoreMemory(MIB, MIB))
    async with ended(worker):
        await worker.start()
        await worker.until(lambda: worker.states("count") == {0: "store_locked"}, "the wait for the lock")
        held.close()
        await worker.until_ready("count", 1)
        assert 0 == await worker.stop()
