"""Timers over restarts, rebalances and compaction; rows that end, and what shrinks by that (rules 10, 15)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.embedded.kafka import EmbeddedKafka, KafkaOptions
from connectors.kafka_admin import TopicSpec, topics_of
from connectors.kafka_clients import open_brokers
from streams.engine.restore import NO_ROWS
from streams.engine.store import EXPIRY, ROW, Store, StoreMemory
from tests.broker.app.errand import Errand
from tests.broker.app.ledger import read
from tests.broker.app.moments import arm
from tests.broker.app.process import AppProcess, ended
from tests.servers import Servers, embedded

AHEAD_MS = 300_000
"""How far off timers are that must not fire before the worker's clock is put forward by as much."""
SHRINKING = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "LogAppendTime",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "0",
    "max.compaction.lag.ms": "100",
}


@pytest.fixture
def errand(servers: Servers, app_prefix: str, tmp_path: Path) -> Errand:
    return Errand(servers.bootstrap, app_prefix, tmp_path)


@pytest.fixture(scope="module")
def cleaning_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker whose cleaner never rests; the shared one's looks every 15 s."""
    options = KafkaOptions(properties={"log.cleaner.backoff.ms": 100})
    with embedded(EmbeddedKafka(tmp_path_factory.mktemp("cleaning") / "kafka", options)) as bootstrap:
        yield bootstrap


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_timers_fire_once_over_kills_and_in_more_turns_than_one(errand: Errand) -> None:
    """2 500 due at one moment, more than a turn takes; killed before and after commits of firings.

    Mutations tried: rows of fired timers kept: fails (fired twice); a bound beyond a full turn: fails (lost);
    timers kept in memory only: fails (lost).
    """
    worker = await errand.worker()
    due = now_ms() + AHEAD_MS
    async with ended(worker):
        await worker.start()
        await errand.ask(*(b"at %d t%d" % (due if n % 5 else 1, n) for n in range(3125)))
        await errand.heard(625)
        await worker.kill()
        worker.clock_ahead_ms = AHEAD_MS
        for moment in ("die_before", "die_after"):
            arm(errand.folder, moment)
            await worker.start()
            assert -9 == await worker.wait()
        await worker.start()
        fired = Counter(await errand.heard(3125))
        assert 0 == await worker.stop()
    assert {b"fired t%d" % n: 1 for n in range(3125)} == fired


async def test_timers_fire_once_over_rebalances(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """Due while a second worker joins and the first one leaves: each fires once, wherever its task is.

    Mutations tried: rows of fired timers kept: fails (fired again where the task goes); an opened task that
    does not look for its next timer: fails (those set before never fire).
    """
    errand = Errand(servers.bootstrap, app_prefix, tmp_path, partitions=4)
    first = await errand.worker("w1", static_id=False)
    second = await errand.worker("w2", static_id=False)
    async with ended(first, second):
        await first.start()
        await first.until_ready("errands", 4)
        await errand.ask(*(b"in %d t%d" % (n * 10, n) for n in range(600)))
        await second.start()
        await second.until_ready("errands", 2)
        assert 0 == await first.stop()
        heard = Counter(await errand.heard(1200))
        assert 0 == await second.stop()
    assert {b"%s t%d" % (word, n): 1 for n in range(600) for word in (b"set", b"fired")} == heard


async def test_an_earlier_timer_lowers_the_remembered_bound(errand: Errand) -> None:
    """One far away is known, one has fired, then come two before both bounds; a second life has the far one.

    Mutations tried: `mark` without the new timers' times: fails (they never fire); `next_at` not looked for
    after a batch that set one: fails.
    """
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 1)
        await errand.ask(b"at %d far" % (now_ms() + 5_000), b"at 5 first")
        await errand.heard(1)
        await errand.ask(b"in 300 soon", b"at 4 past")
        await errand.heard_of(b"fired past", b"fired soon")
        assert 0 == await worker.stop()
        await worker.start()
        await worker.until_ready("errands", 1)
        heard = Counter(await errand.heard(5))
        assert 0 == await worker.stop()
    assert (
        Counter([b"set soon", *(b"fired " + word for word in (b"far", b"first", b"past", b"soon"))]) == heard
    )


