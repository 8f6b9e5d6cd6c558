"""Rows and offset in one transaction of the database: kills, zombies, outages, unreadable records."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from streams.engine.topic_ids import topic_id
from tests.broker.app.ledger import create_topics, ids, rows_of, write
from tests.broker.app.moments import arm, struck
from tests.broker.app.process import AppProcess, ended, until
from tests.servers import Servers


class Sinking:
    """The `sinking` app: workers over one database."""

    def __init__(self, bootstrap: str, app: str, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.app = app
        self.folder = folder

    async def worker(self, name: str, *, static: bool = True) -> AppProcess:
        """A worker, its topics created."""
        await create_topics(self.bootstrap, 2, f"{self.app}.in")
        return AppProcess(
            self.bootstrap,
            self.app,
            name,
            self.folder,
            "sinking",
            config={"static_id": static},
            params={"folder": str(self.folder)},
        )

    async def feed(self, *values: bytes) -> None:
        """Records for the database."""
        await write(self.bootstrap, f"{self.app}.in", 2, rows_of(list(values)))

    def rows(self) -> list[bytes]:
        """What the database holds."""
        if not (self.folder / "rows.db").exists():
            return []
        database = sqlite3.connect(self.folder / "rows.db", timeout=30)
        try:
            return [row[0].encode() for row in database.execute("SELECT id FROM rows")]
        except sqlite3.OperationalError:  # no tables yet
            return []
        finally:
            database.close()


@pytest.fixture
def sinking(servers: Servers, app_prefix: str, tmp_path: Path) -> Sinking:
    return Sinking(servers.bootstrap, app_prefix, tmp_path)


@pytest.mark.spec("NS-SND-OP-08")
async def test_rows_are_written_once_over_kills(sinking: Sinking) -> None:
    """Killed twice in the middle of 4 000 rows: the database's own offset says where to go on.

    Mutation tried: going on from Kafka's committed offset: fails (rows twice).
    """
    worker = await sinking.worker("w1")
    wanted = ids(4000)
    async with ended(worker):
        await sinking.feed(*wanted)
        for share in (500, 2000):
            await worker.start()
            await worker.until(lambda share=share: len(sinking.rows()) >= share, "some rows")  # type: ignore[misc]
            await worker.kill()
        await worker.start()
        await worker.until(lambda: len(sinking.rows()) >= 4000, "all rows")
        await worker.until_ready("sink", 2)
        assert 0 == await worker.stop()
    assert sorted(wanted) == sorted(sinking.rows())


async def test_a_woken_zombie_is_fenced_by_the_database(sinking: Sinking) -> None:
    """Stopped inside a write, woken when its successor has written the same rows and more.

    It reopens or leaves; no row comes twice, none is lost. Mutation tried: `SinkFenced` taken for success:
    fails (rows lost or twice).
    """
    first, second = await sinking.worker("w1", static=False), await sinking.worker("w2", static=False)
    wanted = ids(1000)
    async with ended(first, second):
        await first.start()
        await first.until_ready("sink", 2)
        arm(sinking.folder, "stop_inside")
        await sinking.feed(*wanted[:500])
        await until(lambda: struck(sinking.folder, "stop_inside"), "the stop inside a write")
        await second.start()
        await second.until(lambda: len(sinking.rows()) >= 500, "the successor's rows")
        first.thaw()
        await first.until(lambda: first.events("task_reopens"), "the fence")
        assert {"fenced"} == {event["failure"] for event in first.events("task_reopens")}
        await sinking.feed(*wanted[500:])
        await until(lambda: len(sinking.rows()) >= 1000, "all rows")
        assert [0, 0] == [await first.stop(), await second.stop()]
    assert sorted(wanted) == sorted(sinking.rows())


async def test_the_database_away_is_a_wait_with_a_name(sinking: Sinking) -> None:
    """At open and between writes: nothing fails, all rows come when it is back, and lag goes to Kafka.

    Mutation tried: a `ConnectionError` let through (the task reopens, again and again): fails.
    """
    worker = await sinking.worker("w1")
    wanted = ids(200)
    async with ended(worker):
        arm(sinking.folder, "away")
        await worker.start()
        await worker.until(lambda: set(worker.states("sink").values()) == {"database"}, "the wait at open")
        (sinking.folder / "away").unlink()
        await sinking.feed(*wanted[:100])
        await worker.until(lambda: len(sinking.rows()) == 100, "the first rows")
        reopened = len(worker.events("task_reopens"))
        arm(sinking.folder, "away")
        await sinking.feed(*wanted[100:])
        await worker.until(lambda: "database" in worker.states("sink").values(), "the wait for a write")
        (sinking.folder / "away").unlink()
        await worker.until(lambda: len(sinking.rows()) == 200, "all rows")
        assert reopened == len(worker.events("task_reopens"))
        await told(sinking, 200)
        assert 0 == await worker.stop()
    assert sorted(wanted) == sorted(sinking.rows())


@pytest.mark.spec("NS-OPS-012")
async def test_kafka_hears_how_far_the_rows_are_after_the_last_batch_and_after_a_kill(
    sinking: Sinking,
) -> None:
    """Autoscalers read it: without records there must be no lag. At most once a second it is told.

    Mutations tried: told behind a batch only: fails (the last one comes too soon); a new task takes what it
    opens at for told: fails (what was written right before the kill stays a lag).
    """
    worker = await sinking.worker("w1")
    async with ended(worker):
        await worker.start()
        for begin, end in ((0, 100), (100, 150)):
            await sinking.feed(*ids(end)[begin:])
            await worker.until(lambda end=end: len(sinking.rows()) == end, "rows")  # type: ignore[misc]
        await told(sinking, 150)
        for end in (160, 170):
            await sinking.feed(*ids(end)[end - 10 :])
            await worker.until(lambda end=end: len(sinking.rows()) == end, "rows")  # type: ignore[misc]
        await worker.kill()
        await worker.start()
        await worker.until_ready("sink", 2)
        await told(sinking, 170)
        assert 0 == await worker.stop()


async def told(sinking: Sinking, end: int) -> None:
    """Wait until the group's offsets are there."""
    async with asyncio.timeout(20):
        while end != await committed(sinking):
            await asyncio.sleep(0.1)


