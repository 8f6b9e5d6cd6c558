"""Somebody of whom very much is kept is erased, while the worker is killed twice: nothing is left.

His messages are more than twice what the walk of the status stage looks at in one go, his requests that wait
more than it, his mailbox and his devices are full. Looked at: Postgres, topics, and the rows of all stages
with the key at hand, as whoever has the worker's disk and its settings could.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from agents.blank import STEP
from connectors.clock import now_ms
from connectors.kafka_clients import connected, open_brokers
from schemas.codec import SchemaBook
from schemas.ids import NOBODY, subject_key
from schemas.times import rfc3339
from streams.changelogs import partitions_of
from streams.engine.inner import TIMER
from streams.scaling.homes import homes
from tables.devices import MOST_DEVICES
from tables.erased import WALKS
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import APP, House, Sent
from tests.broker.house.issuer import token
from tests.broker.house.test_access import ask
from tests.broker.house.traces import OURS, kept, shows, stages_with, tables_with

NAME, CANARY = "erased-with-much", "Goldfinch"
USER, PHONE = user(NAME), phone(811)
MESSAGES, WAITING = 1_300, 620
PATIENCE_S = 240.0
"""A killed worker on a busy machine takes its time."""
TEXTS = (CANARY, PHONE.removeprefix("+"))
ERASED = b"\x09"
"""Number of the table of the erased, in the status stage."""
SENT = """
SELECT count(*) AS many FROM notification_messages WHERE user_id = $1::UUID AND status = 'sent'
HAVING count(*) = $2
"""
WAITS = """
SELECT count(*) AS many FROM notification_requests WHERE user_id = $1::UUID AND outcome = 'waiting'
HAVING count(*) = $2
"""
DEVICES = "SELECT 1 FROM device_tokens WHERE user_id = $1::UUID"
NAMES = """
SELECT array_agg(DISTINCT request_id::TEXT) AS names FROM notification_requests WHERE user_id = $1::UUID
"""
NOBODYS = """
SELECT
    (
        SELECT count(*) FROM notification_messages AS m
        WHERE m.request_id::TEXT = any($1) AND m.user_id = $2::UUID
    ) AS messages,
    (
        SELECT count(*) FROM notification_requests AS r
        WHERE r.request_id::TEXT = any($1) AND r.user_id = $2::UUID AND r.reason = 'user_erased'
    ) AS cancelled
