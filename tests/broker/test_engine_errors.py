"""Poison beside survivors, refused outputs, dead letters and the ceiling (design rule 11)."""

from __future__ import annotations

from pathlib import Path

from tests.broker.app.dead import bodies, reason, worker_for
from tests.broker.app.ledger import read, read_until, settled, write
from tests.broker.app.moments import arm
from tests.broker.app.process import ended
from tests.servers import Servers


async def test_survivors_and_dead_letters_share_one_transaction(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Killed before its commit a batch leaves neither, killed after it both: once, in order.

    The offender counts and speaks before it breaks: nothing of that may be seen. Mutations tried: dead
    letters in a transaction of their own before the survivors': fails; going on with its overlay: fails.
    """
    worker = await worker_for(servers, app_prefix, tmp_path)
    words = [
        b"poison p%d" % n if n % 10 == 3 else b"?%d" % n if n % 10 == 6 else b"count c%d" % n
        for n in range(60)
    ]
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 2)
        arm(tmp_path, "die_before")
        await write(servers.bootstrap, f"{app_prefix}.in", 2, ((b"user-1", word) for word in words))
        assert -9 == await worker.wait()
        assert [] == await read(servers.bootstrap, f"{app_prefix}.out")
        assert [] == await read(servers.bootstrap, f"{app_prefix}.in.dlq")
        arm(tmp_path, "die_after")
        await worker.start()
        assert -9 == await worker.wait()
        await worker.start()
        await worker.until_ready("errands", 2)
        out = await read_until(servers.bootstrap, f"{app_prefix}.out", lambda rows: len(rows) >= 48)
        dead = await read_until(servers.bootstrap, f"{app_prefix}.in.dlq", lambda rows: len(rows) >= 12)
        assert 0 == await worker.stop()
    survivors = [word.split(b" ")[1] for word in words if word.startswith(b"count")]
    assert [b"%s %d" % (word, number) for number, word in enumerate(survivors, 1)] == bodies(out)
    assert [word for word in words if not word.startswith(b"count")] == bodies(dead)
    assert [b"ValueError: poison", b"a question"] * 6 == [reason(row) for row in dead]


async def test_a_dead_letter_says_why_and_whence(servers: Servers, app_prefix: str, tmp_path: Path) -> None:
    """Mutation tried: dead letters without their headers: fails."""
    worker = await worker_for(servers, app_prefix, tmp_path)
    async with ended(worker):
        await write(
            servers.bootstrap, f"{app_prefix}.in", 2, [(b"user-1", b"say hello"), (b"user-1", b"poison p")]
        )
        await worker.start()
        (row,) = await read_until(servers.bootstrap, f"{app_prefix}.in.dlq", bool)
        assert 0 == await worker.stop()
    stack = dict(row.headers).pop("dlq-stack")
    assert b'raise ValueError("poison")' in stack
    assert (1, b"user-1", b"poison p") == (row.partition, row.key, row.value)
    assert {
        "dlq-stage": b"errands",
        "dlq-reason": b"ValueError: poison",
        "dlq-stack": stack,
        "dlq-topic": f"{app_prefix}.in".encode(),
        "dlq-partition": b"1",
        "dlq-offset": b"1",
    } == dict(row.headers)


async def test_the_ceiling_counts_our_defects_stops_the_stage_loudly_and_loses_nothing(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Unreadable records do not count.

    Mutations tried: no ceiling (the process goes on): fails; unreadable records counted: fails; dead letters
    committed beyond the ceiling: fails.
    """
    worker = await worker_for(servers, app_prefix, tmp_path, ceiling=5, max_batch=4, budget_ms=60_000)
    words = [b"?%d" % n for n in range(20)] + [b"poison p%d" % n for n in range(8)] + [b"say end"]
    async with ended(worker):
        await write(servers.bootstrap, f"{app_prefix}.in", 2, ((b"user-1", word) for word in words))
        await worker.start()
        assert 2 == await worker.wait()
        (failed,) = worker.events("stage_failed")
        assert (
            "stage errands: more than 5 defects of its own code; last: ValueError: poison" == failed["reason"]
        )
        await settled(servers.bootstrap, f"{app_prefix}.in.dlq")
        assert words[:24] == bodies(await read(servers.bootstrap, f"{app_prefix}.in.dlq"))
        worker.params["ceiling"] = 100
        await worker.start()
        assert [b"end"] == bodies(await read_until(servers.bootstrap, f"{app_prefix}.out", bool))
        dead = await read_until(servers.bootstrap, f"{app_prefix}.in.dlq", lambda rows: len(rows) >= 28)
        assert words[:28] == bodies(dead)
        assert 0 == await worker.stop()


async def test_poison_among_timers_and_results_goes_to_the_stages_own_dead_letters(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """And its row ends: it does not come back. Mutation tried: rows of dead ones kept: fails."""
    worker = await worker_for(servers, app_prefix, tmp_path, ceiling=4)
    words = [b"at 5 poison-timer", b"at 6 timer", b"call poison-call k", b"call call k"]
    async with ended(worker):
        await write(servers.bootstrap, f"{app_prefix}.in", 2, ((b"user-1", word) for word in words))
        await worker.start()
        out = await read_until(servers.bootstrap, f"{app_prefix}.out", lambda rows: len(rows) >= 2)
        dead = await read_until(servers.bootstrap, f"{app_prefix}.errands.dlq", lambda rows: len(rows) >= 2)
        assert 0 == await worker.stop()
        await worker.start()
        await worker.until_ready("errands", 2)
        assert dead == await read(servers.bootstrap, f"{app_prefix}.errands.dlq")
        assert 0 == await worker.stop()
    assert [b"done call", b"fired timer"] == sorted(bodies(out))
    assert {b"5 poison-timer", b"poison-call k "} == set(bodies(dead))
    result = next(dict(row.headers) for row in dead if row.value == b"poison-call k ")
    assert b'{"verdict":"ZG9uZQ==","id":"cG9pc29uLWNhbGw="}' == result["dlq-result"]


async def test_poison_is_buried_once_over_a_crash_after_the_commit(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """The batch ends with it, so its offset is the one to go on from.

    Mutations tried: offsets of survivors only: fails (buried twice); no offsets in the transaction: fails.
    """
    worker = await worker_for(servers, app_prefix, tmp_path)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands", 2)
        arm(tmp_path, "die_after")
        rows = [(b"user-1", b"say 1"), (b"user-1", b"poison p")]
        await write(servers.bootstrap, f"{app_prefix}.in", 2, rows)
        assert -9 == await worker.wait()
        await worker.start()
        await worker.until_ready("errands", 2)
        await write(servers.bootstrap, f"{app_prefix}.in", 2, [(b"user-1", b"say 2")])
        out = await read_until(servers.bootstrap, f"{app_prefix}.out", lambda rows: len(rows) >= 2)
        assert [b"1", b"2"] == bodies(out)
        assert 0 == await worker.stop()
    assert [b"poison p"] == bodies(await read(servers.bootstrap, f"{app_prefix}.in.dlq"))
