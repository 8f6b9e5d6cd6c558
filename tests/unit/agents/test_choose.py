"""The decision list of NS-PREF-OP-05, rule by rule."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.choose import Chosen, Dropped, choose, narrow
from schemas.records import NotificationType, PreferenceChanged
from schemas.words import Reason
from tables.preferences import Preferences
from tests.requests import ORDER, PROMO, RESET, chosen


def after(*changes: PreferenceChanged) -> Preferences:
    """Preferences of a user who made these choices."""
    known = Preferences()
    for change in changes:
        known = known.merge(change)
    return known


def on(kind: NotificationType, *channels: str, is_enabled: bool = True) -> PreferenceChanged:
    return chosen(kind="type", notification_type=kind.code, channels=list(channels), is_enabled=is_enabled)


def stop(channel: str) -> PreferenceChanged:
    return chosen(kind="unsubscribed", channel=channel)


def consent(channel: str | None = None, purpose: str = "marketing") -> PreferenceChanged:
    return chosen(kind="consent_granted", purpose=purpose, channel=channel)


@pytest.mark.spec("NS-SND-041 NS-SND-OP-09")
def test_without_a_choice_the_types_channels_are_used() -> None:
    assert Chosen(("email", "push"), (), "type.default_channels", "email,push") == choose(ORDER, None)


@pytest.mark.spec("NS-API-OP-16")
def test_a_request_narrows_and_never_widens() -> None:
    choice = Chosen(("email", "push"), ("sms",), "rule", "value")
    assert choice == narrow(choice, None)
    assert Chosen(("push",), ("sms",), "rule", "value") == narrow(choice, ["sms", "push", "in_app"])
    assert Chosen(("email",), (), "rule", "value") == narrow(choice, ["email"])


@pytest.mark.parametrize("asked", [["sms"], ["in_app", "pigeon"], []])
def test_a_request_that_leaves_no_chosen_channel_sends_nothing(asked: list[str]) -> None:
    choice = Chosen(("email", "push"), ("sms",), "rule", "value")
    expected = Dropped(Reason.NO_CHANNEL_LEFT, "request.channels", ",".join(asked))
    assert expected == narrow(choice, asked)


@pytest.mark.spec("NS-SND-013 NS-SND-014 NS-PREF-001")
def test_a_choice_decides() -> None:
    expected = Chosen(("sms",), (), "preferences.allowed_channels", "sms")
    assert expected == choose(ORDER, after(on(ORDER, "sms")))


def test_a_choice_for_another_type_does_not() -> None:
    assert choose(ORDER, None) == choose(ORDER, after(on(RESET, "sms")))


@pytest.mark.spec("NS-OPS-120")
def test_a_type_switched_off_is_dropped() -> None:
    expected = Dropped(Reason.TYPE_DISABLED, "preferences.is_enabled", "order_confirmation")
    assert expected == choose(ORDER, after(on(ORDER, "email", is_enabled=False)))


@pytest.mark.spec("NS-DATA-OP-06 NS-EVT-OP-06 NS-PREF-003")
def test_an_unsubscribed_channel_is_left_out() -> None:
    expected = Chosen(("push",), (), "type.default_channels", "email,push")
    assert expected == choose(ORDER, after(stop("email")))


@pytest.mark.spec("NS-PREF-OP-05")
def test_no_channel_left_names_what_was_unsubscribed() -> None:
    expected = Dropped(Reason.NO_CHANNEL_LEFT, "preferences.unsubscribed", "email,push")
    assert expected == choose(ORDER, after(stop("email"), stop("push")))


def test_a_choice_of_nothing_leaves_nothing() -> None:
    assert Dropped(Reason.NO_CHANNEL_LEFT, "preferences.allowed_channels", "") == choose(
        ORDER, after(on(ORDER))
    )


def test_coming_back_from_an_unsubscribe_counts() -> None:
    back = replace(
        chosen(kind="resubscribed", channel="email"), changed_at=chosen(kind="type").changed_at + 1
    )
    assert choose(ORDER, None) == choose(ORDER, after(stop("email"), back))


@pytest.mark.spec("NS-DATA-OP-06")
def test_all_marketing_does_not_touch_other_types() -> None:
    assert choose(ORDER, None) == choose(ORDER, after(stop("all_marketing")))


@pytest.mark.spec("NS-DATA-OP-06 NS-PREF-022 NS-PREF-OP-03")
def test_a_mandatory_type_knows_no_unsubscribe_and_no_switch() -> None:
    known = after(stop("sms"), stop("email"), stop("all_marketing"), on(RESET, is_enabled=False))
    assert Chosen(("sms",), ("email",), "type.default_channels", "sms") == choose(RESET, known)


@pytest.mark.spec("NS-PREF-OP-03")
def test_a_mandatory_type_goes_where_the_user_left_it() -> None:
    expected = Chosen(("email",), (), "preferences.allowed_channels", "email")
    assert expected == choose(RESET, after(on(RESET, "email")))


@pytest.mark.spec("NS-SND-OP-09 NS-SEC-041")
def test_advertising_needs_a_consent() -> None:
    expected = Dropped(Reason.NO_CONSENT, "preferences.consent", "marketing")
    assert expected == choose(PROMO, None)
    assert expected == choose(PROMO, after(on(PROMO, "email")))


@pytest.mark.spec("NS-PREF-003")
def test_advertising_ends_with_an_unsubscribe_from_all_of_it() -> None:
    expected = Dropped(Reason.UNSUBSCRIBED_ALL_MARKETING, "preferences.unsubscribed", "all_marketing")
    assert expected == choose(PROMO, after(consent(), stop("all_marketing")))


@pytest.mark.parametrize("purpose", ["marketing", "promo"])
def test_advertising_goes_where_a_consent_is_in_force(purpose: str) -> None:
    expected = Chosen(("push",), (), "type.default_channels", "email,push")
    assert expected == choose(PROMO, after(consent("push", purpose)))


def test_a_consent_to_another_type_is_none() -> None:
    assert isinstance(choose(PROMO, after(consent(purpose="newsletter"))), Dropped)


def test_a_consent_for_a_channel_nobody_wants_leaves_no_channel() -> None:
    expected = Dropped(Reason.NO_CHANNEL_LEFT, "preferences.consent", "email,push")
    assert expected == choose(PROMO, after(consent("sms")))


@pytest.mark.spec("NS-PREF-OP-05")
def test_advertising_switched_off_is_dropped_for_that() -> None:
    dropped = choose(PROMO, after(consent(), on(PROMO, "email", is_enabled=False)))
    assert Dropped(Reason.TYPE_DISABLED, "preferences.is_enabled", "promo") == dropped


RESERVED = replace(ORDER, fallback_channels=["sms", "email", "pigeon"])


def test_reserve_channels_are_those_not_yet_used_that_can_be_delivered() -> None:
    assert Chosen(("email", "push"), ("sms",), "type.default_channels", "email,push") == choose(
        RESERVED, None
    )


@pytest.mark.spec("NS-SND-OP-10")
def test_reserve_channels_respect_choices_and_unsubscribes() -> None:
    for known in (after(on(RESERVED, "email", "push")), after(stop("sms"))):
        verdict = choose(RESERVED, known)
        assert isinstance(verdict, Chosen)
        assert () == verdict.reserve


@pytest.mark.spec("NS-SND-OP-10")
def test_a_reserve_channel_is_no_way_around_an_unsubscribe() -> None:
    assert isinstance(choose(RESERVED, after(stop("email"), stop("push"))), Dropped)


def test_a_channel_that_nobody_delivers_is_left_out() -> None:
    verdict = choose(replace(ORDER, default_channels=["pigeon", "email", "email"]), None)
    assert Chosen(("email",), (), "type.default_channels", "pigeon,email,email") == verdict


@pytest.mark.parametrize("kind", [ORDER, RESET])
def test_a_type_with_no_deliverable_channel_says_so(kind: NotificationType) -> None:
    expected = Dropped(Reason.NO_CHANNEL_LEFT, "channels.delivered", "pigeon")
    assert expected == choose(replace(kind, default_channels=["pigeon"]), None)
