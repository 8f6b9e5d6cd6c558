"""What other services write: taken strictly, refused with a reason that holds no data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import topics
from schemas.codec import SchemaBook, encode
from schemas.errors import FAULTS, DecodeError, Fault, UnknownSchemaError
from schemas.inputs import (
    MAX_BYTES,
    MAX_DEPTH,
    decode_domain_event,
    decode_send_request,
    decoder_of,
    send_requests,
    user_events,
)
from schemas.records import DomainEvent, SendRequest

USER = "0f8fad5b-d9cb-469f-a165-70867728950e"
REQUEST: dict[str, Any] = {
    "user_id": USER,
    "notification_type": "order_confirmation",
    "data": {"order": {"items": [1, 2.5, None, "три"]}},
    "priority": "high",
    "idempotency_key": "unique_string",
}
EVENT: dict[str, Any] = {"event_type": "payment.successful", "user_id": USER, "data": {"amount": 1500}}


def raw(base: dict[str, Any], **changed: Any) -> bytes:
    return json.dumps({**base, **changed}).encode()


def nested(depth: int) -> Any:
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.spec("NS-SND-011 NS-EVT-002")
def test_the_request_of_the_spec_is_read() -> None:
    expected = SendRequest(
        user_id=USER,
        notification_type="order_confirmation",
        idempotency_key="unique_string",
        data=REQUEST["data"],
        priority="high",
    )
    assert expected == decode_send_request(raw(REQUEST))


@pytest.mark.spec("NS-SND-011 NS-EVT-006")
def test_the_event_of_the_spec_is_read() -> None:
    expected = DomainEvent(event_type="payment.successful", user_id=USER, data={"amount": 1500})
    assert expected == decode_domain_event(raw(EVENT))


def test_data_may_be_missing() -> None:
    without = {name: value for name, value in EVENT.items() if name != "data"}
    assert {} == decode_domain_event(raw(without)).data


def test_a_user_id_is_one_key_however_it_is_spelled() -> None:
    assert USER == decode_send_request(raw(REQUEST, user_id=USER.upper())).user_id


@pytest.mark.spec("NS-EVT-OP-02")
def test_unknown_fields_are_ignored_and_counted() -> None:
    """Mutation: count fields that are known, or that are missing."""
    ignored: list[int] = []
    decode = send_requests(ignored=ignored.append)
    assert decode_send_request(raw(REQUEST)) == decode(raw(REQUEST, colour="red", size=2))
    decode(raw(REQUEST))
    decode(raw(REQUEST, colour=None))
    assert [2, 1] == ignored


@pytest.mark.spec("NS-SEC-013")
@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"user_id": 5}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "user-1"}, "user_id"),
        ({"user_id": USER + "\n"}, "user_id"),
        ({"user_id": USER.replace("-", "")}, "user_id"),
        ({"notification_type": ""}, "notification_type"),
        ({"notification_type": "t" * 101}, "notification_type"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 256}, "idempotency_key"),
        ({"idempotency_key": 7}, "idempotency_key"),
        ({"data": []}, "data"),
        ({"data": None}, "data"),
        ({"data": "{}"}, "data"),
        ({"priority": 1}, "priority"),
        ({"language": "no language"}, "language"),
        ({"scheduled_at": 1_747_830_896}, "scheduled_at"),
        ({"scheduled_at": "2" * 65}, "scheduled_at"),
    ],
)
def test_a_field_of_a_wrong_type_or_length_is_refused_by_name(changed: dict[str, Any], place: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_send_request(raw(REQUEST, **changed))
    assert Fault.WRONG_FIELD == caught.value.reason
    assert caught.value.detail.endswith(f"`$.{place}`")


@pytest.mark.parametrize("name", ["user_id", "notification_type", "idempotency_key"])
def test_a_missing_field_is_refused_by_name(name: str) -> None:
    without = {field: value for field, value in REQUEST.items() if field != name}
    with pytest.raises(DecodeError, match=name) as caught:
        decode_send_request(raw(without))
    assert Fault.WRONG_FIELD == caught.value.reason


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", Fault.EMPTY),
        (None, Fault.EMPTY),
        (b"not json", Fault.NOT_JSON),
        (b'{"user_id": ', Fault.NOT_JSON),
        (raw(REQUEST) + b" {}", Fault.NOT_JSON),
        (b"[1]", Fault.WRONG_FIELD),
        (b"null", Fault.WRONG_FIELD),
        (b"\xff\xfe{}", Fault.NOT_JSON),
        (b"\xef\xbb\xbf{}", Fault.NOT_JSON),
        (b"\x00\x00\x00\x00\x01abc", Fault.NOT_JSON),
        (raw(REQUEST).replace(b"1, 2.5", b"NaN"), Fault.NOT_JSON),
        (raw(REQUEST).replace(b"1, 2.5", b"1e999"), Fault.WRONG_FIELD),
        (raw(REQUEST).replace(b"high", b"h\xffgh"), Fault.NOT_JSON),
        (raw(REQUEST).replace(b"1, 2.5", b'"\\ud800"'), Fault.NOT_JSON),
        (raw(REQUEST).replace(b"1, 2.5", b'"a\\u0000"'), Fault.NUL_CHARACTER),
        (raw(REQUEST).replace(b'"order"', b'"\\u0000"'), Fault.NUL_CHARACTER),
        (raw(REQUEST, idempotency_key="k\0"), Fault.NUL_CHARACTER),
        (raw(REQUEST, data={"x": "y" * MAX_BYTES}), Fault.TOO_LONG),
        (raw(REQUEST, data={"x": nested(MAX_DEPTH)}), Fault.TOO_LONG),
        (raw(REQUEST).replace(b"1, 2.5", b"[" * 100_000), Fault.TOO_LONG),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(bad: bytes | None, reason: Fault) -> None:
    with pytest.raises(DecodeError) as caught:
        send_requests()(bad)
    assert reason == caught.value.reason


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert {"x": "\\u0000"} == decode_send_request(raw(REQUEST, data={"x": "\\u0000"})).data


def test_nesting_up_to_the_limit_is_read() -> None:
    deep = {"x": nested(MAX_DEPTH - 3), "y": [{}] * 100}
    assert deep == decode_send_request(raw(REQUEST, data=deep)).data


def test_refusals_do_not_tell_what_was_written() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_send_request(raw(REQUEST, user_id="anna@example.com", idempotency_key="+79001234567"))
    assert "anna" not in str(caught.value)


def test_avro_is_told_by_its_first_bytes_and_checked_like_json() -> None:
    request = decode_send_request(raw(REQUEST))
    assert request == decode_send_request(encode(request))
    wrong = SendRequest(user_id="user-1", notification_type="t", idempotency_key="k")
    with pytest.raises(DecodeError, match="user_id"):
        decode_send_request(encode(wrong))
    nul = SendRequest(user_id=USER, notification_type="t", idempotency_key="k", data={"x": ["\0"]})
    with pytest.raises(DecodeError, match=Fault.NUL_CHARACTER):
        decode_send_request(encode(nul))


def test_avro_of_a_schema_not_learned_yet_waits() -> None:
    event = decode_domain_event(raw(EVENT))
    with pytest.raises(UnknownSchemaError):
        send_requests(SchemaBook())(encode(event))


def test_a_request_may_name_its_channels() -> None:
    assert ["email", "pigeon"] == decode_send_request(raw(REQUEST, channels=["email", "pigeon"])).channels
    assert decode_send_request(raw(REQUEST)).channels is None
    with pytest.raises(DecodeError, match="channels"):
        decode_send_request(raw(REQUEST, channels="email"))


def test_a_cancel_names_its_request_and_user_in_lower_case() -> None:
    cancel = {"request_id": USER.upper(), "user_id": USER.upper()}
    found = decoder_of(topics.CANCEL_REQUEST)(json.dumps(cancel).encode())
    assert (USER.upper(), USER) == (found.request_id, found.user_id)
    with pytest.raises(DecodeError, match="request_id"):
        decoder_of(topics.CANCEL_REQUEST)(json.dumps(cancel | {"request_id": "7"}).encode())


@pytest.mark.spec("NS-EVT-001 NS-EVT-003")
def test_each_topic_has_its_decoder() -> None:
    assert isinstance(decoder_of(topics.SEND_REQUEST)(raw(REQUEST)), SendRequest)
    assert isinstance(decoder_of("payment.events")(raw(EVENT)), DomainEvent)
    wrong_fact = raw(EVENT, event_type="user.registered", data={"email": 5})
    assert isinstance(decoder_of("payment.events")(wrong_fact), DomainEvent)
    with pytest.raises(DecodeError, match="email"):
        decoder_of(topics.USER_EVENTS)(wrong_fact)


@pytest.mark.parametrize(
    ("event_type", "data", "place"),
    [
        ("user.updated", {"devices": "phone"}, "devices"),
        ("user.updated", {"devices": [{"token": "t"}]}, "platform"),
        ("user.updated", {"devices": [{"token": "", "platform": "ios"}]}, "token"),
        ("user.updated", {"devices": [{"token": "t", "platform": "ios"}] * 51}, "devices"),
        ("user.updated", {"email": "e" * 321}, "email"),
        ("user.preference_changed", {"allowed_channels": ["email"]}, "notification_type"),
        (
            "user.preference_changed",
            {"notification_type": "t", "allowed_channels": ["pigeon"]},
            "allowed_channels",
        ),
        ("user.unsubscribed", {"channel_type": "post"}, "channel_type"),
        ("user.unsubscribed", {}, "channel_type"),
        ("user.consent_granted", {"channel_type": "all_marketing"}, "channel_type"),
        ("user.device_registered", {"platform": "ios"}, "token"),
        ("user.device_registered", {"platform": "ios", "token": "with blank"}, "token"),
        ("user.device_registered", {"platform": "ios", "token": "t\n"}, "token"),
        ("user.device_registered", {"platform": "ios", "token": "t", "sealed": "dA=="}, "token"),
        ("user.device_registered", {"platform": "ios", "sealed": "dA=="}, "token"),
        ("user.device_switched", {"device_id": "7", "is_active": False}, "device_id"),
    ],
)
def test_a_fact_of_a_wrong_form_is_refused(event_type: str, data: dict[str, Any], place: str) -> None:
    with pytest.raises(DecodeError, match=place) as caught:
        user_events()(raw(EVENT, event_type=event_type, data=data))
    assert Fault.WRONG_FIELD == caught.value.reason


def test_only_our_own_apis_seal_a_token() -> None:
    """Mutation: others may: a hundred such events, which nobody can open, would stop the intake."""
    sealed = raw(EVENT, event_type="user.device_registered", data={"platform": "ios", "sealed": "dA=="})
    assert isinstance(decoder_of(topics.PREFERENCE_CHANGES)(sealed), DomainEvent)
    with pytest.raises(DecodeError, match="token"):
        decoder_of(topics.USER_EVENTS)(sealed)


def test_every_fault_has_its_sentence() -> None:
    assert list(Fault) == list(FAULTS)
