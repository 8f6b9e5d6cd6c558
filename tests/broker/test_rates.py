"""Two workers share the rate of one provider, and an urgent text overtakes those that wait (NS-CH-OP-03)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streams.applying import apply_directory
from streams.settings import Settings
from tests.broker.faults.system import Program, free_port
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent, running_house

if TYPE_CHECKING:
    from pathlib import Path

RATE = 20
MANY = 200
URGENT = MANY
BURST = RATE // 4
AHEAD = RATE // 2
"""Of each worker: grants that it has not said to have seen (tables/rates.py)."""
PATIENCE_S = 300.0


def asked(number: int, priority: str) -> Sent:
    name = f"rated-{number}"
    value = {
        "user_id": user(name),
        "notification_type": "hidden_repeat",
        "data": {"Text": name},
        "priority": priority,
        "idempotency_key": name,
    }
    return Sent("notification.send.request", value, user(name))


async def limit(house: House) -> None:
    """The first provider of texts gets its limit."""
    path = house.folder / "book" / "providers.yaml"
    providers = yaml.safe_load(path.read_text(encoding="utf-8"))
    for each in providers:
        if each["name"] == "sms-main":
            each["rate_limit"] = RATE
    path.write_text(yaml.safe_dump(providers), encoding="utf-8")
    await apply_directory(Settings(data_dir=house.folder / "here", **house.settings), path.parent)


def second_worker(house: House) -> Program:
    own: dict[str, Any] = {
        "data_dir": str(house.folder / "second-data"),
        "http": {"port": free_port(), "ops_port": free_port()},
        "engine": {"worker_name": "house-second"},
        "log": {"format": "json"},
    }
    return Program("second", house.folder, ("streams.cli", "worker"), house.settings | own)


async def texts(house: House, many: int) -> list[dict[str, Any]]:
    """Calls that reached the provider, in order."""
    async with asyncio.timeout(PATIENCE_S):
        while len(found := [row for row in house.ledger if row["channel"] == "sms"]) < many:
            house.worker.check_alive()
            await asyncio.sleep(0.1)
    return found


async def played(house: House) -> list[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        await limit(house)
        second = second_worker(house)
        stack.push_async_callback(second.stop)
        second.start()
        await second.until_ready()
        people = [(f"rated-{number}", phone(700 + number)) for number in range(MANY + 1)]
        await house.send(
            *(Sent("user.events", known(who, phone=number), user(who)) for who, number in people)
        )
        await house.read_by("intake", "recipient")
        await house.send(*(asked(number, "low") for number in range(MANY)))
        await texts(house, MANY // 4)
        await house.send(asked(URGENT, "high"))
        return await texts(house, MANY + 1)


@pytest.mark.spec("NS-CH-OP-03 NS-SND-064")
def test_two_workers_share_a_rate_and_an_urgent_text_overtakes(tmp_path: Path) -> None:
    """Mutation tried: none waits at the gate: fails (201 texts within a second or two)."""
    with running_house(tmp_path) as house:
        calls = asyncio.run(played(house))
    assert {phone(700 + number) for number in range(MANY + 1)} == {call["recipient"] for call in calls}
    assert MANY + 1 == len(calls)
    times = [call["at"] for call in calls]
    most = max(sum(at <= each < at + 1_000 for each in times) for at in times)
    took_s = (times[-1] - times[0]) / 1_000
    place = [call["recipient"] for call in calls].index(phone(700 + URGENT))
    print(f"{took_s} s, at most {most} in a second, the urgent one at place {place}")
    assert took_s >= (MANY + 1 - BURST - 2 * AHEAD) / RATE
    assert most <= RATE + BURST + 2 * AHEAD
    assert place < MANY * 3 // 4