async def compacting(bootstrap: str, app: str, folder: Path) -> tuple[Errand, AppProcess]:
    """A worker whose changelog is compacted at once."""
    async with topics_of(open_brokers(bootstrap)) as topics:
        await topics.create_missing([TopicSpec(f"{app}.errands.changelog", 1, config=SHRINKING)])
    errand = Errand(bootstrap, app, folder)
    return errand, await errand.worker()


def rows_in_store(worker: AppProcess) -> dict[bytes, int]:
    """Rows, and entries of the order in which rows end, of a stopped worker."""
    store = Store(worker.store("errands", 0), StoreMemory(1 << 20, 1 << 20))
    try:
        return {prefix: sum(1 for _ in store.scan(prefix, b"", b"\xff" * 9)) for prefix in (ROW, EXPIRY)}
    finally:
        store.close()


async def shrunk(errand: Errand, records: int, live: int) -> int:
    """Wait until the changelog holds no more records than that, and no more of them say what there still is.

    New records roll its last segment; how many were asked for, of which some may not be handled yet.
    """
    deadline, asked = time.monotonic() + 60, 0
    while True:
        rows = await read(errand.bootstrap, f"{errand.app}.errands.changelog")
        last = {row.key: row.value for row in rows if row.key not in NO_ROWS}
        if len(rows) <= records and sum(value is not None for value in last.values()) <= live:
            return asked
        assert time.monotonic() < deadline, "the changelog does not shrink"
        await errand.ask(b"count roll")
        asked += 1


async def test_rows_that_ended_leave_store_and_changelog(
    cleaning_kafka: str, app_prefix: str, tmp_path: Path
) -> None:
    """5 000 rows that live one second: tombstones are written, and both shrink to the one row that stays.

    Mutations tried: no sweep: fails; sweep without tombstones in the changelog: fails; entries of the order
    not forgotten: fails.
    """
    errand, worker = await compacting(cleaning_kafka, app_prefix, tmp_path)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 1)
        rows = [(b"row-%d" % n, b"live 1000") for n in range(5000)]
        await errand.ask_as(rows)
        await errand.ask(b"count stays")
        await errand.heard(1)
        rolls = await shrunk(errand, 90, live=1)
        assert 0 == await worker.stop()
        assert {ROW: 1, EXPIRY: 0} == rows_in_store(worker)
        worker.forget_stores()
        await worker.start()
        await worker.until_ready("errands", 1)
        (restored,) = worker.events("store_restored")
        assert restored["records"] <= 100
        before = 1 + rolls
        await errand.heard(before)
        await errand.ask(b"count again")
        assert b"again %d" % (before + 1) == (await errand.heard(before + 1))[-1]
        assert 0 == await worker.stop()


async def test_timers_fire_once_over_compaction_of_the_changelog(
    cleaning_kafka: str, app_prefix: str, tmp_path: Path
) -> None:
    """Fired ones are compacted away with their tombstones; the store is gone, too. The others fire once.

    Mutation tried: tombstones of fired timers kept out of the changelog: fails (they fire again).
    """
    errand, worker = await compacting(cleaning_kafka, app_prefix, tmp_path)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 1)
        late = now_ms() + 8_000
        await errand.ask(*(b"at %d t%d" % (late if n % 10 == 0 else 1, n) for n in range(1000)))
        await errand.heard(900)
        rolls = await shrunk(errand, 200, live=101)
        assert 0 == await worker.stop()
        worker.forget_stores()
        await worker.start()
        await worker.until_ready("errands", 1)
        fired = Counter(word for word in await errand.heard(1000 + rolls) if word.startswith(b"fired"))
        assert 0 == await worker.stop()
    assert {b"fired t%d" % n: 1 for n in range(1000)} == fired
