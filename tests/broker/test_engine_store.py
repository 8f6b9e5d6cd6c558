"""Stores: caught up where that is safe, rebuilt elsewhere, deleted when lost (design rule 9)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.engine.store import Origin, Store, StoreMemory
from tests.broker.app.ledger import EXACTLY_ONCE, Verdict, create_topics, ids, outcome, rows_of, write
from tests.broker.app.process import AppProcess, ended, until
from tests.servers import Servers

MIB = 1 << 20
HALF_OF_SEVEN_DAYS_MS = 7 * 86_400_000 // 2
KEYS = 5
FORGED = b"\0" * 8 + b"1000"


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


def forge(worker: AppProcess, origin_of: Callable[[Origin], Origin]) -> None:
    """Put a row that no changelog holds into the store of task 0, and let the store say another origin."""
    store = Store(worker.store("count", 0), StoreMemory(MIB, MIB))
    origin = store.origin()
    assert origin is not None
    store.write([(b"\x01user-0", FORGED)], origin_of(origin))
    store.close()


@pytest.mark.parametrize(
    ("origin_of", "kept"),
    [
        (lambda origin: origin, True),
        (lambda origin: replace(origin, birth=b"another changelog"), False),
        (lambda origin: replace(origin, offset=origin.offset + 1_000), False),
        (
            lambda origin: replace(origin, written_at=origin.written_at - HALF_OF_SEVEN_DAYS_MS - 60_000),
            False,
        ),
        (lambda origin: replace(origin, written_at=origin.written_at - HALF_OF_SEVEN_DAYS_MS + 60_000), True),
    ],
    ids=["its-own", "another-birth", "beyond-the-end", "too-old", "just-young-enough"],
)
async def test_a_store_that_cannot_be_caught_up_is_rebuilt(
    servers: Servers, app_prefix: str, tmp_path: Path, origin_of: Callable[[Origin], Origin], kept: bool
) -> None:
    """A forged row shows whether the store on disk was used. Mutation: each condition of `usable`."""
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    first, second = ids(20), ids(20, 20)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(first, KEYS))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", first)
        assert 0 == await worker.stop()
        forge(worker, origin_of)
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(second, KEYS))
        found = await outcome(bootstrap, f"{app}.out", first + second)
        assert (Verdict((), (), (b"user-0",)) if kept else EXACTLY_ONCE) == found
        assert [not kept] == [event["rebuilt"] for event in worker.events("store_restored")]
        assert 0 == await worker.stop()


async def test_a_store_idle_for_days_by_the_clock_is_rebuilt(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The same through the clock. An orderly end says that the store is of now, written or not.

    Mutation: say nothing at the end. After days without a row a restart would then rebuild for nothing.
    """
    app, bootstrap = app_prefix, servers.bootstrap
    worker = await counting(servers, app, tmp_path)
    wanted = ids(20)
    async with ended(worker):
        await worker.start()
        await write(bootstrap, f"{app}.in", 1, rows_of(wanted, KEYS))
        assert EXACTLY_ONCE == await outcome(bootstrap, f"{app}.out", wanted)
        seen = []
        for ahead_ms in (
            0,
            HALF_OF_SEVEN_DAYS_MS - 60_000,
            2 * HALF_OF_SEVEN_DAYS_MS - 120_000,
            28 * 86_400_000,
        ):
            before_ms = int(time.time() * 1000) + worker.clock_ahead_ms
            assert 0 == await worker.stop()
            assert before_ms <= origin_of(worker).written_at
            worker.clock_ahead_ms = ahead_ms
            await worker.start()
            await worker.until_ready("count", 1)
            seen += [event["rebuilt"] for event in worker.events("store_restored")]
        assert [False, False, False, True] == seen
        assert 0 == await worker.stop()


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
