"""Poison beside survivors, refused outputs, dead letters and the ceiling (design rule 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from connectors.kafka_admin import TopicSpec, topics_of
from tests.broker.app.ledger import CHANGELOG, Row, read, read_until, write
from tests.broker.app.moments import arm
from tests.broker.app.process import AppProcess, ended
from tests.servers import Servers

MIB = 1 << 20


async def worker_for(
    servers: Servers, app: str, folder: Path, *, sizes: dict[str, int] | None = None, **params: Any
) -> AppProcess:
    """An errands worker, its topics created, not started. `sizes`: `max.message.bytes` of topics."""
    names = ["in", "in.dlq", "out", "narrow", "errands.changelog", "errands.dlq"]
    async with topics_of(servers.bootstrap) as topics:
        await topics.create_missing(
            TopicSpec(
                f"{app}.{name}",
                partitions=2,
                config=(CHANGELOG if name.endswith(".changelog") else {})
                | ({"max.message.bytes": str((sizes or {})[name])} if name in (sizes or {}) else {}),
            )
            for name in names
        )
    return AppProcess(
        servers.bootstrap,
        app,
        "w1",
        folder,
        "errands",
        config={"static_id": True},  # a killed worker's tasks are its own again at once
        params={"folder": str(folder), **params},
    )


def bodies(rows: list[Row]) -> list[bytes]:
    return [row.value or b"" for row in rows]


def reason(row: Row) -> bytes:
    return dict(row.headers)["dlq-reason"]


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
        dead = await read(servers.bootstrap, f"{app_prefix}.in.dlq")
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
    worker = await worker_for(servers, app_prefix, tmp_path, ceiling=5, max_batch=4)
    words = [b"?%d" % n for n in range(20)] + [b"poison p%d" % n for n in range(8)] + [b"say end"]
    async with ended(worker):
        await write(servers.bootstrap, f"{app_prefix}.in", 2, ((b"user-1", word) for word in words))
        await worker.start()
        assert 2 == await worker.wait()
        (failed,) = worker.events("stage_failed")
        assert (
            "stage errands: more than 5 defects of its own code; last: ValueError: poison" == failed["reason"]
        )
        assert words[:24] == bodies(await read(servers.bootstrap, f"{app_prefix}.in.dlq"))
        worker.params["ceiling"] = 100
        await worker.start()
        assert [b"end"] == bodies(await read_until(servers.bootstrap, f"{app_prefix}.out", bool))
        assert words[:28] == bodies(await read(servers.bootstrap, f"{app_prefix}.in.dlq"))
        assert 0 == await worker.stop()


async def test_a_record_of_2_mib_is_read_and_buried_whole_and_a_larger_one_leaves_a_stub(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Mutation tried: `TooLargeError` of a dead letter let through (the task reopens): fails."""
    room = 2 * MIB + (64 << 10)
    worker = await worker_for(
        servers,
        app_prefix,
        tmp_path,
        sizes={"in": 3 * MIB, "in.dlq": room},
        limits={"in.dlq": room - 512},
    )
    whole, larger = b"?" * (2 * MIB), b"?" * (2 * MIB + (100 << 10))
    async with ended(worker):
        for value in (whole, b"say between", larger, b"say after"):
            await write_large(servers.bootstrap, f"{app_prefix}.in", value)
        await worker.start()
        out = await read_until(servers.bootstrap, f"{app_prefix}.out", lambda rows: len(rows) >= 2)
        dead = await read(servers.bootstrap, f"{app_prefix}.in.dlq")
        assert [] == worker.events("task_reopens")
        assert 0 == await worker.stop()
    assert [b"between", b"after"] == bodies(out)
    assert [whole, b""] == bodies(dead)
    assert [False, True] == ["dlq-stub" in dict(row.headers) for row in dead]
    assert b"2" == dict(dead[1].headers)["dlq-offset"]


