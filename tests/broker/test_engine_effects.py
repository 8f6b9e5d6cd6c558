"""Calls of the outside over commits, kills, zombies, closes and hiccups (design rule 14)."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.broker.app.errand import Errand
from tests.broker.app.moments import arm, struck
from tests.broker.app.process import ended, until
from tests.servers import Servers


@pytest.fixture
def errand(servers: Servers, app_prefix: str, tmp_path: Path) -> Errand:
    return Errand(servers.bootstrap, app_prefix, tmp_path)


async def test_a_call_begins_only_after_its_intent_is_committed(errand: Errand) -> None:
    """Killed before the commit nobody was called; the next life calls each once.

    Mutation tried: `begin` before the commit: fails (the outside was called twice).
    """
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 1)
        arm(errand.folder, "die_before")
        await errand.ask(*(b"call c%d k%d" % (n, n) for n in range(20)))
        assert -9 == await worker.wait()
        assert [] == errand.calls()
        await worker.start()
        assert {b"done c%d" % n for n in range(20)} == set(await errand.heard(20))
        assert 0 == await worker.stop()
    assert {b"w1 c%d" % n: 1 for n in range(20)} == Counter(errand.calls())


async def test_a_hanging_call_delays_its_own_key_and_at_the_limit_the_input_pauses(errand: Errand) -> None:
    """500 calls: one hangs, one waits behind it, 498 end. Then 498 more hang, and nothing more is read.

    Mutations tried: one queue for all keys: fails; no look at `saturated` and room: fails.
    """
    errand.params["limit"] = 500
    errand.params["ttl_s"] = 60.0
    worker = await errand.worker()
    async with ended(worker):
        await errand.ask(
            b"call h1 hanging hang",
            b"call h2 hanging",
            *(b"call c%d k%d" % (n, n) for n in range(498)),
            b"say still-reading",
        )
        await worker.start()
        assert {b"done c%d" % n for n in range(498)} | {b"still-reading"} == set(await errand.heard(499))
        assert b"w1 h2" not in errand.calls()
        await errand.ask(*(b"call m%d m%d hang" % (n, n) for n in range(498)), b"say too-much")
        await worker.until(lambda: len(errand.calls()) == 997, "as many calls as the limit allows")
        assert b"too-much" not in await errand.heard(499), "the input pauses: calls of its batch have begun"
        errand.let_go()
        came = (await errand.heard(499 + 2 + 498 + 1))[499:]
        assert 0 == await worker.stop()
    assert {b"done h1", b"done h2", b"too-much", *(b"done m%d" % n for n in range(498))} == set(came)
    assert 501 == len(came)


async def test_a_call_cut_by_sigkill_is_hidden_and_not_repeated_by_the_engine(errand: Errand) -> None:
    """Mutation tried: beginning all that is found at open: fails (called twice)."""
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang", b"call c2 k", b"say here")
        await errand.heard(1)
        await worker.until(errand.calls, "the call has begun")
        await worker.kill()
        await worker.start()
        assert [b"here", b"hidden c1", b"hidden c2"] == sorted(await errand.heard(3))
        await errand.ask(b"say last")
        assert 4 == len(await errand.heard(4))
        assert 0 == await worker.stop()
    assert [b"w1 c1"] == errand.calls()


@pytest.mark.parametrize(("moment", "verdict"), [("die_before", b"hidden"), ("die_after", b"done")])
async def test_a_result_is_handled_once_over_a_crash_around_its_commit(
    errand: Errand, moment: str, verdict: bytes
) -> None:
    """Mutation tried: rows of results kept at their commit: fails (`hidden` after `done`)."""
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang")
        await worker.until(errand.calls, "the call has begun")
        arm(errand.folder, moment)
        errand.let_go()
        assert -9 == await worker.wait()
        await worker.start()
        await errand.ask(b"say last")
        assert [verdict + b" c1", b"last"] == await errand.heard(2)
        assert 0 == await worker.stop()
    assert [b"w1 c1"] == errand.calls()


async def test_a_zombie_that_wakes_inside_its_commit_begins_nothing(errand: Errand) -> None:
    """Stopped when the broker had committed and the engine did not know; the successor has said `hidden`.

    Mutations tried: the clock of `begin` instead of that before the commit: fails (the zombie calls); no look
    at the clock: fails.
    """
    errand.params["ttl_s"] = 2.0
    first = await errand.worker("w1", static_id=False)
    second = await errand.worker("w2", static_id=False)
    async with ended(first, second):
        await first.start()
        await first.until_ready("errands", 1)
        arm(errand.folder, "stop_after")
        await errand.ask(b"call c1 k")
        await until(lambda: struck(errand.folder, "stop_after"), "the stop inside the commit")
        await second.start()
        assert [b"hidden c1"] == await errand.heard(1)
        given = len(first.events("tasks_assigned"))
        first.thaw()
        await first.until(
            lambda: first.events("task_reopens") or len(first.events("tasks_assigned")) > given, "the fence"
        )
        await errand.ask(b"say last")
        assert [b"hidden c1", b"last"] == await errand.heard(2)
        assert [0, 0] == [await first.stop(), await second.stop()]
    assert [] == errand.calls()


async def test_an_orderly_close_ends_what_runs_and_the_successor_begins_what_never_began(
    errand: Errand,
) -> None:
    """Nothing is hidden by it.

    Mutations tried: rows of those never begun left as they were (`hidden`): fails; running calls cut at once
    (`hidden`): fails.
    """
    worker = await errand.worker(close_deadline_s=40.0)
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang", b"call c2 k", b"call c3 k")
        await worker.until(errand.calls, "the call has begun")
        stopping = asyncio.create_task(worker.stop())
        await worker.until(lambda: worker.leaves("errands"), "the close has begun")
        errand.let_go()
        assert 0 == await stopping
        assert [b"done c1"] == await errand.heard(1)
        assert [b"w1 c1"] == errand.calls()
        await worker.start()
        assert [b"done c1", b"done c2", b"done c3"] == await errand.heard(3)
        assert 0 == await worker.stop()
    assert [b"w1 c1", b"w1 c2", b"w1 c3"] == errand.calls()


async def test_what_a_successor_begins_is_hidden_when_it_dies_meanwhile(errand: Errand) -> None:
    """Its rows say so before it calls. Mutation tried: no commit of that at open: fails (called twice)."""
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang", b"call c2 k hang")
        await worker.until(errand.calls, "the call has begun")
        assert 0 == await worker.stop()
        await worker.start()
        await worker.until(lambda: len(errand.calls()) == 2, "the successor has begun the second call")
        await worker.kill()
        await worker.start()
        assert [b"hidden c1", b"hidden c2"] == await errand.heard(2)
        assert 0 == await worker.stop()
    assert [b"w1 c1", b"w1 c2"] == errand.calls()


async def test_a_failed_transaction_leaves_calls_alone(errand: Errand) -> None:
    """A call hangs, a result waits, an intent is refused: all end as done, each called once.

    Mutation tried: calls cut when the task reopens: fails (`hidden`).
    """
    worker = await errand.worker()
    async with ended(worker):
        await worker.start()
        await errand.ask(b"call c1 k hang")
        await worker.until(errand.calls, "the call has begun")
        arm(errand.folder, "fail_before")
        await errand.ask(b"say one", b"call c2 l")
        await worker.until(lambda: worker.events("task_reopens"), "the failure")
        assert {b"one", b"done c2"} == set(await errand.heard(2))
        arm(errand.folder, "fail_before")
        errand.let_go()
        assert b"done c1" in await errand.heard(3)
        assert 2 == len(worker.events("task_reopens"))
        assert 0 == await worker.stop()
    assert [b"w1 c1", b"w1 c2"] == errand.calls()


async def test_calls_are_handed_over_when_their_task_moves(errand: Errand) -> None:
    """A worker joins while calls run and wait: they end where they run, or begin where the task goes.

    Mutation tried: tasks with calls just go on through a rebalance (`hidden` at their successor): fails.
    """
    errand.params["ttl_s"] = 60.0
    patient = {"static_id": False, "close_deadline_s": 40.0, "session_timeout_ms": 30_000}
    first, second = await errand.worker("w1", **patient), await errand.worker("w2", **patient)
    async with ended(first, second):
        await first.start()
        await first.until_ready("errands", 1)
        await errand.ask(b"call c1 k hang", b"call c2 k", b"call c3 k")
        await first.until(errand.calls, "the call has begun")
        await second.start()
        await first.until(lambda: "leaving" in str(first.events("states")), "the hand-over")
        errand.let_go()
        assert [b"done c1", b"done c2", b"done c3"] == await errand.heard(3)
        assert [0, 0] == [await first.stop(), await second.stop()]
    assert 3 == len(errand.calls())