"""


@dataclass(frozen=True, slots=True)
class Story:
    """`before`, `after`: stages that keep something of him, opened. `is_cut`: the walk, by a kill."""

    before: list[str]
    after: list[str]
    is_cut: bool
    tables: list[str]
    topics: list[str]
    nobodys: tuple[int, int]
    letters: int
    timers: int
    export: Any


@pytest.fixture(scope="module")
def story(house: House) -> Story:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_told(house))


async def _told(house: House) -> Story:
    await _live(house)
    before = await stages_with(house, *TEXTS)
    (row,) = await house.rows(NAMES, [USER], 1)
    status, told = await ask(house.http, token(), "POST", f"/users/{USER}/erasure", {})
    assert 202 == status, told
    await _kill(house)
    await _begins(house)
    is_cut = await _kill(house)
    await _is_over(house)
    await house.read_by("intake", "recipient", "mailbox", "status", "sink")
    (nobodys,) = await house.rows(NOBODYS, [row["names"], NOBODY], 1)
    topics = await house.topics(*OURS)
    mailbox = await kept(house, "mailbox")
    return Story(
        before=before,
        after=await stages_with(house, *TEXTS),
        is_cut=is_cut,
        tables=[name for text in (*TEXTS, USER) for name in await tables_with(house, text)],
        topics=[name for name, records in topics.items() if any(shows(one, *TEXTS) for one in records)],
        nobodys=(nobodys["messages"], nobodys["cancelled"]),
        letters=sum(subject_key(USER) in key for key in mailbox if key[:1] != b"\1"),
        timers=len(await _timers(house)),
        export=await ask(house.http, token(), "GET", f"/users/{USER}/export"),
    )


async def _live(house: House) -> None:
    """What he has and did; all of it stands in Postgres."""
    devices = [
        {"platform": "android", "token": f"{CANARY}-{number:04}-of-the-house-k2pQ0r"}
        for number in range(MOST_DEVICES)
    ]
    contacts = known(NAME, phone=PHONE, email=f"{CANARY}@example.com", devices=devices)
    consent = {"event_type": "user.consent_granted", "user_id": USER, "data": {"source": "house"}}
    await house.send(*(Sent("user.events", value, USER) for value in (contacts, consent)))
    await house.read_by("intake", "recipient")
    in_a_week = rfc3339(now_ms() + 7 * 86_400_000)
    asked = [_asked(number) for number in range(MESSAGES)]
    asked += [_asked(number, scheduled_at=in_a_week) for number in range(MESSAGES, MESSAGES + WAITING)]
    async with AIOKafkaProducer(bootstrap_servers=house.kafka.address, acks="all") as producer:
        answers = [await producer.send(one.topic, one.raw, key=USER.encode()) for one in asked]
        await asyncio.gather(*answers)
    for query, many in ((SENT, MESSAGES), (WAITS, WAITING)):
        assert 1 == len(await house.rows(query, [USER, many], 1)), query
    assert MOST_DEVICES == len(await house.rows(DEVICES, [USER], MOST_DEVICES))


def _asked(number: int, **fields: Any) -> Sent:
    value = {
        "user_id": USER,
        "notification_type": "told_in_app",
        "data": {"Text": f"Dear {CANARY}"},
        "idempotency_key": f"erased-with-much-{number}",
        **fields,
    }
    return Sent("notification.send.request", value, USER)


def _owes(key: bytes) -> bool:
    """A row that is there until the walk through his messages is over."""
    return key.startswith(ERASED + WALKS) and key.endswith(subject_key(USER))


async def _begins(house: House) -> None:
    """Until the status stage has written that row, whether or not it is there still."""
    changelog = f"{APP}.status.changelog"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=house.kafka.address, isolation_level="read_committed", enable_auto_commit=False
    )
    async with connected(consumer), asyncio.timeout(PATIENCE_S):
        count = await partitions_of(open_brokers(house.kafka.address), changelog)
        consumer.assign([TopicPartition(changelog, number) for number in range(count)])
        await consumer.seek_to_beginning()
        async for record in consumer:
            if _owes(record.key or b""):
                return


async def _kill(house: House) -> bool:
    """The worker, which starts again; whether the walk was not over then."""
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    owed = any(_owes(key) for key in await kept(house, "status"))
    house.worker.start()
    return owed


async def _is_over(house: House) -> None:
    """Until the walk is."""
    async with asyncio.timeout(PATIENCE_S):
        while any(_owes(key) for key in await kept(house, "status")):
            await asyncio.sleep(0.1)


async def _timers(house: House) -> list[bytes]:
    """Of his, in the recipient stage."""
    home = homes("recipient", SchemaBook())
    rows = (await kept(house, "recipient")).items()
    return [key for key, value in rows if key[:1] == TIMER and home(key, value) == subject_key(USER)]


def test_by_whoever_has_the_key_he_could_be_read_in_three_stages_before(story: Story) -> None:
    """So that the look into them finds what is there."""
    assert {"recipient", "mailbox", "status"} <= {*story.before}


@pytest.mark.spec("NS-SEC-OP-02")
def test_nothing_of_him_can_be_read_even_with_the_key_although_the_walk_was_cut(story: Story) -> None:
    """Mutation: the walk ends after its first step: his messages stay in the status stage."""
    assert MESSAGES > 2 * STEP
    assert (True, [], [], []) == (story.is_cut, story.after, story.tables, story.topics)


@pytest.mark.spec("NS-SEC-OP-02")
def test_each_message_is_nobodys_and_each_request_that_waited_is_cancelled(story: Story) -> None:
    assert (MESSAGES, WAITING) == story.nobodys


@pytest.mark.spec("NS-SEC-OP-02")
def test_no_letter_of_his_mailbox_and_no_timer_is_left(story: Story) -> None:
    assert (0, 0) == (story.letters, story.timers)


def test_his_export_is_empty(story: Story) -> None:
    status, found = story.export
    assert (200, {0}) == (status, {len(values) for values in found["rows"].values()})