async def write_large(bootstrap: str, topic: str, value: bytes) -> None:
    """A large record to partition 0."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=4 * MIB) as producer:
        await producer.send_and_wait(topic, value, b"user-0", partition=0)


async def test_an_output_that_only_the_broker_finds_too_large_is_found_and_nothing_else_is_lost(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """Also one that our own limit refuses, in the same batch. 100 records, two of them refused by the topic.

    Mutations tried: the refusal taken for an outage (retried for ever): fails; the first record of the batch
    blamed: fails; futures unchecked, so that the refusal passes (two outputs lost, no dead letter): fails.
    """
    worker = await worker_for(servers, app_prefix, tmp_path, sizes={"narrow": 3000}, limits={"out": 2000})
    words = [b"say %d" % n for n in range(100)]
    words[0] = b"narrow 500"
    words[23] = words[87] = b"narrow 5000"
    words[51] = b"grow 2000"
    async with ended(worker):
        await write(servers.bootstrap, f"{app_prefix}.in", 2, ((b"user-1", word) for word in words))
        await worker.start()
        out = await read_until(servers.bootstrap, f"{app_prefix}.out", lambda rows: len(rows) >= 97)
        dead = await read(servers.bootstrap, f"{app_prefix}.in.dlq")
        assert [b"x" * 500] == bodies(await read(servers.bootstrap, f"{app_prefix}.narrow"))
        assert 0 == await worker.stop()
    gone = (23, 51, 87)
    assert [words[n].split(b" ")[1] if n != 0 else b"narrow" for n in range(100) if n not in gone] == bodies(
        out
    )
    assert [words[n] for n in gone] == bodies(dead)
    refused = b"output refused by the broker: MessageSizeTooLargeError"
    assert [True, False, True] == [reason(row).startswith(refused) for row in dead]


async def test_when_even_dead_letters_are_refused_the_stage_stops_loudly(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    """First the letter, then the stub. Mutation tried: no end to it: fails by its time-out."""
    worker = await worker_for(servers, app_prefix, tmp_path, sizes={"in.dlq": 200})
    async with ended(worker):
        await write(
            servers.bootstrap, f"{app_prefix}.in", 2, [(b"user-1", b"say 1"), (b"user-1", b"poison p")]
        )
        await worker.start()
        assert 2 == await worker.wait()
        (failed,) = worker.events("stage_failed")
    assert failed["reason"].startswith(
        "stage errands: even its dead letters are refused: MessageSizeTooLarge"
    )
    assert [b"1"] == bodies(await read(servers.bootstrap, f"{app_prefix}.out"))


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
        await worker.until_ready("errands")
        assert dead == await read(servers.bootstrap, f"{app_prefix}.errands.dlq")
        assert 0 == await worker.stop()
    assert [b"done call", b"fired timer"] == sorted(bodies(out))
    assert {b"5 poison-timer", b"poison-call k "} == set(bodies(dead))
    result = next(dict(row.headers) for row in dead if row.value == b"poison-call k ")
    assert b'{"verdict":"ZG9uZQ==","id":"cG9pc29uLWNhbGw="}' == result["dlq-result"]


async def test_poison_is_buried_once_over_a_crash_after_the_commit(
    servers: Servers, app_prefix: str, tmp_path: Path
) -> None:
    worker = await worker_for(servers, app_prefix, tmp_path)
    async with ended(worker):
        await worker.start()
        await worker.until_ready("errands")
        arm(tmp_path, "die_after")
        rows = [(b"user-1", b"poison p"), (b"user-1", b"say 1")]
        await write(servers.bootstrap, f"{app_prefix}.in", 2, rows)
        assert -9 == await worker.wait()
        await worker.start()
        await worker.until_ready("errands", 2)
        assert [b"1"] == bodies(await read_until(servers.bootstrap, f"{app_prefix}.out", bool))
        assert 0 == await worker.stop()
    assert [b"poison p"] == bodies(await read(servers.bootstrap, f"{app_prefix}.in.dlq"))