async def test_a_topic_made_anew_is_read_from_its_own_beginning(sinking: Sinking) -> None:
    """The same name, another id: the database's offset is of the one before. Mutation tried: no id: fails."""
    worker = await sinking.worker("w1")
    before, after = ids(10), ids(200, 10)
    async with ended(worker):
        await worker.start()
        await sinking.feed(*before)
        await worker.until(lambda: len(sinking.rows()) == 10, "rows of the first topic")
        assert 0 == await worker.stop()
        await remade(sinking)
        await sinking.feed(*after)
        await worker.start()
        await worker.until(lambda: len(sinking.rows()) >= 210, "all rows")
        assert 0 == await worker.stop()
    assert sorted(before + after) == sorted(sinking.rows())


async def remade(sinking: Sinking) -> None:
    """Delete the input and create it again."""
    admin = AIOKafkaAdminClient(bootstrap_servers=sinking.bootstrap)
    await admin.start()
    try:
        old = await topic_id(admin, f"{sinking.app}.in")
        await admin.delete_topics([f"{sinking.app}.in"])
        await until_gone(admin, f"{sinking.app}.in")
        await create_topics(sinking.bootstrap, 2, f"{sinking.app}.in")
        assert old != await topic_id(admin, f"{sinking.app}.in")
    finally:
        await admin.close()


async def until_gone(admin: AIOKafkaAdminClient, topic: str) -> None:
    """Wait until a topic's name is free."""
    async with asyncio.timeout(30):
        while any(row["topic"] == topic and row["error_code"] == 0 for row in await admin.describe_topics()):
            await asyncio.sleep(0.05)


async def committed(sinking: Sinking) -> int:
    """Sum of the group's offsets; a partition without one has told nothing yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=sinking.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(f"{sinking.app}.sink")
        tps = [TopicPartition(f"{sinking.app}.in", part) for part in (0, 1)]
        return sum(max(offsets[tp].offset, 0) for tp in tps if tp in offsets)
    finally:
        await admin.close()


async def test_an_unreadable_record_stops_the_sink_after_the_rows_before_it(sinking: Sinking) -> None:
    """Internal topics hold nothing unreadable: a person must look. Mutation tried: passing over it: fails."""
    worker = await sinking.worker("w1")
    async with ended(worker):
        await write(
            sinking.bootstrap, f"{sinking.app}.in", 2, [(b"user-0", value) for value in (b"a", b"?b", b"c")]
        )
        await worker.start()
        assert 2 == await worker.wait()
        (failed,) = worker.events("stage_failed")
    assert (
        f"stage sink: unreadable record {sinking.app}.in/0/1 in an internal topic: a question"
        == failed["reason"]
    )
    assert [b"a"] == sinking.rows()
