"""What others read of the pipeline: the spec's JSON to the letter, and ids of the trace on every record."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from examples.accounts.topics import Record
from tests.broker.house.book import known, user
from tests.broker.house.house import House, Sent

NAME, KEY, TAKEN_KEY = "published", "published-1", "published-2"
MAIL = "published@example.com"
REQUEST_ID = "5b0f6c1e-5d3a-4c55-9a0e-2f1d9b8c7a61"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PREFIXES = ("request.", "channel.", "outcomes", "rows", "notification.")
WRITTEN = {"request.normal", "channel.email.normal", "outcomes", "rows", "notification.events"}
DIMENSIONS = {
    "channel_type": "email",
    "notification_type": "refund",
    "category": "transactional",
    "campaign_id": None,
    "campaign_label": None,
    "variant": None,
    "provider_name": "mail",
}


@dataclass(frozen=True, slots=True)
class Published:
    """All records of the topics behind the intake, and the message that was sent."""

    topics: dict[str, list[Record]]
    message_id: str


@pytest.fixture(scope="module")
def published(house: House) -> Published:
    """One request carried out, one repeat of it, and everything that was written meanwhile."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_written(house))


async def _written(house: House) -> Published:
    await house.send(Sent("user.events", known(NAME, email=MAIL), user(NAME)))
    await house.read_by("intake", "recipient")
    value = {
        "user_id": user(NAME),
        "notification_type": "refund",
        "data": {"OrderNumber": "A-1", "Amount": 5},
        "idempotency_key": KEY,
    }
    headers = (("source", "shop"), ("request_id", REQUEST_ID), ("traceparent", PARENT), ("mood", "private"))
    asked = Sent("notification.send.request", value, user(NAME), headers)
    await house.send(asked, asked)
    query = (
        "select message_uuid::text from notification_messages where idempotency_key = $1 and status = 'sent'"
    )
    (row,) = await house.rows(query, [KEY], 1)
    await house.read_by("intake", "recipient", "status", "stats")  # the repeat has a way of its own
    return Published(await house.topics(*PREFIXES), row["message_uuid"])


def events_of(published: Published) -> list[Any]:
    mine = [one.json() for one in published.topics["notification.events"]]
    return [event for event in mine if event["user_id"] == user(NAME)]


@pytest.mark.spec("NS-EVT-020 NS-EVT-021 NS-EVT-052 NS-EVT-OP-11 NS-STAT-007")
def test_an_event_has_the_form_of_the_spec_and_says_whose_request_it_was(published: Published) -> None:
    (sent,) = [event for event in events_of(published) if event["event_type"] == "notification.sent"]
    assert SECONDS.fullmatch(sent["timestamp"])
    data = {
        "request_id": REQUEST_ID,
        "source": "shop",
        "idempotency_key": KEY,
        "notification_type": "refund",
        "campaign_id": None,
        "campaign_label": None,
        "variant": None,
        "is_test": False,
        "provider_name": "mail",
        "attempt": 1,
        "reason": None,
    }
    expected = {
        "event_type": "notification.sent",
        "message_id": published.message_id,
        "user_id": user(NAME),
        "channel_type": "email",
        "timestamp": sent["timestamp"],
        "data": data,
    }
    assert expected == sent
    assert list(expected) == list(sent), "in the order of the spec"


def test_a_repeat_is_an_event_too_under_an_id_of_its_own(published: Published) -> None:
    kinds = [
        (event["event_type"], event["channel_type"], event["data"]["reason"])
        for event in events_of(published)
    ]
    expected = [("notification.sent", "email", None), ("notification.skipped", None, "duplicate")]
    assert sorted(expected, key=repr) == sorted(kinds, key=repr)
    assert 2 == len({event["message_id"] for event in events_of(published)})


@pytest.mark.spec(
    "NS-EVT-030 NS-EVT-031 NS-EVT-033 NS-EVT-076 NS-EVT-052 NS-EVT-053 NS-EVT-OP-11 NS-STAT-007"
)
@pytest.mark.parametrize(("period", "rest"), [("minute", ":00Z"), ("hour", ":00:00Z"), ("day", "T00:00:00Z")])
def test_statistics_have_the_form_of_the_spec(published: Published, period: str, rest: str) -> None:
    told = [one.json() for one in published.topics["notification.stats"] if one.value]
    found = [one for one in told if (one["period"], one["dimensions"]) == (period, DIMENSIONS)]
    assert found
    last = found[-1]
    assert ["period", "timestamp", "metrics", "dimensions"] == list(last)
    assert SECONDS.fullmatch(last["timestamp"])
    assert last["timestamp"].endswith(rest)
    assert 1 == last["metrics"]["sent"]
    assert 0 == last["metrics"]["failed"]


def test_the_last_record_of_a_window_has_the_same_key_as_those_before(published: Published) -> None:
    keys: dict[str, set[bytes | None]] = {}
    for one in published.topics["notification.stats"]:
        if one.value:
            told = one.json()
            window = json.dumps([told["period"], told["timestamp"], told["dimensions"]], sort_keys=True)
            keys.setdefault(window, set()).add(one.key)
    assert {1} == {len(found) for found in keys.values()}


@pytest.mark.spec("NS-OPS-063 NS-OPS-OP-08")
def test_trace_and_request_id_travel_in_every_record_and_other_headers_stay_outside(
    published: Published,
) -> None:
    key = f"user:{user(NAME)}".encode()
    mine = {
        topic: [one.headers for one in records if one.key in {key, published.message_id.encode()}]
        for topic, records in published.topics.items()
    }
    written = {topic: headers for topic, headers in mine.items() if headers}
    assert set(WRITTEN) == set(written)
    ids = {"traceparent": PARENT.encode(), "request_id": REQUEST_ID.encode()}
    for topic, each in written.items():
        assert [ids] * len(each) == each, topic
