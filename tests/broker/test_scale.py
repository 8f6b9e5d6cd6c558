"""Stages get three times as many tasks under a steady feed, the command killed on the way: books balance."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition

from connectors.embedded.kafka import EmbeddedKafka
from examples.books import gather
from streams.applying import apply_directory
from streams.running import prepare
from streams.settings import Settings
from tests.broker.faults.feed import Feed, feeding
from tests.broker.faults.load import Load
from tests.broker.faults.reconcile import EXAMPLES, ambiguous, checks, differences, expected
from tests.broker.faults.system import ROOT, SECRET, System, base_settings
from tests.broker.test_faults import DRAIN_S, _drained, _read_by

PER_SECOND = 60
OLD, NEW = 4, 12
PATIENCE_S = 120.0
REFUSED = {"fault": "refuse", "word": "unavailable", "channel": "email", "first": 4}
"""A message has six attempts: it always gets one that is not refused."""
BIRTH, TIME = b"birth", b"time"
TIMER, EFFECT = 0xFE, 0xFD
OWNERS = b"\7token:"
INPUTS = {
    "recipient": [
        *("facts.contacts", "facts.preferences", "facts.devices"),
        *("request.high", "request.normal", "request.low"),
    ],
    "delivery-email": ["channel.email.high", "channel.email.normal", "channel.email.low"],
}
OUTPUTS = {"recipient": INPUTS["delivery-email"], "delivery-email": ["outcomes"]}
Rows = dict[tuple[int, bytes], bytes]


@pytest.mark.spec("NS-OPS-001 NS-OPS-OP-02")
@pytest.mark.timeout(900)
async def test_a_stage_scaled_under_a_feed_loses_and_repeats_nothing_though_the_command_is_killed(
    own_kafka: EmbeddedKafka, database: str, tmp_path: Path
) -> None:
    """`recipient` with its tables, `delivery-email` with calls in flight and retries on timers."""
    base = base_settings(own_kafka.address, database)
    base["providers"] = {"breaker_calls": 0}  # what is refused here is to be on timers of its own
    system, load = System(tmp_path, base), Load(7)
    settings = Settings(data_dir=tmp_path / "here", **base)
    await prepare(settings, print)
    await apply_directory(settings, EXAMPLES)
    async with AsyncExitStack() as stack:
        await system.start_fake(stack)
        await system.start(stack)
        feed = await stack.enter_async_context(feeding(own_kafka.address, system.http_url, SECRET))
        await feed.all(load.users())
        await _read_by(settings, "intake", "recipient")
        stop = asyncio.Event()
        moved: dict[str, Rows] = {}
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.steadily(load, PER_SECOND, stop))
            for stage, killed_at in (("recipient", "move"), ("delivery-email", "writers use")):
                await _fed(feed, 3 * PER_SECOND)
                await _script(system, **REFUSED, times=250)
                await _script(system, fault="late", after_ms=300, channel="email", times=400)
                trouble = group.create_task(_refuse_some(system))
                await _killed(system, stage, killed_at)
                report = await _scaled(system, stage)
                trouble.cancel()
                moved[stage] = await _rows(own_kafka.address, stage)
                print(f"\n{stage}: {report}")
                print(f"  longest silence of its outputs: {await _silence(own_kafka.address, stage):.2f} s")
                assert report["opened_s"] is not None
            await _fed(feed, 3 * PER_SECOND)
            stop.set()
        wanted = expected(feed.fed)
        await _drained(database, wanted, DRAIN_S + time.monotonic() - feed.began)
        await _read_by(settings, "recipient", "delivery-email", "status", "stats", "seen")
        for worker in system.workers:
            worker.check_alive()
    found = await gather(own_kafka.address, database, system.ledger)
    results = checks(wanted, found)
    print(f"{len(feed.fed)} lines, {len(found.messages)} messages, {ambiguous(found).total()} unheard")
    for one in results:
        print(f"  {'ok  ' if one.wanted == one.got else 'DIFF'} {one.got.total():6} {one.name}")
    assert {} == differences(results)
    users = [user.encode() for user in load._users]
    for stage, inputs in INPUTS.items():
        assert [] == _misplaced(moved[stage], users)
        assert [] == _misplaced(await _rows(own_kafka.address, stage), users)
        assert set(range(NEW)) == {number for number, _ in await _records(own_kafka.address, inputs)}
    assert any(key[0] in {TIMER, EFFECT} and number >= OLD for number, key in moved["delivery-email"])


async def _refuse_some(system: System) -> None:
    """A few mails of each second: whenever rows are moved, retries of these are on their timers.

    Those of a pause come all at once when the stage is back.
    """
    while True:
        await _script(system, **REFUSED, times=4)
        await asyncio.sleep(1)


async def _script(system: System, **rule: Any) -> None:
    url = f"{system.base['providers']['fake_url']}/script"
    async with aiohttp.ClientSession() as session, session.post(url, json=rule) as answer:
        assert 201 == answer.status, await answer.text()


async def _fed(feed: Feed, many: int) -> None:
    """Until so many lines more were fed."""
    wanted = len(feed.fed) + many
    async with asyncio.timeout(PATIENCE_S):
        while len(feed.fed) < wanted:
            await asyncio.sleep(0.1)


async def _command(system: System, stage: str) -> asyncio.subprocess.Process:
    told = {"CARILLON_CONFIG": str(system.folder / "worker-a.yaml"), "PYTHONPATH": str(ROOT)}
    words = ("-m", "streams.cli", "topics", "scale", stage, "--partitions", str(NEW), "--json")
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, env=os.environ | told, stdout=pipe, stderr=pipe
    )


async def _killed(system: System, stage: str, at: str) -> None:
    """Begin, and kill the command as soon as it tells that it has come so far."""
    process = await _command(system, stage)
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        told = []
        while line := (await process.stderr.readline()).decode():
            told.append(line)
            if line.startswith(at):
                process.kill()
                break
        await process.wait()
    assert process.returncode == -9, "".join(told)


async def _scaled(system: System, stage: str) -> dict[str, Any]:
    process = await _command(system, stage)
    async with asyncio.timeout(PATIENCE_S):
        out, told = await process.communicate()
    assert 0 == process.returncode, told.decode()
    return dict(json.loads(out))


async def _records(bootstrap: str, topics: list[str]) -> list[tuple[int, Any]]:
    """Every committed record of these topics with its partition, in the order of each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    found: list[tuple[int, Any]] = []
    async with consumer:
        known = await consumer._client.fetch_all_metadata()
        tps = [TopicPartition(topic, n) for topic in topics for n in known.partitions_for_topic(topic) or ()]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                found += [(tp.partition, record) for record in records]
    return found


