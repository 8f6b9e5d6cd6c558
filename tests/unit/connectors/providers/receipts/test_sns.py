"""Messages of SNS are believed for their signature, their topic, and a certificate that holds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from connectors.providers.receipts.ses import SesWebhook
from connectors.providers.receipts.sns import confirmation_url, envelope_in, host_of, signer_in
from schemas.errors import DecodeError
from tests.receipt_samples import AT, told
from tests.vendor_posts import TOPIC, asking, by_ses, by_sns, certificate
from tests.webhooks import MESSAGE_ID

SES = SesWebhook()
POST = by_ses(told("Delivery")(MESSAGE_ID), Subject="Amazon SES Email Event Notification")
YEAR_MS = 366 * 86_400_000


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_signatures_are_known(version: str) -> None:
    assert SES.is_genuine(by_ses(told("Delivery")(MESSAGE_ID), version), TOPIC, AT)


def test_a_subject_is_signed_where_there_is_one() -> None:
    assert SES.is_genuine(POST, TOPIC, AT)
    assert not SES.is_genuine(
        POST._replace(body=POST.body.replace(b"Email Event", b"Other Event")), TOPIC, AT
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"SignatureVersion": "3"},
        {"SignatureVersion": 2},
        {"Signature": "AAAA"},
        {"Signature": "ж"},
        {"Signature": None},
        {"Message": "{}"},
        {"MessageId": "sns-2"},
        {"Timestamp": "2023-11-14T22:13:22.000Z"},
        {"Type": "SubscriptionConfirmation"},
        {"Type": "Other"},
        {"Type": []},
        {"TopicArn": None},
    ],
)
def test_what_was_changed_is_not_believed(changes: dict[str, Any]) -> None:
    body = msgspec.json.encode({**msgspec.json.decode(POST.body), **changes})
    assert not SES.is_genuine(POST._replace(body=body), TOPIC, AT)


@pytest.mark.parametrize("at", [AT - 10 * YEAR_MS, AT + 40 * YEAR_MS])
def test_a_certificate_holds_for_its_time_only(at: int) -> None:
    assert not SES.is_genuine(POST, TOPIC, at)


@pytest.mark.parametrize("pem", [b"", b"<html>", certificate().replace(b"A", b"B", 40)])
def test_what_is_no_certificate_signs_nothing(pem: bytes) -> None:
    assert not SES.is_genuine(POST._replace(certificate=pem), TOPIC, AT)


def test_a_key_of_another_kind_is_none_of_the_vendors() -> None:
    assert signer_in(certificate()) is not None
    assert signer_in(certificate(by=generate_private_key(SECP256R1()))) is None


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        (TOPIC, "sns.eu-west-1.amazonaws.com"),
        (TOPIC.replace(":aws:", ":aws-cn:"), "sns.eu-west-1.amazonaws.com.cn"),
        (TOPIC.replace("eu-west-1", "evil.example/"), None),
        (TOPIC.replace("123456789012", "1"), None),
        (TOPIC + "\n", None),
        ("", None),
    ],
)
def test_the_topic_says_who_speaks_for_it(topic: str, host: str | None) -> None:
    assert host == host_of(topic)


@pytest.mark.parametrize(
    "changes", [{"Token": ""}, {"Token": 7}, {"TopicArn": "x"}, {"Type": "Notification"}]
)
def test_only_a_question_about_this_topic_is_agreed_to(changes: dict[str, Any]) -> None:
    envelope = envelope_in(asking().body)
    assert confirmation_url(envelope, TOPIC)
    assert confirmation_url({**envelope, **changes}, TOPIC) is None
    assert confirmation_url(envelope, "no topic") is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Type": "Other"}'])
def test_another_body_is_none_of_its_messages(body: bytes) -> None:
    with pytest.raises(DecodeError):
        envelope_in(body)


@pytest.mark.parametrize(
    "message",
    ["Successfully validated SNS topic for Amazon SES event publishing.", "", "[]", "7", "[" * 100_000],
)
def test_a_message_that_is_no_event_of_ses_means_nothing(message: str) -> None:
    post = by_sns({"Type": "Notification", "Message": message})
    assert SES.is_genuine(post, TOPIC, AT)
    assert [None] == [each.kind for each in SES.events(post)]


@pytest.mark.parametrize("message", [7, {}, []])
def test_a_message_that_is_no_text_is_none_of_sns(message: Any) -> None:
    body = msgspec.json.encode({**msgspec.json.decode(POST.body), "Message": message})
    with pytest.raises(DecodeError):
        list(SES.events(POST._replace(body=body)))
