"""Which events of `user.events` are facts, and what they say."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from schemas.facts import Consent, DeviceGiven, Fact, Profile, TypeChoice, Unsubscribe, fact_in
from schemas.records import DomainEvent


def event(event_type: str, **data: object) -> DomainEvent:
    return DomainEvent(event_type=event_type, user_id="u1", data=data)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            event("user.registered", email="a@b.c", name="Anna", devices=[{"token": "t", "platform": "ios"}]),
            Profile(email="a@b.c", devices=[DeviceGiven(token="t", platform="ios")]),
        ),
        (event("user.updated", phone=None), Profile(phone=None)),
        (event("user.deleted"), Profile()),
        (
            event(
                "user.preference_changed", notification_type="t", allowed_channels=["email"], is_enabled=False
            ),
            TypeChoice(notification_type="t", allowed_channels=["email"], is_enabled=False),
        ),
        (event("user.unsubscribed", channel_type="all_marketing"), Unsubscribe(channel_type="all_marketing")),
        (event("user.resubscribed", channel_type="sms"), Unsubscribe(channel_type="sms")),
        (event("user.consent_granted"), Consent(purpose="marketing", channel_type=None)),
        (event("user.consent_revoked", channel_type="sms"), Consent(channel_type="sms")),
    ],
)
def test_a_fact_is_read(stated: DomainEvent, expected: Fact) -> None:
    assert expected == fact_in(stated)


def test_absent_and_null_are_two_things() -> None:
    profile = fact_in(event("user.updated", phone=None))
    assert isinstance(profile, Profile)
    assert (None, UNSET) == (profile.phone, profile.email)


def test_other_events_state_no_fact() -> None:
    assert fact_in(event("user.password_changed")) is None
