"""Kafka or Postgres away: who can answer says so, who can go on goes on, and all of it resumes by itself."""

from __future__ import annotations

import asyncio

import pytest

from tests.broker.house.book import known, user
from tests.broker.house.house import PATIENCE_S, House, Sent

NAME, MAIL = "patient", "patient@example.com"
DONE = "select status from notification_messages where idempotency_key = $1 and status = 'sent'"
WRITTEN = "select outcome from notification_requests where idempotency_key = $1"


def asked(key: str) -> Sent:
    """A request that becomes one mail."""
    value = {
        "user_id": user(NAME),
        "notification_type": "system_alert",
        "data": {"Text": key},
        "idempotency_key": key,
    }
    return Sent("notification.send.request", value, user(NAME))


async def told(house: House, key: str) -> list[str]:
    """The types of this request's events, once there is one: a provider's ledger is ahead of its answer."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            topics = await house.topics("notification.events")
            events = [one.json() for one in topics["notification.events"]]
            if mine := [one["event_type"] for one in events if one["data"]["idempotency_key"] == key]:
                return mine


@pytest.mark.spec("NS-OPS-010 NS-OPS-022 NS-OPS-040 NS-OPS-OP-05")
async def test_without_postgres_only_the_sink_waits(house: House) -> None:
    await house.send(Sent("user.events", known(NAME, email=MAIL), user(NAME)))
    await house.read_by("intake", "recipient")
    await house.postgres.stop()
    try:
        await house.send(asked("postgres-away"))
        mails = await house.called(MAIL, 1)
        assert [True] == [mail["taken"] for mail in mails]
        await house.read_by("status", "stats")
        assert ["notification.sent"] == await told(house, "postgres-away")
        assert 200 == await house.post_seen(user(NAME), "postgres-away")
        house.worker.check_alive()
    finally:
        await house.postgres.start()
    assert [("sent",)] == [tuple(row) for row in await house.rows(DONE, ["postgres-away"], 1)]
    assert [("accepted",)] == [tuple(row) for row in await house.rows(WRITTEN, ["postgres-away"], 1)]
    await house.worker.until_ready()


@pytest.mark.spec("SEEN-070 SEEN-OP-17 NS-OPS-083")
async def test_without_kafka_http_says_503_and_the_stages_wait_and_resume(house: House) -> None:
    await house.send(Sent("user.events", known(NAME, email=MAIL), user(NAME)))
    await house.read_by("intake", "recipient")
    worker, http = house.worker.process, house.http.process
    await house.kafka.stop()
    try:
        assert 503 == await house.post_seen(user(NAME), "kafka-away")
        house.worker.check_alive()
        house.http.check_alive()
    finally:
        await house.kafka.start()
    await house.worker.until_ready()
    await house.http.until_ready()
    assert 200 == await house.post_seen(user(NAME), "kafka-away")
    await house.send(asked("kafka-away"))
    assert [("sent",)] == [tuple(row) for row in await house.rows(DONE, ["kafka-away"], 1)]
    assert (worker, http) == (house.worker.process, house.http.process), "nobody was started again"
