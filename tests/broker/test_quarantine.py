"""A flood is held, and after a release each request is sent once, over two kills; another is rejected."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streams.quarantine_desk import anomalies
from tests.broker.faults.system import ROOT
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent, running_house
from tests.broker.house.issuer import token
from tests.broker.house.test_access import ask

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.kafka_clients import Brokers

SMALL = {"mode": "hold", "factor": 2, "floor_per_minute": 10, "grace_minutes": 0}
"""Over 20 in a minute are too many of whoever is new."""
CODE = "hidden_ask"
WAVE = 15
HELD = 60
PATIENCE_S = 180.0
ROWS = "select idempotency_key as name, outcome, reason from notification_requests where source = $1"
WAITING = f"{ROWS} and outcome = 'waiting' and reason = 'quarantined'"
LINES = "select action, object_id from audit_log where object_type = 'flow'"
MESSAGES = "select idempotency_key as name, status from notification_messages where source = $1"


@dataclass(frozen=True, slots=True)
class Told:
    """`early`: calls before the release for what came when it was held."""

    sent: list[str]
    early: int
    rows: dict[str, tuple[str, str | None]]
    messages: Counter[str]
    calls: Counter[str]
    rejected: set[tuple[str, str | None]]
    lines: set[tuple[str, str]]
    left: int


def asked(name: str, source: str) -> Sent:
    value = {
        "user_id": user(name),
        "notification_type": CODE,
        "data": {"Text": name},
        "idempotency_key": name,
    }
    return Sent("notification.send.request", value, user(name), (("source", source),))


def number_of(name: str) -> str:
    source, _, number = name.rpartition("-")
    return phone((20_000 if source == "flood" else 30_000) + int(number))


class Flood:
    """One service that asks for too much."""

    def __init__(self, house: House, source: str) -> None:
        self.house, self.source = house, source
        self.sent: list[str] = []

    async def wave(self, many: int) -> list[str]:
        """So many more, each to a user of its own."""
        names = [f"{self.source}-{len(self.sent) + number}" for number in range(many)]
        facts = (Sent("user.events", known(name, phone=number_of(name)), user(name)) for name in names)
        await self.house.send(*facts)
        await self.house.read_by("intake", "recipient")
        await self.house.send(*(asked(name, self.source) for name in names))
        self.sent += names
        return names

    async def until_held(self) -> None:
        """Minutes of the clock are judged, so a wave may fall into two of them."""
        async with asyncio.timeout(PATIENCE_S):
            while self.source not in await self._held():
                await self.wave(WAVE)

    async def release(self) -> None:
        """By the command, as a person would who has set the variables."""
        words = ("-m", "streams.cli", "quarantine", "release", self.source, CODE)
        environment = {**os.environ, **self.house.environment, "PYTHONPATH": str(ROOT)}
        command = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment)
        assert 0 == await command.wait()

    async def reject(self) -> None:
        """Over HTTP, as an admin."""
        order = {"source": self.source, "notification_type": CODE, "order": "reject"}
        assert 202 == (await ask(self.house.http, token(), "POST", "/quarantine", order))[0]

    @property
    def brokers(self) -> Brokers:
        return {"bootstrap_servers": self.house.kafka.address}

    async def _held(self) -> set[str]:
        return {each.source for each in await anomalies(self.brokers) if each.is_held}

    async def waiting(self, names: list[str]) -> None:
        """Until each of these is told as waiting."""
        async with asyncio.timeout(PATIENCE_S):
            while not {row["name"] for row in await self.rows(WAITING, len(names))} >= set(names):
                await asyncio.sleep(0.1)

    async def rows(self, query: str, many: int) -> list[Any]:
        """As soon as there are so many, however long it takes."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := await self.house.rows(query, [self.source], many)) < many:
                pass
        return found


async def strike(house: House) -> None:
    """Kill the worker, and start it again."""
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()


async def played(house: House) -> Told:
    flood = Flood(house, "flood")
    await flood.until_held()
    held = await flood.wave(HELD)
    await strike(house)
    await house.worker.until_ready()
    await flood.waiting(held)
    numbers = {number_of(name) for name in held}
    early = sum(row["recipient"] in numbers for row in house.ledger)
    await flood.release()
    await strike(house)
    await house.worker.until_ready()
    done = await flood.rows(f"{ROWS} and outcome = 'accepted'", len(flood.sent))
    await flood.rows(f"{MESSAGES} and status = 'sent'", len(flood.sent))
    other = Flood(house, "other")
    await other.until_held()
    await other.waiting(await other.wave(WAVE))
    await other.reject()
    ended = await other.rows(f"{ROWS} and outcome = 'rejected'", WAVE)
    messages = await house.rows(MESSAGES, ["flood"], len(flood.sent))
    return Told(
        sent=flood.sent,
        early=early,
        rows={row["name"]: (row["outcome"], row["reason"]) for row in done},
        messages=Counter(row["name"] for row in messages),
        calls=Counter(row["recipient"] for row in house.ledger if row["taken"]),
        rejected={(row["outcome"], row["reason"]) for row in ended},
        lines={(row["action"], row["object_id"]) for row in await house.rows(LINES, [], 2)},
        left=len(await house.rows(WAITING, ["flood"], 0)),
    )


@pytest.mark.timeout(900)
@pytest.mark.spec("NS-SEC-032 NS-SEC-OP-07 NS-SEC-005")
def test_a_flood_waits_until_it_is_released_and_then_each_is_sent_once(tmp_path: Path) -> None:
    """The worker is killed while they wait, and right behind the order that releases them."""
    with running_house(tmp_path, quarantine=SMALL) as house:
        told = asyncio.run(played(house))
    assert 0 == told.early
    assert dict.fromkeys(told.sent, ("accepted", None)) == told.rows
    assert dict.fromkeys(told.sent, 1) == told.messages
    assert dict.fromkeys(told.sent, 1) == {name: told.calls[number_of(name)] for name in told.sent}
    assert {("rejected", "quarantine_rejected")} == told.rejected
    assert {("quarantine.release", f"flood/{CODE}"), ("quarantine.reject", f"other/{CODE}")} == told.lines
    assert 0 == told.left
