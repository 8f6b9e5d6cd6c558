"""A repeat is found wherever it comes from: other clients, other partitioners, topics of other counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Producer

from tests.broker.house.book import known, user
from tests.broker.house.house import House, Sent

NAMES = [f"repeats-{number}" for number in range(12)]
COUNTS = {"notification.send.request": 3, "payment.events": 8}
REQUESTS = """
select user_id, outcome, reason, origin from notification_requests
where idempotency_key like 'repeats-%' order by received_at
"""
MESSAGES = """
select user_id, channel_type, status from notification_messages
where idempotency_key like 'repeats-%' and status = 'sent'
"""


def registered(name: str) -> dict[str, Any]:
    """A user with a device of his own: a token has one user."""
    devices = [{"platform": "ios", "token": f"device-of-{name}"}]
    return known(name, email=f"{name}@example.com", devices=devices)


def asked(name: str) -> list[Sent]:
    """One action, told twice: as a request and as an event that a rule maps to the same type."""
    data = {"OrderNumber": name, "Amount": 10, "Items": []}
    request = {
        "user_id": user(name),
        "notification_type": "order_confirmation",
        "data": data,
        "idempotency_key": name,
    }
    paid = {"order_id": name, "amount": 10, "items": []}
    event = {"event_type": "payment.successful", "user_id": user(name), "data": paid}
    source = ("source", "order-service")
    return [
        Sent("notification.send.request", request, user(name), (source,)),
        Sent("payment.events", event, user(name), (source, ("event_id", name))),
    ]


def sent_by_librdkafka(house: House, records: list[Sent]) -> Counter[str]:
    """Produce with the default partitioner of confluent-kafka; how many lie elsewhere than murmur2 says."""
    placed: list[tuple[str, bytes, int]] = []
    producer = Producer({"bootstrap.servers": house.kafka.address})
    for one in records:
        producer.produce(
            one.topic,
            one.raw,
            key=one.key,
            headers=list(one.headers),
            on_delivery=lambda error, message: placed.append(
                (message.topic(), message.key(), message.partition()) if error is None else error
            ),
        )
    assert 0 == producer.flush(30)
    murmur2 = DefaultPartitioner()
    return Counter(
        topic
        for topic, key, partition in placed
        if partition != murmur2(key, list(range(COUNTS[topic])), list(range(COUNTS[topic])))
    )


@pytest.mark.spec("NS-DATA-OP-17 NS-SND-043 NS-EVT-OP-02")
async def test_repeats_are_found_across_clients_partitioners_and_partition_counts(house: House) -> None:
    await house.send(*(Sent("user.events", registered(name), user(name)) for name in NAMES))
    await house.read_by("intake", "recipient")
    records = [record for name in NAMES for record in asked(name)]
    elsewhere, _ = await asyncio.gather(
        asyncio.to_thread(sent_by_librdkafka, house, records), house.send(*records)
    )
    assert set(COUNTS) == set(elsewhere), "the two partitioners agree: this test shows nothing"

    rows = await house.rows(REQUESTS, [], 4 * len(NAMES))
    found = Counter((str(row["user_id"]), row["outcome"], row["reason"]) for row in rows)
    expected: Counter[Any] = Counter()
    for name in NAMES:
        expected[user(name), "accepted", None] = 1
        expected[user(name), "repeated", "duplicate"] = 3
    assert expected == found
    assert 4 * len(NAMES) == len({row["origin"] for row in rows})
    sent = await house.rows(MESSAGES, [], 2 * len(NAMES))
    each = {(user(name), channel): 1 for name in NAMES for channel in ("email", "push")}
    assert each == Counter((str(row["user_id"]), row["channel_type"]) for row in sent)
    mails = Counter(row["recipient"] for row in house.ledger if row["recipient"].startswith("repeats-"))
    assert {f"{name}@example.com": 1 for name in NAMES} == mails
