"""Notices: what was written of them before a task opens is handled before all else, once (design rule 14)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from connectors.kafka_admin import topics_of
from connectors.kafka_clients import open_brokers
from streams.engine.kafka import committed_offsets
from streams.engine.layout import Layout, Phase
from tests.broker.app.errand import Errand
from tests.broker.app.ledger import create_topics
from tests.broker.app.process import ended
from tests.servers import Servers

KEY = b"user-0"
AHEAD_MS = 300_000
MANY = 300


@pytest.fixture
def errand(servers: Servers, app_prefix: str, tmp_path: Path) -> Errand:
    made = Errand(servers.bootstrap, app_prefix, tmp_path)
    made.params |= {"notices": ["told"]}
    return made


async def tell(
    errand: Errand, word: bytes, *, times: int = 1, aborted: bool = False, partition: int = 0
) -> None:
    """Write notices as a stage does, in a transaction: a marker is the end of the log."""
    producer = AIOKafkaProducer(bootstrap_servers=errand.bootstrap, transactional_id=f"{errand.app}.teller")
    async with producer:
        await producer.begin_transaction()
        for _ in range(times):
            await producer.send(f"{errand.app}.told", word, key=KEY, partition=partition)
        await producer.flush()
        await (producer.abort_transaction() if aborted else producer.commit_transaction())


async def test_notices_come_before_timers_and_records_after_a_kill_and_a_lost_disk_and_each_once(
    errand: Errand,
) -> None:
    """The timer is due before the successor's first fetch, and would have a share of its first batch.

    The end of the log is a transaction that was aborted: no record ever reaches it. Mutation tried: a task is
    never behind: fails (`fired t` among them).
    """
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"in %d t" % AHEAD_MS)
        await tell(errand, b"count a")
        assert {b"set t", b"a 1"} == set(await errand.heard(2))
        await worker.kill()
        worker.forget_stores()
        await tell(errand, b"count a", times=MANY)
        await tell(errand, b"count c", aborted=True)
        await errand.ask(b"count b")
        worker.clock_ahead_ms = AHEAD_MS
        await worker.start()
        later = (await errand.heard(MANY + 4))[2:]
        assert [b"a %d" % (n + 2) for n in range(MANY)] == later[:MANY]
        assert [b"fired t", b"b %d" % (MANY + 2)] == later[MANY:]
        await tell(errand, b"count a")
        assert b"a %d" % (MANY + 3) == (await errand.heard(MANY + 5))[-1]
        assert 0 == await worker.stop()


async def test_a_call_that_never_began_comes_back_though_its_successor_dies_over_the_notices(
    errand: Errand,
) -> None:
    """It surely was not begun: the successor begins nothing before the agent has looked again.

    Mutation tried: its row says at open that it may have begun, as without notices: fails (`hidden`).
    """
    worker, hold = await errand.worker(close_deadline_s=40.0), errand.folder / "hold"
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang", b"call c2 k")
        await worker.until(errand.calls, "the call has begun")
        stopping = asyncio.create_task(worker.stop())
        await worker.until(lambda: worker.leaves("errands"), "the close has begun")
        errand.let_go()
        assert 0 == await stopping
        hold.touch()
        await errand.ask(b"hold told", topic="told")
        await worker.start()
        await worker.until(lambda: worker.states("errands") == {0: "held"}, "a notice waits")
        await worker.kill()
        hold.unlink()
        await worker.start()
        assert [b"done c1", b"told", b"lapsed c2"] == await errand.heard(3)
        assert 0 == await worker.stop()
    assert [b"w1 c1"] == errand.calls()


async def test_a_notice_makes_a_call_lapse_that_was_recorded_and_has_not_begun(errand: Errand) -> None:
    """One under way ends as it would; one of another key is made. Mutation: no `doubt`."""
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 user-0 hang", b"call c2 user-0", b"call c3 other hang", b"call c4 other")
        await worker.until(lambda: len(errand.calls()) == 2, "the first of each key have begun")
        await tell(errand, b"say told")
        await errand.heard_of(b"told")
        errand.let_go()
        await errand.heard_of(b"done c1", b"lapsed c2", b"done c3", b"done c4")
        assert 0 == await worker.stop()
    assert {b"w1 c1", b"w1 c3", b"w1 c4"} == set(errand.calls())


async def change(errand: Errand, phase: Phase) -> None:
    """Say that the stage is on its way from one task to two."""
    told = msgspec.json.encode(Layout(1, 2, phase))
    async with AIOKafkaProducer(bootstrap_servers=errand.bootstrap) as producer:
        await producer.send_and_wait(f"{errand.app}.layout", told, key=b"errands", partition=0)


async def test_while_its_stage_drains_an_old_task_reads_the_notices_of_a_new_partition_too(
    errand: Errand,
) -> None:
    """When it is open, and after a kill before all else and from their start: it commits nothing of them.

    Mutations: read ahead at the open only: nothing comes; never: the same; the offset is committed.
    """
    worker = await errand.worker()
    await create_topics(errand.bootstrap, 1, f"{errand.app}.layout")
    async with ended(worker):
        await worker.start()
        await errand.ask(b"count a")
        assert [b"a 1"] == await errand.heard(1)
        await change(errand, Phase.GROW)
        async with topics_of(open_brokers(errand.bootstrap)) as topics:
            await topics.grow([f"{errand.app}.{name}" for name in ("in", "told", "errands.changelog")], 2)
        await change(errand, Phase.DRAIN)
        await tell(errand, b"count a", partition=1)
        assert b"a 2" == (await errand.heard(2))[-1]
        await worker.kill()
        await errand.ask(b"count b")
        await worker.start()
        assert [b"a 3", b"b 4"] == (await errand.heard(4))[2:]
        assert 0 == await worker.stop()
    ahead = TopicPartition(f"{errand.app}.told", 1)
    async with topics_of(open_brokers(errand.bootstrap)) as topics:
        assert {ahead: -1} == await committed_offsets(topics._client, f"{errand.app}.errands", [ahead])
