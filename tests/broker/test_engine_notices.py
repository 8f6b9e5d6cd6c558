"""Notices: what was written of them before a task opens is handled before all else, once (design rule 14)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from tests.broker.app.errand import Errand
from tests.broker.app.process import ended
from tests.servers import Servers

KEY = b"user-0"
SOON_MS = 2_000
MANY = 300


@pytest.fixture
def errand(servers: Servers, app_prefix: str, tmp_path: Path) -> Errand:
    made = Errand(servers.bootstrap, app_prefix, tmp_path)
    made.params |= {"notices": ["told"]}
    return made


async def tell(errand: Errand, word: bytes, *, times: int = 1, aborted: bool = False) -> None:
    """Write notices as a stage does, in a transaction: a marker is the end of the log."""
    producer = AIOKafkaProducer(bootstrap_servers=errand.bootstrap, transactional_id=f"{errand.app}.teller")
    async with producer:
        await producer.begin_transaction()
        for _ in range(times):
            await producer.send(f"{errand.app}.told", word, key=KEY, partition=0)
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
        await errand.ask(b"in %d t" % SOON_MS)
        await tell(errand, b"count a")
        assert {b"set t", b"a 1"} == set(await errand.heard(2))
        await worker.kill()
        worker.forget_stores()
        await tell(errand, b"count a", times=MANY)
        await tell(errand, b"count c", aborted=True)
        await errand.ask(b"count b")
        await asyncio.sleep(SOON_MS / 1000)
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
    worker, hold = await errand.worker(), errand.folder / "hold"
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
