"""The intake: what an event of a user states about contacts and choices."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from schemas.ids import device_named
from schemas.records import (
    ContactChanged,
    Device,
    DeviceChanged,
    DomainEvent,
    PreferenceChanged,
    RequestReceived,
)
from tests.arrivals import known, one, take
from tests.requests import SECOND, T0, USER


def user_event(event_type: str, **data: Any) -> DomainEvent:
    return DomainEvent(event_type=event_type, user_id=USER, data=data)


@pytest.mark.spec("NS-CH-061 NS-CH-069 NS-CH-OP-11 NS-EVT-003 NS-EVT-040 NS-EVT-042 NS-EVT-OP-08")
async def test_a_registration_states_contacts_with_sealed_addresses() -> None:
    event = user_event(
        "user.registered",
        email="Anna@example.com",
        phone=None,
        devices=[{"token": "t", "platform": "ios"}, {"token": "t", "platform": "web"}],
        timezone="Europe/Moscow",
    )
    expected = ContactChanged(
        user_id=USER,
        action="registered",
        changed_at=T0 - SECOND,
        email=b"sealed:Anna@example.com",
        phone=b"",
        devices=[Device(token=b"sealed:t", platform="web")],
        timezone="Europe/Moscow",
    )
    assert expected == await one(event, "user.events/0/1")


@pytest.mark.spec("NS-CH-OP-04")
async def test_an_event_may_say_that_an_address_takes_messages_again() -> None:
    found = await one(user_event("user.updated", confirmed=["email"]), "user.events/0/1")
    assert (["email"], None, "updated") == (found.confirmed, found.email, found.action)


async def test_a_registration_with_a_rule_is_a_fact_and_a_request() -> None:
    book = known(topic="user.events", event_type="user.registered", data={"OrderNumber": "name"})
    found = await take(
        user_event("user.registered", name="Anna", email="a@b.c"), "user.events/0/1", book=book
    )
    assert [ContactChanged, RequestReceived] == [type(each) for each in found]


async def test_facts_are_believed_only_from_their_own_topic() -> None:
    found = await one(user_event("user.registered", email="a@b.c"), "payment.events/0/1")
    assert "unmapped_event" == found.reason


async def test_a_deletion_is_a_fact() -> None:
    expected = ContactChanged(user_id=USER, action="deleted", changed_at=T0 - SECOND)
    assert expected == await one(user_event("user.deleted"), "user.events/0/1")


@pytest.mark.spec("NS-PREF-OP-07")
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            user_event(
                "user.preference_changed", notification_type="x", allowed_channels=["sms"], is_enabled=False
            ),
            {"kind": "type", "notification_type": "x", "channels": ["sms"], "is_enabled": False},
        ),
        (
            user_event("user.unsubscribed", channel_type="all_marketing", reason="enough"),
            {"kind": "unsubscribed", "channel": "all_marketing", "reason": "enough"},
        ),
        (user_event("user.resubscribed", channel_type="sms"), {"kind": "resubscribed", "channel": "sms"}),
        (
            user_event("user.consent_granted", purpose="marketing", source="import"),
            {"kind": "consent_granted", "purpose": "marketing", "reason": "import"},
        ),
        (
            user_event("user.consent_revoked", channel_type="email"),
            {"kind": "consent_revoked", "purpose": "marketing", "channel": "email"},
        ),
    ],
)
async def test_a_choice_is_a_fact(event: DomainEvent, expected: dict[str, Any]) -> None:
    change = PreferenceChanged(user_id=USER, changed_at=T0 - SECOND, **expected)
    assert change == await one(event, "user.events/0/1")


@pytest.mark.spec("NS-PREF-OP-07")
@pytest.mark.parametrize(
    ("code", "source", "consents"),
    [("promo", "settings", 2), ("promo", None, 0), ("order_confirmation", "settings", 0)],
)
async def test_switching_advertising_on_in_person_is_a_consent_to_it(
    code: str, source: str | None, consents: int
) -> None:
    event = user_event(
        "user.preference_changed", notification_type=code, allowed_channels=["email", "sms"], source=source
    )
    found = await take(event, "user.events/0/1")
    assert ["type"] + ["consent_granted"] * consents == [change.kind for change in found]
    assert {"promo"} >= {change.purpose for change in found[1:]}


@pytest.mark.parametrize("given", [{"token": "t"}, {"sealed": b64encode(b"sealed:t").decode()}])
async def test_a_device_is_registered_by_an_event_in_clear_or_sealed_by_us(given: dict[str, str]) -> None:
    """NS-CH-OP-11."""
    event = user_event("user.device_registered", platform="ios", **given)
    found = await one(event, "notification.preferences/0/1")
    assert isinstance(found, DeviceChanged)
    assert ("registered", "ios", b"sealed:t", "hash of t", device_named(USER, "ios", "hash of t")) == (
        found.action,
        found.platform,
        found.token,
        found.token_hash,
        found.device_id,
    )


async def test_a_token_that_our_api_sealed_with_an_unknown_key_is_a_defect_and_not_dropped() -> None:
    """It was answered with 201. Mutation: no fact, as if nobody had said anything."""
    event = user_event(
        "user.device_registered", platform="ios", sealed=b64encode(b"with another key").decode()
    )
    with pytest.raises(ValueError, match="not sealed"):
        await one(event, "notification.preferences/0/1")


async def test_a_device_is_switched_by_an_event() -> None:
    device_id = device_named(USER, "ios", "hash of t")
    found = await one(
        user_event("user.device_switched", device_id=device_id, is_active=False), "user.events/0/1"
    )
    assert isinstance(found, DeviceChanged)
    assert ("switched", device_id, False) == (found.action, found.device_id, found.is_active)


async def test_a_deletion_names_whom_audiences_know() -> None:
    names = [{"id_type": "yandex_uid", "id": "4001"}, {"id_type": "device_id", "id": "a:b"}]
    found = await one(user_event("user.deleted", known_as=names), "user.events/0/1")
    assert ["yandex_uid:4001", "device_id:a:b"] == found.known_as
