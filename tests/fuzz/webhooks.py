"""Posts of providers: whoever signs it, a body is refused, or read with ids and times that can be kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import strategies as st

from connectors.providers.mailgun import MESSAGE_VARIABLE
from connectors.providers.receipts.port import Post
from connectors.providers.receipts.reading import receipts_in
from connectors.providers.receipts.registry import webhook_of
from connectors.providers.sendgrid import MESSAGE_ARGUMENT
from schemas.codec import Decoder, encode
from schemas.errors import DecodeError
from schemas.ids import is_message
from schemas.records import ReceiptHeard, ReceiptPosted
from tests.fuzz.decoders import ODD, damaged
from tests.fuzz.target import Target
from tests.receipt_samples import KEYS as KEYS_OF_VENDORS
from tests.receipt_samples import SAMPLES
from tests.strategies import JSON
from tests.vendor_posts import certificate
from tests.webhooks import AT_S, MESSAGE_ID, STANDARD_KEY

KEYS = {**KEYS_OF_VENDORS, "smtp": STANDARD_KEY}
KINDS = st.sampled_from(list(KEYS))
TIMES = st.sampled_from([AT_S, AT_S + 0.5, 0, -1, 1e300, 10**30, "2023-11-14T22:13:20Z", "now"]) | JSON
WORDS = st.sampled_from(["delivered", "bounce", "open", "failed", "opened", "clicked", "bounced"]) | JSON
EVENTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"event": WORDS, "type": WORDS, "timestamp": TIMES, "at": TIMES},
    optional={
        MESSAGE_ARGUMENT: st.just(MESSAGE_ID) | JSON,
        "message_id": st.just(MESSAGE_ID) | JSON,
        "user-variables": st.just({MESSAGE_VARIABLE: MESSAGE_ID}) | JSON,
        "sg_event_id": JSON,
        "id": JSON,
        "reason": JSON,
        "detail": st.text() | JSON,
        "severity": WORDS,
        "client-info": JSON,
        "delivery-status": JSON,
    },
)
BODIES = st.one_of(
    st.lists(EVENTS | JSON, max_size=3),
    st.fixed_dictionaries({"events": st.lists(EVENTS | JSON, max_size=3)}),
    st.fixed_dictionaries({"signature": JSON, "event-data": EVENTS | JSON}),
    JSON,
).map(msgspec.json.encode) | st.dictionaries(
    st.sampled_from(["MessageStatus", "ErrorCode", "MessageSid"]), st.text(max_size=5) | st.just("delivered")
).map(lambda fields: urlencode(fields, errors="replace").encode())
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "X-Twilio-Signature",
            "X-Twilio-Email-Event-Webhook-Signature",
            "X-Twilio-Email-Event-Webhook-Timestamp",
        ]
    ),
    st.text(max_size=20) | st.sampled_from([str(AT_S), "v1,AAAA", "AAAA", "\udcff"]),
)
OURS = Decoder(ReceiptHeard)


def check_body(given: tuple[str, bytes]) -> None:
    """Read, or refused for good; what is read can be written."""
    kind, body = given
    posted = ReceiptPosted(
        provider="mail",
        channel="email",
        kind=kind,
        received_at=AT_S * 1000,
        body=b"",
    )
    try:
        found = receipts_in(posted, Post({}, body, f"key={MESSAGE_ID}%3A0"))
    except DecodeError:
        return
    for heard in found.heard:
        assert heard == OURS(encode(heard))
        assert is_message(heard.message_id)
        assert 0 < heard.at


def check_proof(given: tuple[str, dict[str, str], bytes]) -> None:
    """Nothing that nobody signed is genuine."""
    kind, headers, body = given
    post = Post(headers, body, certificate=certificate())
    assert not webhook_of(kind).is_genuine(post, KEYS[kind], AT_S * 1000)


SIGNED = {each.post(MESSAGE_ID).body for each in SAMPLES}
UNSIGNED = damaged(BODIES, ODD | st.binary(max_size=4)) | st.binary()
RAW = UNSIGNED | damaged(st.sampled_from(sorted(SIGNED)), ODD | st.binary(max_size=4))
TARGETS: list[Target] = [
    Target.of("receipts", "bodies of webhooks", st.tuples(KINDS, RAW), check_body),
    Target.of("proofs", "signatures of webhooks", st.tuples(KINDS, HEADERS, UNSIGNED), check_proof),
]
