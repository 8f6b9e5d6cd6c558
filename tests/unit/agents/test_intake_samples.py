"""The events that the specification prints, and those that it names of each service of the platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.conceal import unveiled
from schemas.inputs import decoder_of
from schemas.records import RequestReceived
from schemas.topics import EVENT_TOPICS
from tests.arrivals import known, take
from tests.fakes import PlainCipher
from tests.requests import USER

PRINTED: dict[str, dict[str, Any]] = {
    "user.registered": {"name": "Anna"},
    "auth.suspicious_login": {"ip": "192.168.1.1", "location": "Moscow", "device": "Unknown"},
    "social.new_message": {"from_user_id": USER, "message_preview": "Hi!"},
    "library.achievement_unlocked": {
        "game_id": USER,
        "achievement_id": USER,
        "achievement_name": "First victory",
    },
    "payment.successful": {
        "order_id": "123",
        "amount": 1500,
        "items": [{"game_id": USER, "name": "Game Name"}],
    },
}
NAMED = [
    *("user.registered", "user.password_changed", "user.email_verification_requested"),
    *("auth.suspicious_login", "auth.two_factor_requested", "auth.password_reset_requested"),
    *("library.achievement_unlocked", "library.wishlist_sale", "library.game_updated"),
    *("payment.successful", "payment.refunded", "payment.failed"),
    *("social.new_message", "social.friend_request", "social.mentioned", "social.group_activity"),
    *("download.finished", "download.failed", "developer.game_moderated", "developer.payout_sent"),
    *("admin.system_alert", "admin.support_answered"),
]


async def asked(event_type: str, data: dict[str, Any]) -> RequestReceived:
    """What the intake makes of it by a rule, the event read from its bytes."""
    topic = f"{event_type.partition('.')[0]}.events"
    event = decoder_of(topic)(json.dumps({"event_type": event_type, "user_id": USER, "data": data}).encode())
    *_, found = await take(event, f"{topic}/0/1", book=known(topic=topic, event_type=event_type))
    assert isinstance(found, RequestReceived)
    assert f"{topic}/{event_type}" == found.rule
    return found


@pytest.mark.spec(
    "NS-EVT-004 NS-EVT-046 NS-EVT-047 NS-EVT-056 NS-EVT-057 NS-EVT-059 NS-EVT-060 NS-EVT-062 NS-EVT-063"
)
@pytest.mark.parametrize(("event_type", "data"), PRINTED.items())
async def test_the_events_of_the_specification_become_requests_with_their_data(
    event_type: str, data: dict[str, Any]
) -> None:
    found = await asked(event_type, data)
    assert (USER, "order_confirmation", data) == (
        found.user_id,
        found.notification_type,
        json.loads(unveiled(found.data, PlainCipher())),
    )


@pytest.mark.spec("NS-EVT-034 NS-EVT-035 NS-EVT-036 NS-EVT-037 NS-EVT-038 NS-EVT-039 NS-EVT-072 NS-EVT-073")
@pytest.mark.parametrize("event_type", NAMED)
async def test_each_service_may_cause_its_notifications_by_a_rule(event_type: str) -> None:
    """No code knows an event: its rule is enough."""
    assert event_type.partition(".")[0] in {topic.partition(".")[0] for topic in EVENT_TOPICS}
    assert "order_confirmation" == (await asked(event_type, {"OrderNumber": "A-1"})).notification_type
