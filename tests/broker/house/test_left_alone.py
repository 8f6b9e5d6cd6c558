"""A provider that dies in the middle of a feed: the other takes its messages; later it gets them again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

WAVE = 30
MAIN, RESERVE = "sms-main", "sms-reserve"
TRIES = 5
"""So often at most a provider is tried while a wave passes that leaves it out; a pause lasts two seconds."""
PATIENCE_S = 60.0
SENT = """
select m.idempotency_key as name, m.provider_name as provider, m.attempts from notification_messages m
where m.idempotency_key like 'alone-%' and m.status = 'sent'
"""


@dataclass(frozen=True, slots=True)
class Told:
    """Calls of each wave in the order of the ledger, and the rows of all."""

    waves: dict[str, list[dict[str, Any]]]
    rows: list[Any]
    many: int


def _named(wave: str, many: int = WAVE) -> list[str]:
    return [f"alone-{wave}-{number}" for number in range(many)]


DYING = [f"dying-{number}" for number in range(9)]
"""As many of these as it takes: what other tests sent within the window counts for the provider."""
NAMES = [name for wave in ("well", *DYING, "dead", "back") for name in _named(wave)]
PHONES = {name: phone(7_000 + number) for number, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def told(house: House) -> Told:
    """Waves until and after it is left alone; then message after message until the provider has one again."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_told(house))


async def _told(house: House) -> Told:
    await house.send(*(Sent("user.events", known(who, phone=PHONES[who]), user(who)) for who in PHONES))
    await house.read_by("intake", "recipient")
    waves = {"well": await _wave(house, _named("well"))}
    await house.script(fault="refuse", word="unavailable", channel="sms", account=MAIN)
    for wave in DYING:
        waves[wave] = await _wave(house, _named(wave))
        if _spared(waves[wave]):
            break
    waves["dead"] = await _wave(house, _named("dead"))
    await house.forget_scripts()
    sent = [name for wave in waves for name in _named(wave)]
    waves["back"] = []
    for name in _named("back"):
        sent.append(name)
        waves["back"] += await _wave(house, [name])
        if waves["back"][-1]["account"] == MAIN:
            break
        await asyncio.sleep(0.3)
    rows = await house.rows(SENT, [], len(sent))
    return Told(waves, rows, len(sent))


async def _wave(house: House, names: list[str]) -> list[dict[str, Any]]:
    """Ask for a text to each, and wait until each was taken; all calls of it."""
    await house.send(*(Sent("notification.send.request", _asked(name), user(name)) for name in names))
    numbers = {PHONES[name] for name in names}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            calls = [row for row in house.ledger if row["recipient"] in numbers]
            if {row["recipient"] for row in calls if row["taken"]} == numbers:
                return calls
            await asyncio.sleep(0.05)


def _spared(calls: list[dict[str, Any]]) -> bool:
    """Whether someone was served without a call at the provider that refuses all."""
    return {row["recipient"] for row in calls} > {row["recipient"] for row in calls if row["account"] == MAIN}


def _asked(name: str) -> dict[str, Any]:
    return {
        "user_id": user(name),
        "notification_type": "hidden_repeat",
        "data": {"Text": name},
        "idempotency_key": name,
    }


@pytest.mark.spec("NS-OPS-043 NS-SND-044")
def test_every_message_is_sent_once_by_one_or_the_other(told: Told) -> None:
    taken = Counter(row["recipient"] for calls in told.waves.values() for row in calls if row["taken"])
    assert {1} == set(taken.values())
    assert told.many == len(taken) == len(told.rows)


@pytest.mark.spec("NS-OPS-041 NS-OPS-OP-06")
def test_a_provider_that_died_is_left_alone_and_nobody_pays_for_it(told: Told) -> None:
    assert {MAIN} == {row["account"] for row in told.waves["well"]}
    at_main = [row for row in told.waves["dead"] if row["account"] == MAIN]
    assert len(at_main) <= TRIES
    paid = {row["name"]: row["attempts"] for row in told.rows if "-dead-" in row["name"]}
    tried = {row["recipient"] for row in at_main}
    assert {1} == {many for name, many in paid.items() if PHONES[name] not in tried}


@pytest.mark.spec("NS-OPS-OP-06")
def test_a_provider_that_is_back_gets_messages_again(told: Told) -> None:
    assert MAIN == told.waves["back"][-1]["account"]
