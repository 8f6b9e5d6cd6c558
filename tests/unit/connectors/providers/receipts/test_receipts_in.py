"""What vendors tell, in our words."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from connectors.providers.receipts.port import Post
from connectors.providers.receipts.reading import ReceiptReader, receipts_in
from schemas.codec import Decoder, encode
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind, ReceiptsRead
from schemas.records import ReceiptPosted
from tests.fakes import PlainCipher
from tests.webhooks import (
    AT_S,
    MESSAGE_ID,
    by_mailgun,
    by_sendgrid,
    by_standard,
    by_twilio,
    mailgun_event,
    sendgrid_event,
)

RECEIVED = AT_S * 1000 + 5_000


def posted(kind: str, body: bytes = b"sealed:[]") -> ReceiptPosted:
    return ReceiptPosted(provider="mail", channel="email", kind=kind, received_at=RECEIVED, body=body)


def read(kind: str, post: Post) -> ReceiptsRead:
    return receipts_in(posted(kind), Post({}, post.body, post.query))


def kinds(found: ReceiptsRead) -> list[str]:
    return [one.kind for one in found.heard]


@pytest.mark.spec("NS-CH-011 NS-CH-023 NS-CH-024 NS-SND-OP-06")
@pytest.mark.parametrize(
    ("word", "more", "kind"),
    [
        ("delivered", {"response": "250 OK"}, "delivered"),
        ("bounce", {"type": "bounce", "reason": "550 5.1.1"}, "bounced"),
        ("bounce", {"type": "blocked"}, "failed"),
        ("dropped", {"reason": "Spam Content"}, "failed"),
        ("dropped", {"reason": "Bounced Address"}, "bounced"),
        ("open", {"sg_machine_open": False}, "opened"),
        ("open", {"sg_machine_open": True}, "opened_by_machine"),
        ("click", {"url": "https://example.com"}, "clicked"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {"asm_group_id": 7}, "unsubscribed"),
    ],
)
def test_events_of_sendgrid(word: str, more: dict[str, Any], kind: str) -> None:
    (heard,) = read("sendgrid", by_sendgrid(sendgrid_event(word, **more))).heard
    assert (kind, MESSAGE_ID, AT_S * 1000, "mail") == (heard.kind, heard.message_id, heard.at, heard.provider)


@pytest.mark.spec("NS-CH-011 NS-CH-023 NS-CH-024 NS-SND-OP-06")
@pytest.mark.parametrize(
    ("word", "more", "kind"),
    [
        ("delivered", {}, "delivered"),
        ("rejected", {}, "failed"),
        ("failed", {"severity": "permanent", "reason": "bounce"}, "bounced"),
        ("failed", {"severity": "permanent", "reason": "old"}, "failed"),
        ("opened", {"client_info": {"bot": ""}}, "opened"),
        ("opened", {"client_info": {"bot": "apple"}}, "opened_by_machine"),
        ("clicked", {}, "clicked"),
        ("clicked", {"client_info": {"bot": "generic"}}, "clicked_by_machine"),
        ("complained", {}, "complained"),
        ("unsubscribed", {}, "unsubscribed"),
    ],
)
def test_events_of_mailgun(word: str, more: dict[str, Any], kind: str) -> None:
    (heard,) = read("mailgun", by_mailgun(mailgun_event(word, **more))).heard
    assert (kind, MESSAGE_ID, AT_S * 1000 + 250) == (heard.kind, heard.message_id, heard.at)


@pytest.mark.spec("NS-CH-043")
@pytest.mark.parametrize(
    ("word", "more", "kinds_of_it"),
    [
        ("sent", {}, []),
        ("delivered", {}, ["delivered"]),
        ("undelivered", {"ErrorCode": "30003"}, ["failed"]),
        ("undelivered", {"ErrorCode": "30005"}, ["bounced"]),
        ("failed", {"ErrorCode": "30005"}, ["bounced"]),
        ("canceled", {}, ["failed"]),
        ("read", {}, ["opened"]),
    ],
)
def test_events_of_twilio(word: str, more: dict[str, str], kinds_of_it: list[str]) -> None:
    found = read("twilio", by_twilio(word, **more))
    assert kinds_of_it == kinds(found)
    assert {(MESSAGE_ID, RECEIVED)} >= {(one.message_id, one.at) for one in found.heard}
    assert found == read("twilio", by_twilio(word, **more))


@pytest.mark.parametrize("kind", ["fake_sms", "postbox"])
def test_our_own_form_has_a_word_for_everything(kind: str) -> None:
    """Of Postbox too: a reader of its stream may know our words."""
    events = [{"type": word, "message_id": MESSAGE_ID, "at": "2023-11-14T22:13:20Z"} for word in ReceiptKind]
    found = read(kind, by_standard(*events))
    assert list(ReceiptKind) == kinds(found)
    assert {AT_S * 1000} == {one.at for one in found.heard}


@pytest.mark.parametrize(
    ("kind", "post"),
    [
        ("sendgrid", by_sendgrid(sendgrid_event("deferred"), sendgrid_event("processed"))),
        ("mailgun", by_mailgun(mailgun_event("failed", severity="temporary", reason="generic"))),
        ("twilio", by_twilio("queued")),
        ("smtp", by_standard({"type": "paid", "message_id": MESSAGE_ID}, {"type": []})),
    ],
)
def test_what_means_nothing_here_is_counted(kind: str, post: Post) -> None:
    found = read(kind, post)
    assert ((), True, 0) == (found.heard, found.ignored > 0, found.strangers)


@pytest.mark.parametrize("message_id", ["", "of another system", MESSAGE_ID.upper(), f"{MESSAGE_ID}\n"])
def test_other_mail_of_the_account_is_none_of_ours(message_id: str) -> None:
    post = by_sendgrid(sendgrid_event("delivered", message_id), sendgrid_event("delivered"))
    found = read("sendgrid", post)
    assert (["delivered"], 0, 1) == (kinds(found), found.ignored, found.strangers)


@pytest.mark.spec("NS-SND-OP-07")
def test_a_repeat_has_the_same_event_id_and_nothing_else_has() -> None:
    told = [
        sendgrid_event("delivered"),
        sendgrid_event("delivered"),
        sendgrid_event("delivered", sg_event_id="2"),
        sendgrid_event("delivered", timestamp=AT_S + 1),
        sendgrid_event("open", sg_event_id="delivered-1"),
    ]
    found = [one.event_id for one in read("sendgrid", by_sendgrid(*told)).heard]
    assert (found[0], 4) == (found[1], len(set(found)))


@pytest.mark.parametrize("at", [None, True, "soon", -1, 1e300, AT_S * 1000])
def test_a_time_that_is_none_is_that_of_the_post(at: Any) -> None:
    (heard,) = read("sendgrid", by_sendgrid(sendgrid_event("delivered", timestamp=at))).heard
    assert RECEIVED == heard.at


def test_no_address_gets_into_the_detail() -> None:
    told = sendgrid_event("bounce", reason="550 no mailbox anna@example.com\r\nhere")
    (heard,) = read("sendgrid", by_sendgrid(told)).heard
    assert "550 no mailbox *** here" == heard.detail


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("sendgrid", b"", "not_json"),
        ("sendgrid", b"{}", "wrong_field"),
        ("sendgrid", b"[1]", "wrong_field"),
        ("sendgrid", b"[" * 100_000, "too_long"),
        ("mailgun", b"{}", "wrong_field"),
        ("smtp", b"[]", "wrong_field"),
        ("twilio", b"\xff", "wrong_field"),
        ("twilio", b"a=1&" * 300, "wrong_field"),
        ("smtp", b"\xff", "not_json"),
    ],
)
def test_a_body_that_is_none_of_the_vendors_is_a_dead_letter(kind: str, body: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        receipts_in(posted(kind), Post({}, body))
    assert reason == caught.value.reason


def test_a_post_that_nobody_here_can_open_is_a_dead_letter_and_holds_up_nothing() -> None:
    reader = ReceiptReader(Decoder(ReceiptPosted), PlainCipher())
    assert ReceiptsRead("mail", (), 0, 0) == reader(encode(posted("sendgrid")))
    for strange in (
        posted("sendgrid", b"by an unknown key"),
        replace(posted("twilio"), query_sealed=b"by another"),
    ):
        with pytest.raises(DecodeError) as caught:
            reader(encode(strange))
        assert "unopened" == caught.value.reason


@pytest.mark.spec("NS-SEC-003")
def test_what_stands_behind_the_path_is_opened_or_as_a_version_before_left_it_in_clear() -> None:
    post = by_twilio("delivered")
    reader = ReceiptReader(Decoder(ReceiptPosted), PlainCipher())
    sealed = replace(posted("twilio", b"sealed:" + post.body), query_sealed=b"sealed:" + post.query.encode())
    clear = replace(sealed, query=post.query, query_sealed=None)
    read = reader(encode(sealed))
    assert isinstance(read, ReceiptsRead)
    assert ["delivered"] == kinds(read)
    assert reader(encode(clear)) == read
