"""The books' own decisions, one rule at a time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from examples.accounts.expected import Expected, expect
from examples.accounts.reading import Line, catalogue

CATALOGUE = catalogue(Path(__file__).resolve().parents[3] / "examples")
USER = "11111111-1111-4111-8111-111111111111"
EVERYWHERE = {
    "email": "a@Example.com",
    "phone": "+79161234567",
    "devices": [{"platform": "ios", "token": "t1"}],
}
ORDER = {"OrderNumber": "1", "Amount": 5, "Items": []}


def fact(event_type: str, data: Line) -> Line:
    value = {"event_type": event_type, "user_id": USER, "data": data}
    return {
        "to": "kafka",
        "topic": "user.events",
        "headers": {"source": "a", "event_id": "e"},
        "value": value,
    }


def request(kind: str = "order_confirmation", data: Line | None = None, **changed: Any) -> Line:
    value = {
        "user_id": USER,
        "notification_type": kind,
        "idempotency_key": "k",
        "data": ORDER if data is None else data,
    }
    headers = {"source": changed.pop("source", "shop")} | changed.pop("headers", {})
    return {"to": "kafka", "topic": "notification.send.request", "headers": headers, "value": value | changed}


def known(**contacts: Any) -> Line:
    return fact("user.updated", contacts or EVERYWHERE)


def books(*lines: Line) -> Expected:
    return expect(CATALOGUE, list(enumerate(lines, start=1)))


def endings(*lines: Line) -> dict[tuple[str, str | None], int]:
    total: Counter[tuple[str, str | None]] = Counter()
    for counted in books(*lines).endings.values():
        total.update(counted)
    return dict(total)


def messages(*lines: Line) -> list[tuple[str, str, str, str | None]]:
    return [(m.channel, m.address, *m.ending) for made in books(*lines).messages.values() for m in made]


def test_a_request_becomes_a_message_on_each_channel_it_can_go() -> None:
    expected = [("email", "a@example.com", "reached", None), ("push", "t1", "reached", None)]
    assert expected == messages(known(), request())


def test_a_push_goes_to_each_device() -> None:
    devices = [{"platform": "ios", "token": "t1"}, {"platform": "web", "token": "t2"}]
    expected = [("push", "t1", "reached", None), ("push", "t2", "reached", None)]
    assert expected == messages(known(devices=devices), request())


def test_second_request_of_a_key_is_repeated() -> None:
    assert {("accepted", None): 1, ("repeated", "duplicate"): 1} == endings(known(), request(), request())


def test_same_key_of_another_source_is_another_request() -> None:
    assert {("accepted", None): 2} == endings(known(), request(), request(source="kiosk"))


def test_repeat_of_a_skipped_request_is_repeated() -> None:
    promotion = request("marketing_promo", {"UserName": "A", "Discount": 1, "UnsubscribeUrl": "u"})
    assert {("skipped", "no_consent"): 1, ("repeated", "duplicate"): 1} == endings(
        known(), promotion, promotion
    )


def test_marketing_goes_only_to_consented_channels() -> None:
    consent = fact("user.consent_granted", {"purpose": "marketing", "channel_type": "email"})
    promotion = request("marketing_promo", {"UserName": "A", "Discount": 1, "UnsubscribeUrl": "u"})
    assert [("email", "a@example.com", "reached", None)] == messages(known(), consent, promotion)


def test_mandatory_type_passes_a_global_unsubscribe() -> None:
    gone = fact("user.unsubscribed", {"channel_type": "sms", "reason": "x"})
    reset = request("password_reset", {"Code": "1"}, source="auth-service")
    assert [("sms", "+79161234567", "reached", None)] == messages(known(), gone, reset)


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        (request("nothing"), ("rejected", "unknown_type")),
        (request("password_reset", {"Code": "1"}), ("rejected", "sender_not_allowed")),
        (request(scheduled_at="tomorrow"), ("rejected", "invalid_time")),
        (request(scheduled_at="2125-01-01T00:00:00Z"), ("rejected", "invalid_time")),
        (request(headers={"occurred_at": "2020-01-01T00:00:00Z"}), ("expired", "too_late")),
        (request(headers={"occurred_at": "2125-01-01T00:00:00Z"}), ("accepted", None)),
    ],
)
def test_request_that_may_not_be_carried_out_says_why(line: Line, ending: tuple[str, str | None]) -> None:
    assert {ending: 1} == endings(known(), line)


def test_user_nobody_knows_has_no_contact() -> None:
    assert {("skipped", "no_contact"): 1} == endings(request())


def test_deleted_user_has_no_contact() -> None:
    assert {("skipped", "no_contact"): 1} == endings(known(), fact("user.deleted", {}), request())


def test_choice_of_channels_counts_and_none_of_them_is_a_reason() -> None:
    choice = {"notification_type": "order_confirmation", "allowed_channels": ["push"], "is_enabled": True}
    chosen = fact("user.preference_changed", choice)
    assert [("push", "t1", "reached", None)] == messages(known(), chosen, request())
    gone = fact("user.unsubscribed", {"channel_type": "push", "reason": "x"})
    assert {("skipped", "no_channel_left"): 1} == endings(known(), chosen, gone, request())


def test_reserve_channel_is_taken_only_when_nothing_else_can_go() -> None:
    expected = [("email", "me", "failed", "invalid_contact"), ("sms", "+79161234567", "reached", None)]
    assert expected == messages(known(email="me", phone="+79161234567"), request())
    assert [("sms", "+79161234567", "reached", None)] == messages(known(phone="+79161234567"), request())


def test_event_that_nobody_maps_is_skipped_and_a_fact_is_not() -> None:
    assert {("skipped", "unmapped_event"): 1} == endings(known(), fact("user.winked", {}))


def test_message_fails_for_a_missing_variable_a_bad_address_and_a_refusal() -> None:
    assert [("email", "a@example.com", "failed", "render_failed")] == messages(
        known(), request("invoice_ready", {})
    )
    assert [("email", "me", "failed", "invalid_contact")] == messages(known(email="me"), request())
    bounce = "bounce+7@carillon.test"
    assert [("email", bounce, "failed", "provider_refused")] == messages(known(email=bounce), request())


@pytest.mark.parametrize(
    "changed",
    [
        {"user_id": 1},
        {"user_id": "me"},
        {"data": []},
        {"notification_type": ""},
        {"idempotency_key": "k" * 256},
        {"data": {"a": "\0"}},
    ],
)
def test_record_nobody_can_read_is_a_dead_letter(changed: Line) -> None:
    kept = books(request(**changed))
    assert {("notification.send.request", 1)} == kept.dead
    assert {} == kept.endings
