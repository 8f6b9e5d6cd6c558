"""Records too large for a topic: read, buried whole or as a stub, refused (design rule 11)."""

from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaProducer

from tests.broker.app.dead import bodies, reason, worker_for
from tests.broker.app.ledger import read_until, write
from tests.broker.app.process import ended
from tests.servers import Servers

MIB = 1 << 20


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
        dead = await read_until(servers.bootstrap, f"{app_prefix}.in.dlq", lambda rows: len(rows) >= 2)
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
        dead = await read_until(servers.bootstrap, f"{app_prefix}.in.dlq", lambda rows: len(rows) >= 3)
        narrow = await read_until(servers.bootstrap, f"{app_prefix}.narrow", bool)
        assert [b"x" * 500] == bodies(narrow)
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
    assert [b"1"] == bodies(await read_until(servers.bootstrap, f"{app_prefix}.out", bool))
