"""The seen stage with the engine's own computing, calls and timers, and consumers over HTTP; no broker.

A crash drops what is in memory, before or after the commit; a new task opens on the rows that were committed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from aiohttp import ClientSession
from msgspec import json
from prometheus_client import CollectorRegistry

from connectors.clock import now_ms
from connectors.consumers import Consumers
from connectors.fake.server import FakeSettings, RunningFake, running
from connectors.seen_metrics import SeenMetrics
from schemas.codec import Decoder, SchemaBook, encode
from schemas.records import SeenCall, SeenDestination, SeenFailed, SeenPosted, SeenTag
from streams.engine import inner
from streams.engine.api import LATER, Event
from streams.engine.compute import Computed, Desk, compute
from streams.engine.effects import Effects
from streams.engine.turns import Turns
from streams.seen import seen_stage
from streams.settings import Settings
from streams.topology import Outside
from streams.wiring import Reading
from tables.consumers import Consumer, key_of
from tests.fakes import MemoryReference
from tests.messages import T0
from tests.unit.streams.engine.desks import KeptOutputs, Written

TAG, LIVE, DEAD = "promotions", "live", "dead"
CONSUMERS = b"\2"


async def _caught_up() -> bool:
    return True


class Rows:
    """Committed rows, in the order of their keys."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def scan(self, _prefix: bytes, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes]]:
        yield from sorted((key, row) for key, row in self.rows.items() if first <= key < last)

    def write(self, written: dict[bytes, bytes | None]) -> None:
        for key, row in written.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row


class Registered:
    """The stage on real ports, but for the reference topic."""

    def __init__(self, url: str) -> None:
        self.registry = CollectorRegistry()
        figures = SeenMetrics(self.registry, lambda: T0)
        targets = [
            SeenDestination(kind="api", name=name, url=f"{url}/consumers/{name}", in_flight=4, timeout_ms=500)
            for name in (LIVE, DEAD)
        ]
        self.reference = MemoryReference(tags=[SeenTag(tag=TAG, destinations=["seen.copy"], targets=targets)])
        self.consumers = Consumers(self.reference.tag, figures)
        port: Any = None
        outside = Outside(
            reading=Reading(SchemaBook(), _caught_up),
            book=SchemaBook(),
            ignored_fields=port,
            reference=self.reference,
            cipher=port,
            renderer=port,
            addresses=port,
            perform=port,
            sink=port,
            consumers=self.consumers,
            figures=figures,
        )
        self.stage = seen_stage(Settings(), outside)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"tag": TAG, **labels}) or 0.0


@dataclass
class Task:
    """One task over all its lives. `now` is set forward to the next timer when nothing else is to do."""

    ports: Registered
    store: Rows = field(default_factory=Rows)
    log: list[bytes] = field(default_factory=list)
    offset: int = 0
    now: int = T0
    written: list[Written] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.effects = self._new_effects()

    def _new_effects(self) -> Effects:
        route = self.ports.stage.effect
        assert route is not None
        return Effects(route, lambda: self.now, self.woken.set)

    def post(self, number: int) -> None:
        user = f"u-{number}"
        posted = SeenPosted(
            kind="client",
            tag=TAG,
            id="p",
            seen_at=T0,
            received_at=self.now,
            user={"user_id": user},
            user_key=f"user:{user}",
        )
        self.log.append(encode(posted))

    async def turn(self, crash: str = "") -> bool:
        """One batch; False when there was nothing to do. `crash`: `before` or `after` its commit."""
        results = list(self.effects.results)
        due, _ = inner.due_timers(cast("Any", self.store), 0, self.now, 100)
        records = [
            Event(LATER, b"k", self.now, (("traceparent", b"00-1-2-01"),), "facts.seen", 0, offset, raw)
            for offset, raw in enumerate(self.log[self.offset : self.offset + 7], self.offset)
        ]
        if not (events := [*results, *due, *records]):
            return False
        outputs = KeptOutputs({})
        done = await self._computed(events, outputs)
        if crash != "before":
            self._commit(done, events, outputs)
        if crash:
            await self._crash()
        elif done.taken:
            self.effects.handled(events[: done.taken])
            self.effects.begin(done.effects, done.ended_at)
            done.tell()
        self._check()
        return True

    async def _computed(self, events: list[Event], outputs: KeptOutputs) -> Computed:
        turns = Turns()
        async with turns.turn(lambda: False, 0.0) as turn:
            desk = Desk(self.ports.stage, 0, self.store.rows.get, lambda: outputs, lambda _: 1, turn, 1)
            return await compute(desk, events, self.now)

    def _commit(self, done: Computed, events: list[Event], outputs: KeptOutputs) -> None:
        assert [] == done.dead
        self.store.write(done.overlay.writes)
        self.written += outputs.written
        self.offset += len([event for event in events[: done.taken] if event.topic])

    async def _crash(self) -> None:
        await self.effects.close(0)
        self.effects = self._new_effects()
        self.effects.open(inner.open_effects(cast("Any", self.store)), time.monotonic())

    def _check(self) -> None:
        """The number in each consumer's row is that of its call rows, at any commit."""
        read, decode = Decoder(SeenCall), Decoder(Consumer)
        found = inner.open_effects(cast("Any", self.store))
        calls = Counter(read(payload).parcel.destination for *_, payload in found)
        for name in (LIVE, DEAD):
            row = self.store.rows.get(CONSUMERS + key_of(TAG, name))
            assert calls[name] == (0 if row is None else decode(row[8:]).open_calls) <= 4

    async def run(self, most: int = 2_000) -> None:
        """Until nothing is left to do, at most so many turns."""
        for _ in range(most):
            if await self.turn():
                continue
            if self.effects.load:
                await self._woken()
            elif (next_at := inner.next_timer(cast("Any", self.store), 0)) is not None:
                self.now = max(self.now, next_at)
            else:
                return

    async def _woken(self) -> None:
        if not self.effects.results:
            self.woken.clear()
            async with asyncio.timeout(30):
                await self.woken.wait()

    def of(self, topic: str) -> list[Written]:
        return [one for one in self.written if one.topic == topic]


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


async def test_while_one_is_dead_the_other_gets_everything_at_once(tmp_path: Path) -> None:
    async with world(tmp_path / "ledger") as (task, fake):
        await script(fake, fault="refuse", word="unavailable", account=DEAD)
        for number in range(40):
            task.post(number)
        began = task.now
        while len(taken(tmp_path / "ledger")[LIVE]) < 40:
            if not await task.turn():
                await task._woken()
        assert began == task.now, "no timer had to pass"
        assert 1 == task.ports.value("carillon_seen_breaker_open", destination=DEAD)
        async with ClientSession(fake.url) as http:
            await http.delete("/script")
        await task.run()
        assert 40 == len(taken(tmp_path / "ledger")[DEAD])
        assert [] == task.of("seen.failed")


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
                await task._woken()
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
