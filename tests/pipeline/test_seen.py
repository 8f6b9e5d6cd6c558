"""The seen stage from posts to consumers over HTTP and back, without a broker; crashes included."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from msgspec import json

from connectors.clock import now_ms
from connectors.fake.server import FakeSettings, RunningFake, running
from schemas.records import SeenFailed, SeenTag
from tests.pipeline.seen_task import DEAD, LIVE, TAG, Registered, Task


@asynccontextmanager
async def world(ledger: Path) -> AsyncIterator[tuple[Task, RunningFake]]:
    async with running(FakeSettings(ledger=ledger, hang_ms=200), now_ms) as fake:
        ports = Registered(fake.url)
        task = Task(ports)
        try:
            yield task, fake
        finally:
            await task.effects.close(0)
            await ports.consumers.close()


async def script(fake: RunningFake, **rule: Any) -> None:
    async with (
        ClientSession(fake.url) as http,
        http.post("/script", json={"channel": "seen", **rule}) as done,
    ):
        assert 201 == done.status


def taken(ledger: Path) -> dict[str, Counter[str]]:
    """By consumer: how often each fact was taken, repeats that were recognised included."""
    found: dict[str, Counter[str]] = {LIVE: Counter(), DEAD: Counter()}
    for line in ledger.read_bytes().splitlines():
        call = orjson.loads(line)
        if call["taken"] or call["repeat"]:
            found[call["account"]][call["idempotency_key"]] += 1
    return found


@pytest.mark.spec("SEEN-021 SEEN-OP-07 SEEN-031")
async def test_a_fact_reaches_its_topic_and_both_consumers_once(tmp_path: Path) -> None:
    async with world(tmp_path / "ledger") as (task, _):
        for number in (1, 2, 2):
            task.post(number)
        await task.run()
        assert 2 == len(task.of("seen.copy"))
        assert {LIVE: [1, 1], DEAD: [1, 1]} == {
            name: list(keys.values()) for name, keys in taken(tmp_path / "ledger").items()
        }
        counted = [
            task.ports.value("carillon_seen_decisions_total", decision=d) for d in ("passed", "repeated")
        ]
        assert [2, 1] == counted
        assert 2 == task.ports.value("carillon_seen_lag_seconds_count", destination=LIVE)


@pytest.mark.spec("SEEN-OP-18")
async def test_while_one_is_dead_the_other_gets_everything_at_once(tmp_path: Path) -> None:
    async with world(tmp_path / "ledger") as (task, fake):
        await script(fake, fault="refuse", word="unavailable", account=DEAD)
        for number in range(40):
            task.post(number)
        began = task.now
        while len(taken(tmp_path / "ledger")[LIVE]) < 40:
            if not await task.turn():
                await task.answered()
        assert began == task.now, "no timer had to pass"
        assert 1 == task.ports.value("carillon_seen_breaker_open", destination=DEAD)
        assert 40 == task.undelivered(DEAD)
        async with ClientSession(fake.url) as http:
            await http.delete("/script")
        await task.run()
        assert 40 == len(taken(tmp_path / "ledger")[DEAD])
        assert 0 == task.undelivered(DEAD)
        assert [] == task.of("seen.failed")


@pytest.mark.spec("SEEN-OP-16")
async def test_a_hanging_consumer_is_given_up_in_the_end_and_every_fact_is_in_the_dead_letters(
    tmp_path: Path,
) -> None:
    async with world(tmp_path / "ledger") as (task, fake):
        (tag,) = task.ports.reference.tags
        task.ports.reference.tags[:] = [
            SeenTag(tag=TAG, destinations=[], targets=tag.targets, remember_for_s=300)
        ]
        await script(fake, fault="drop", account=DEAD)
        for number in range(12):
            task.post(number)
        await task.run()
        failed = [json.decode(one.value or b"", type=SeenFailed) for one in task.of("seen.failed")]
        assert 12 == len({one.fact_id for one in failed}) == len(failed)
        assert {(DEAD, "out_of_time")} == {(one.destination, one.reason) for one in failed}
        assert 12 == len(taken(tmp_path / "ledger")[LIVE])
        assert 12 == task.ports.value("carillon_seen_deliveries_total", destination=DEAD, result="failed")


@pytest.mark.spec("SEEN-056 SEEN-OP-14")
@pytest.mark.parametrize("every", [2, 3, 5])
async def test_crashes_lose_nothing_and_repeat_only_what_they_hid(tmp_path: Path, every: int) -> None:
    """Each consumer gets each fact; further calls of one are no more than the calls that a crash hid."""
    async with world(tmp_path / "ledger") as (task, fake):
        await script(fake, fault="refuse", word="unavailable", account=DEAD, times=15)
        for number in range(30):
            task.post(number)
        for turn in range(24):
            crash = ("before", "after")[turn % 2] if turn % every == 0 else ""
            if not await task.turn(crash) and task.effects.load:
                await task.answered()
        await task.run()
        hidden = {name: task.ports.value(
            "carillon_seen_deliveries_total", destination=name, result="hidden"
        ) for name in (LIVE, DEAD)}  # fmt: skip
        found = taken(tmp_path / "ledger")
        for name in (LIVE, DEAD):
            assert 30 == len(found[name])
            assert found[name].total() - 30 <= hidden[name]
        assert 30 == len(task.of("seen.copy"))
        assert sum(hidden.values())
        assert [] == task.of("seen.failed")
