"""Keys are changed under traffic, and the command that seals anew is killed on its way: nothing is lost.

Addresses change and messages are asked for all the while, beside whom the command writes what it read a
moment before. At the end the older key is withdrawn, and everybody is reached.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from base64 import b64decode
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from connectors.cipher import Cipher
from connectors.kafka_clients import connected, open_brokers
from schemas.codec import Decoder
from schemas.ids import subject_key
from schemas.topics import CONTACTS
from streams.applying import apply_directory
from streams.changelogs import partitions_of
from streams.persons import learned_schemas
from streams.resealing import CONTACT_ROWS
from streams.scaling.homes import payload_of
from streams.settings import Settings
from tables.contacts import Contacts
from tests.broker.faults.system import ROOT
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent, running_house
from tests.broker.house.test_devices import api
from tests.broker.house.traces import kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

K1, K2 = Cipher.new_key("k1"), Cipher.new_key("k2")
HASH_KEY = K1.partition(":")[2]
NEW = Cipher.of_text(K2, HASH_KEY)
PATIENCE_S = 240.0
USERS = 60
"""Each with a mail address, a phone and a device."""
TOKENS = "SELECT user_id::TEXT, token FROM device_tokens ORDER BY user_id"
SENT = "SELECT 1 FROM notification_messages WHERE idempotency_key LIKE $1 AND status = 'sent'"


def name_of(number: int) -> str:
    return f"rotated-{number}"


def token_of(number: int) -> str:
    return f"device-{number:03}-of-whom-keys-change-k2pQ0r"


def asked(number: int, key: str, kind: str = "hidden_repeat") -> Sent:
    who = user(name_of(number))
    value = {"user_id": who, "notification_type": kind, "data": {"Text": key}, "idempotency_key": key}
    return Sent("notification.send.request", value, who)


@dataclass(slots=True)
class Traffic:
    """What was said last of each user, what was asked for, and what the API could not show."""

    house: House
    addresses: dict[int, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    unread: list[Any] = field(default_factory=list)
    is_over: bool = False

    async def begin(self) -> None:
        """Everybody, sealed by the older key."""
        for number in range(USERS):
            self.addresses[number] = f"{number}-v0@example.com"
        facts = [self._known(number, phone=phone(40_000 + number)) for number in range(USERS)]
        devices = [
            Sent("user.events", self._device(number), user(name_of(number))) for number in range(USERS)
        ]
        await self.house.send(*facts, *devices)
        await self.house.read_by("intake", "recipient")
        assert USERS == len(await self.house.rows(TOKENS, [], USERS))

    async def flow(self) -> None:
        """Until it is over: an address changes, a message is asked for, a device is read."""
        count = 0
        while not self.is_over:
            number = count % USERS
            self.addresses[number] = f"{number}-v{count + 1}@example.com"
            self.keys.append(f"rotated-{count}")
            await self.house.send(self._known(number), asked(number, self.keys[-1]))
            await self.look(number)
            count += 1

    async def look(self, number: int) -> None:
        """At his device, over HTTP; while that process starts again nobody answers."""
        try:
            status, listed = await api(self.house, "GET", f"/user/{user(name_of(number))}")
        except OSError:
            return
        if status == 200 and [token_of(number)[-6:]] != [one["token_end"] for one in listed]:
            self.unread.append(listed)

    def _known(self, number: int, **more: Any) -> Sent:
        name = name_of(number)
        return Sent("user.events", known(name, email=self.addresses[number], **more), user(name))

    def _device(self, number: int) -> dict[str, Any]:
        data = {"platform": "android", "token": token_of(number)}
        return {"event_type": "user.device_registered", "user_id": user(name_of(number)), "data": data}


@asynccontextmanager
async def flowing(traffic: Traffic) -> AsyncIterator[None]:
    """While the block lasts."""
    async with asyncio.TaskGroup() as group:
        group.create_task(traffic.flow())
        try:
            yield
        finally:
            traffic.is_over = True


async def restarted(house: House, **crypto: str) -> None:
    """Both processes, with these keys; killed, as nobody waits for them."""
    house.settings["crypto"] |= crypto
    for program in (house.worker, house.http):
        program.signal(signal.SIGKILL)
        await program.ended()
        program.start()
    await house.http.until_ready()


async def sent(house: House, keys: str, many: int) -> bool:
    """As soon as so many messages are sent whose keys are like these."""
    async with asyncio.timeout(PATIENCE_S):
        while len(await house.rows(SENT, [keys], many)) < many:
            pass
    return True


async def sealing(house: House, *words: str) -> asyncio.subprocess.Process:
    """`carillon crypto reseal`, begun."""
    environment = {**os.environ, **house.environment, "CARILLON_CRYPTO__HASH_KEY": HASH_KEY}
    argv = (sys.executable, "-m", "streams.cli", "crypto", "reseal", *words)
    told = environment | {"PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(*argv, env=told, stdout=asyncio.subprocess.PIPE)


async def sealed(house: House, *words: str) -> dict[str, Any]:
    """`carillon crypto reseal`, to its end; what it says."""
    command = await sealing(house, *words)
    said, _ = await command.communicate()
    assert 0 == command.returncode
    return dict(json.loads(said))


async def killed_on_its_way(house: House) -> int:
    """As soon as it has written something; its exit code."""
    brokers = open_brokers(house.kafka.address)
    async with connected(AIOKafkaConsumer(**brokers, enable_auto_commit=False)) as consumer:
        count = await partitions_of(brokers, CONTACTS)
        consumer.assign([TopicPartition(CONTACTS, number) for number in range(count)])
        await consumer.seek_to_beginning()
        command = await sealing(house)
        async with asyncio.timeout(PATIENCE_S):
            async for record in consumer:
                if b"resealed" in (record.value or b""):
                    break
    command.kill()
    return await command.wait()


async def emails(house: House) -> dict[int, str]:
    """By user, as the newest key opens what the stage keeps."""
    rows = await kept(house, "recipient")
    read = Decoder(Contacts, book=await learned_schemas(open_brokers(house.kafka.address)))
    found = {}
    for number in range(USERS):
        key = CONTACT_ROWS + subject_key(user(name_of(number)))
        contacts: Contacts = read(payload_of(key, rows[key]))
        assert contacts.email is not None
        found[number] = NEW.open(contacts.email.sealed).decode()
    return found


async def played(house: House) -> None:
    traffic = Traffic(house)
    await traffic.begin()
    before = await sealed(house, "--check")
    async with flowing(traffic):
        await restarted(house, keys=f"{K2},{K1}")
        assert await sent(house, "rotated-%", len(traffic.keys) + 1)
        assert -signal.SIGKILL == await killed_on_its_way(house)
        done = await sealed(house)
        assert done["written"] > 0
        settings = Settings(data_dir=house.folder / "here", **house.settings)
        assert {"provider"} == {
            name.partition(":")[0] for name in await apply_directory(settings, house.folder / "book")
        }
    assert await sent(house, "rotated-%", len(traffic.keys))
    await house.read_by("intake", "recipient", "sink")
    after = await sealed(house, "--check")
    assert ({"k1": 2 * USERS}, {"k1": USERS}) == (before["by_key"], before["tokens_by_key"])
    assert ({"k2": 2 * USERS}, {"k2": USERS}) == (after["by_key"], after["tokens_by_key"])
    assert traffic.addresses == await emails(house)
    tokens = {row["user_id"]: row["token"] for row in await house.rows(TOKENS, [], USERS)}
    wanted = {user(name_of(number)): token_of(number) for number in range(USERS)}
    assert wanted == {who: NEW.open(b64decode(token)).decode() for who, token in tokens.items()}
    await withdrawn(house, traffic)


async def withdrawn(house: House, traffic: Traffic) -> None:
    """Everybody is reached by a text and a push without the older key, and no reading ever missed it."""
    await restarted(house, keys=K2, withdrawn="k1")
    texts = [asked(number, f"last-text-{number}") for number in range(USERS)]
    pushes = [asked(number, f"last-push-{number}", "pushed") for number in range(USERS)]
    await house.send(*texts, *pushes)
    assert await sent(house, "last-%", len(texts) + len(pushes))
    for number in range(USERS):
        await traffic.look(number)
    assert [] == traffic.unread
    calls = Counter(row["recipient"] for row in house.ledger if row["taken"])
    assert set() == {token_of(number) for number in range(USERS)} - calls.keys()


@pytest.mark.timeout(900)
@pytest.mark.spec("NS-SEC-003 NS-SEC-OP-01")
def test_all_is_sealed_anew_under_traffic_though_the_command_was_killed_and_the_older_key_can_go(
    tmp_path: Path,
) -> None:
    """Mutation: tokens are counted only: all of them are of the older key still."""
    crypto = {"keys": f"{K1},{K2}", "hash_key": HASH_KEY}
    with running_house(tmp_path, crypto=crypto) as house:
        asyncio.run(played(house))
