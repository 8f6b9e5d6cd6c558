"""A post is the vendor's only with its signature."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.providers.receipts.mailgun import GOOD_MS as DAY_MS
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import WEBHOOKS, webhook_of
from connectors.providers.receipts.sendgrid import SIGNATURE, TIMESTAMP
from connectors.providers.receipts.standard import GOOD_MS as MINUTES_MS
from tests.webhooks import (
    AT_S,
    MAILGUN_KEY,
    SENDGRID_KEY,
    STANDARD_KEY,
    TWILIO_KEY,
    by_mailgun,
    by_sendgrid,
    by_standard,
    by_twilio,
    mailgun_event,
    sendgrid_event,
)

NOW = AT_S * 1000
SENDGRID = by_sendgrid(sendgrid_event("delivered"))
MAILGUN = by_mailgun(mailgun_event("delivered"))
STANDARD = by_standard({"type": "delivered"})
TWILIO = by_twilio("delivered")
GENUINE = [
    ("sendgrid", SENDGRID, SENDGRID_KEY),
    ("mailgun", MAILGUN, MAILGUN_KEY),
    ("smtp", STANDARD, STANDARD_KEY),
    ("twilio", TWILIO, TWILIO_KEY),
]


def genuine(kind: str, post: Post, key: str, now: int = NOW) -> bool:
    return webhook_of(kind).is_genuine(post, key, now)


@pytest.mark.spec("NS-CH-OP-01 NS-CH-027 NS-API-OP-01")
@pytest.mark.parametrize(("kind", "post", "key"), GENUINE)
def test_what_the_vendor_signed_is_taken(kind: str, post: Post, key: str) -> None:
    assert genuine(kind, post, key)


@pytest.mark.spec("NS-CH-OP-01")
@pytest.mark.parametrize(("kind", "post", "key"), GENUINE)
def test_another_key_proves_nothing(kind: str, post: Post, key: str) -> None:
    others = {key for _, _, key in GENUINE} - {key} | {"", "whsec_AAAA", "ж", key[:-4]}
    assert {False} == {genuine(kind, post, other) for other in others}


@pytest.mark.parametrize("kind", ["sendgrid", "smtp"])
def test_a_signature_covers_the_body(kind: str) -> None:
    post, key = {"sendgrid": (SENDGRID, SENDGRID_KEY), "smtp": (STANDARD, STANDARD_KEY)}[kind]
    assert not genuine(kind, post._replace(body=post.body + b" "), key)
    assert not genuine(kind, Post({}, post.body), key)


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: "no base64", TIMESTAMP: str(AT_S)},
        {SIGNATURE: "AAAA", TIMESTAMP: str(AT_S)},
        {SIGNATURE: "", TIMESTAMP: ""},
        {SIGNATURE: SENDGRID.headers[SIGNATURE], TIMESTAMP: str(AT_S + 1)},
        {SIGNATURE: SENDGRID.headers[SIGNATURE], TIMESTAMP: "\udcff"},
    ],
)
def test_sendgrid_signs_time_and_body(headers: dict[str, str]) -> None:
    assert not genuine("sendgrid", Post(headers, SENDGRID.body), SENDGRID_KEY)


@pytest.mark.parametrize(
    "proof",
    [
        None,
        [],
        {},
        {"timestamp": AT_S, "token": "token", "signature": "00"},
        {"timestamp": "²", "token": "token", "signature": "00"},
        {"timestamp": "9" * 400, "token": "token", "signature": "00"},
        {"timestamp": str(AT_S), "token": "token", "signature": "ж"},
    ],
)
def test_what_is_no_proof_of_mailgun_proves_nothing(proof: Any) -> None:
    body = json.dumps({"signature": proof, "event-data": mailgun_event("delivered")}).encode()
    assert not genuine("mailgun", Post({}, body), MAILGUN_KEY)
    assert not genuine("mailgun", Post({}, b"no json"), MAILGUN_KEY)


@pytest.mark.parametrize(
    ("kind", "post", "key", "good_ms"),
    [("mailgun", MAILGUN, MAILGUN_KEY, DAY_MS), ("smtp", STANDARD, STANDARD_KEY, MINUTES_MS)],
)
def test_a_signature_is_good_for_a_while(kind: str, post: Post, key: str, good_ms: int) -> None:
    """Mailgun's does not cover the events, and repeats last for hours."""
    found = [genuine(kind, post, key, NOW + ms) for ms in (-good_ms - 1, -good_ms, good_ms, good_ms + 1)]
    assert [False, True, True, False] == found


def test_two_signatures_stand_in_the_header_while_a_key_is_changed() -> None:
    told = STANDARD.headers["webhook-signature"]
    both = Post({**STANDARD.headers, "webhook-signature": f"v1,AAAA {told}"}, STANDARD.body)
    assert genuine("smtp", both, STANDARD_KEY)


@pytest.mark.parametrize("name", ["webhook-timestamp", "webhook-signature", "webhook-id"])
def test_each_header_of_our_form_is_needed(name: str) -> None:
    headers = {known: value for known, value in STANDARD.headers.items() if known != name}
    assert not genuine("smtp", Post(headers, STANDARD.body), STANDARD_KEY)
    assert not genuine("smtp", Post({**headers, name: "ж"}, STANDARD.body), STANDARD_KEY)


def test_whoever_has_no_way_of_his_own_uses_ours() -> None:
    assert not {"fake_sms", "smtp"} & set(WEBHOOKS)
    assert webhook_of("fake_sms") is webhook_of("smtp")


@pytest.mark.spec("NS-CH-043")
@pytest.mark.parametrize(
    "changes",
    [
        {"url": ""},
        {"url": TWILIO.url + "1"},
        {"url": TWILIO.url.replace("https", "http")},
        {"body": TWILIO.body + b"&MessageStatus=read"},
        {"body": b"\xff"},
        {"headers": {}},
    ],
)
def test_twilio_signs_the_address_and_what_is_told(changes: dict[str, Any]) -> None:
    assert not genuine("twilio", TWILIO._replace(**changes), TWILIO_KEY)
