"""Who may post is told cheaply: the route is open, and a post that nobody signed costs next to nothing."""

from __future__ import annotations

import tracemalloc

import pytest

from connectors.providers.receipts.port import Post
from connectors.providers.receipts.registry import LARGEST, webhook_of
from tests.receipt_samples import AT, KEYS
from tests.vendor_posts import CERTIFICATE_URL, TOPIC, certificate
from tests.webhooks import STATUS_URL

MANY = b"[" + b"[]," * 90_000 + b"[]]"
PROOF = b'{"timestamp":"1","token":"2","signature":"00"}'


class UnreadError(Exception):
    """Somebody read it."""


class Unread(bytes):
    """A body that is not to be read as a form."""

    __slots__ = ()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - that of bytes
        """Break the test."""
        raise UnreadError


@pytest.mark.spec("NS-CH-OP-01 NS-CH-043")
@pytest.mark.parametrize("kind", ["twilio", "smsc", "sms_ru"])
def test_a_form_without_a_signature_is_refused_unread(kind: str) -> None:
    post = Post({}, Unread(b"id=1&status=1&data[0]=x"), "key=1", f"{STATUS_URL}?key=1")
    assert not webhook_of(kind).is_genuine(post, KEYS[kind], AT)


@pytest.mark.parametrize("kind", ["twilio", "smsc", "sms_ru"])
def test_without_a_key_no_form_is_read(kind: str) -> None:
    post = Post({"X-Twilio-Signature": "AAAA"}, Unread(b"sha1=1&hash=1"), "", STATUS_URL)
    assert not webhook_of(kind).is_genuine(post, "", AT)


@pytest.mark.spec("NS-CH-OP-01")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("mailgun", b'{"signature":%s,"event-data":%s}' % (PROOF, MANY)),
        (
            "ses",
            b'{"Type":"Notification","TopicArn":"%s","SigningCertURL":"%s","More":%s}'
            % (TOPIC.encode(), CERTIFICATE_URL.encode(), MANY),
        ),
        ("ses", b'{"Type":"Notification","More":%s}' % MANY),
    ],
)
def test_what_is_not_signed_is_skipped_and_takes_no_memory(kind: str, body: bytes) -> None:
    assert len(MANY) < len(body) < LARGEST[kind]
    post = Post({}, body, certificate=certificate())
    webhook_of(kind).is_genuine(Post({}, b"{}"), KEYS[kind], AT)
    tracemalloc.start()
    try:
        assert not webhook_of(kind).is_genuine(post, KEYS[kind], AT)
        assert tracemalloc.get_traced_memory()[1] < len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["mailgun", "ses"])
def test_what_is_nested_too_deeply_is_refused(kind: str) -> None:
    body = b'{"TopicArn":"%s","More":%s' % (TOPIC.encode(), b"[" * 200_000)
    assert not webhook_of(kind).is_genuine(Post({}, body), KEYS[kind], AT)
