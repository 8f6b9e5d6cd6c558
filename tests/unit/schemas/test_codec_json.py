"""The JSON that the spec fixes: events, statistics, seen facts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.codec import encode_json
from schemas.records import (
    NotificationEvent,
    SeenFact,
    StatsRecord,
)


def test_events_are_the_json_of_the_spec() -> None:
    event = NotificationEvent(
        event_type="notification.delivered",
        message_id="m1",
        user_id="u1",
        channel_type="email",
        timestamp="2025-05-21T12:34:56Z",
        data={"reason": None, "attempt": 1},
    )
    expected = (
        b'{"event_type":"notification.delivered","message_id":"m1","user_id":"u1","channel_type":"email",'
        b'"timestamp":"2025-05-21T12:34:56Z","data":{"reason":null,"attempt":1}}'
    )
    assert expected == encode_json(event)


def test_statistics_are_the_json_of_the_spec_with_nulls() -> None:
    stats = StatsRecord(
        period="hour",
        timestamp="2025-05-21T12:00:00Z",
        metrics={"sent": 1000},
        dimensions={"channel_type": "email", "campaign_id": None},
    )
    expected = (
        b'{"period":"hour","timestamp":"2025-05-21T12:00:00Z","metrics":{"sent":1000},'
        b'"dimensions":{"channel_type":"email","campaign_id":null}}'
    )
    assert expected == encode_json(stats)


@pytest.mark.spec("SEEN-035 SEEN-OP-10")
def test_a_seen_fact_of_nobody_has_no_user_and_one_of_somebody_keeps_its_nulls() -> None:
    fact = SeenFact(event_type="unauthorized", tag="promotions", id="1", seen_at="2025-05-21T12:34:56Z")
    head = b'"tag":"promotions","id":"1","seen_at":"2025-05-21T12:34:56Z"'
    assert b'{"event_type":"unauthorized",' + head + b"}" == encode_json(fact)
    known = replace(fact, event_type="client", user={"user_id": "u1", "uid": None})
    assert b'{"event_type":"client",' + head + b',"user":{"user_id":"u1","uid":null}}' == encode_json(known)
