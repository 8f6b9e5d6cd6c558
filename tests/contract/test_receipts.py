"""What holds for the webhooks of all vendors: who is believed, what is heard, that nothing else harms."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.providers.receipts.port import Post
from connectors.providers.receipts.reading import receipts_in
from connectors.providers.receipts.registry import WEBHOOKS, webhook_of
from schemas.codec import encode
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind, ReceiptsRead
from schemas.records import ReceiptPosted
from tests.fuzz.decoders import ODD, damaged
from tests.receipt_samples import AT, KEYS, SAMPLES, Sample
from tests.webhooks import MESSAGE_ID

RECEIVED = AT + 5_000
EACH = pytest.mark.parametrize("sample", SAMPLES, ids=[f"{each.kind} {each.name}" for each in SAMPLES])
SIGN_THE_BODY = {"fake_sms", "postbox", "sendgrid", "ses", "sms_ru", "twilio"}
"""Mailgun signs a time, SMSC three fields, MTS and MegaFon nothing at all: docs/providers.md."""


def read(sample: Sample, post: Post | None = None) -> ReceiptsRead:
    posted = ReceiptPosted(
        provider="one", channel="email", kind=sample.kind, received_at=RECEIVED, body=b"sealed"
    )
    return receipts_in(posted, post or sample.post(MESSAGE_ID))


def is_believed(sample: Sample, post: Post, key: str | None = None) -> bool:
    return webhook_of(sample.kind).is_genuine(post, KEYS[sample.kind] if key is None else key, AT)


@pytest.mark.spec("NS-CH-OP-01 NS-CH-OP-02 NS-CH-023 NS-CH-043")
def test_every_webhook_has_samples_of_every_word_that_it_knows() -> None:
    heard: dict[str, set[str]] = {}
    for sample in SAMPLES:
        heard.setdefault(sample.kind, set()).update(sample.kinds)
    assert heard.keys() == KEYS.keys() == {*WEBHOOKS, "fake_sms"}
    for kind, webhook in WEBHOOKS.items():
        known = {each for each in sys.modules[type(webhook).__module__].EVENTS.values() if each}
        missing = known - heard[kind]
        assert (known if kind == "sms_ru" else set()) == missing, kind


@pytest.mark.spec("NS-CH-OP-01 NS-CH-027 NS-API-OP-01")
@EACH
def test_a_post_is_believed_for_the_key_of_its_provider_and_for_no_other(sample: Sample) -> None:
    post = sample.post(MESSAGE_ID)
    assert is_believed(sample, post)
    others = {*KEYS.values(), "", "ж", KEYS[sample.kind][:-1]} - {KEYS[sample.kind]}
    assert {False} == {is_believed(sample, post, other) for other in others}


@pytest.mark.spec("NS-CH-OP-01")
@EACH
def test_a_post_without_its_proof_is_not_believed(sample: Sample) -> None:
    post = sample.post(MESSAGE_ID)
    assert not is_believed(sample, Post({}, b""))
    assert not is_believed(sample, Post({}, b"[]", url=post.url))
    if sample.kind in SIGN_THE_BODY:
        assert not is_believed(sample, post._replace(body=post.body.replace(b"a", b"b", 1)))


@pytest.mark.spec("NS-CH-011 NS-CH-023 NS-CH-024 NS-CH-043 NS-SND-022 NS-SND-OP-06")
@EACH
def test_what_is_heard_is_in_our_words_with_our_id_and_the_vendors_time(sample: Sample) -> None:
    found = read(sample)
    assert (sample.kinds, sample.ignored, sample.strangers) == (
        tuple(each.kind for each in found.heard),
        found.ignored,
        found.strangers,
    )
    assert {(MESSAGE_ID, sample.at or RECEIVED)} >= {(each.message_id, each.at) for each in found.heard}
    assert {each.kind for each in found.heard} <= set(ReceiptKind)


@pytest.mark.spec("NS-SND-OP-07")
def test_a_repeat_is_the_same_event_and_another_word_another_one() -> None:
    heard = [each for sample in SAMPLES for each in read(sample).heard]
    assert [each.event_id for each in heard] == [
        each.event_id for sample in SAMPLES for each in read(sample).heard
    ]
    facts = {(each.event_id, each.kind) for each in heard}
    assert len({event_id for event_id, _ in facts}) == len(facts)


@pytest.mark.spec("NS-SEC-003")
@EACH
def test_no_address_and_no_phone_is_told_on(sample: Sample) -> None:
    for each in read(sample).heard:
        assert b"anna@" not in encode(each)
        assert b"79990000001" not in encode(each)


POSTS = st.sampled_from(SAMPLES).flatmap(
    lambda sample: st.tuples(
        st.just(sample), damaged(st.just(sample.post(MESSAGE_ID).body), ODD | st.binary())
    )
)


@given(POSTS, st.text(max_size=30))
def test_a_damaged_post_is_read_or_refused_and_never_breaks_anything(
    drawn: tuple[Sample, bytes], query: str
) -> None:
    sample, body = drawn
    post = sample.post(MESSAGE_ID)._replace(body=body)
    for each in (post, post._replace(query=query)):
        assert is_believed(sample, each) in {True, False}
        try:
            found = read(sample, each)
        except DecodeError:
            continue
        assert {True} >= {heard.at > 0 for heard in found.heard}