async def _rows(bootstrap: str, stage: str) -> Rows:
    """Live rows of a stage, by partition and key."""
    rows: Rows = {}
    for number, record in await _records(bootstrap, [f"carillon.{stage}.changelog"]):
        if record.key in {BIRTH, TIME}:
            continue
        if record.value is None:
            rows.pop((number, record.key), None)
        else:
            rows[number, record.key] = record.value
    return rows


def _misplaced(rows: Rows, users: list[bytes]) -> list[tuple[int, bytes]]:
    """Rows of a user in another partition than the user's key; whose a token is stands by the token's."""
    homes = {user: _home(b"user:" + user) for user in users}

    def found(key: bytes, value: bytes) -> set[int]:
        if key.startswith(OWNERS):
            return {_home(key[1:])}
        return {home for user, home in homes.items() if user in key or user in value}

    return [(number, key) for (number, key), value in rows.items() if {number} != found(key, value)]


def _home(key: bytes) -> int:
    return int(murmur2(key) & 0x7FFFFFFF) % NEW


async def _silence(bootstrap: str, stage: str) -> float:
    """The longest time (s) in which the stage wrote nothing, by the broker's clock."""
    records = await _records(bootstrap, OUTPUTS[stage])
    if stage == "delivery-email":  # the other channels write there, too
        records = [(number, one) for number, one in records if b"email" in one.value]
    times = sorted(record.timestamp for _, record in records)
    return float(max(after - before for before, after in pairwise(times)) / 1000)
