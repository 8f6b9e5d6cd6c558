"""One table of posts for every vendor whose webhooks are read, as its public documentation words them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.receipts import ReceiptKind
from tests.vendor_posts import (
    ADDRESS_KEY,
    SMS_RU_KEY,
    SMSC_KEY,
    TOPIC,
    asking,
    by_megafon,
    by_mts,
    by_postbox,
    by_ses,
    by_sms_ru,
    by_smsc,
    by_smsc_get,
    mail,
)
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.providers.receipts.port import Post

AT = AT_S * 1000
WHEN = "2023-11-14T22:13:20.000Z"
STREAM = "2023-11-15T01:13:20.00000+03:00"
KEYS = {
    "fake_sms": STANDARD_KEY,
    "mailgun": MAILGUN_KEY,
    "megafon": ADDRESS_KEY,
    "mts": ADDRESS_KEY,
    "postbox": STANDARD_KEY,
    "sendgrid": SENDGRID_KEY,
    "ses": TOPIC,
    "sms_ru": SMS_RU_KEY,
    "smsc": SMSC_KEY,
    "twilio": TWILIO_KEY,
}


class Sample(NamedTuple):
    """One post, by the id of its message. `at` 0: the vendor tells no time. `kinds`: what is heard in it."""

    kind: str
    name: str
    post: Callable[[str], Post]
    kinds: tuple[str, ...]
    at: int = AT
    ignored: int = 0
    strangers: int = 0


def told(word: str, about: dict[str, Any] | None = None) -> Callable[[str], dict[str, Any]]:
    """An event of SES; `about`: the object that is named as the event is."""
    part = {"Rendering Failure": "failure"}.get(word, word.lower())
    return lambda message_id: {
        "eventType": word,
        "mail": mail(message_id),
        part: {"timestamp": WHEN, **(about or {})},
    }


def bounce(kind: str, subtype: str, status: str = "5.1.1") -> dict[str, Any]:
    recipient = {
        "emailAddress": "anna@example.com",
        "status": status,
        "diagnosticCode": f"smtp; 550 {status}",
    }
    return {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [recipient],
        "feedbackId": "f-1",
    }


SES: dict[str, tuple[Callable[[str], dict[str, Any]], tuple[str, ...]]] = {
    "send": (told("Send"), ()),
    "delay": (told("DeliveryDelay", {"delayType": "MailboxFull"}), ()),
    "delivery": (told("Delivery", {"smtpResponse": "250 ok", "recipients": []}), ("delivered",)),
    "permanent": (told("Bounce", bounce("Permanent", "General")), ("bounced",)),
    "suppressed": (told("Bounce", bounce("Permanent", "OnAccountSuppressionList")), ("failed",)),
    "transient": (told("Bounce", bounce("Transient", "MailboxFull", "5.2.2")), ("failed",)),
    "undetermined": (told("Bounce", bounce("Undetermined", "Undetermined")), ("failed",)),
    "complaint": (told("Complaint", {"complaintFeedbackType": "abuse"}), ("complained",)),
    "bare complaint": (told("Complaint"), ("complained",)),
    "not spam": (told("Complaint", {"complaintFeedbackType": "not-spam"}), ()),
    "listed": (told("Complaint", {"complaintSubType": "OnAccountSuppressionList"}), ("failed",)),
    "reject": (told("Reject", {"reason": "Bad content"}), ("failed",)),
    "failure": (told("Rendering Failure", {"errorMessage": "no name"}), ("failed",)),
    "open": (told("Open", {"ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}), ("opened",)),
    "click": (told("Click", {"link": "https://example.com", "linkTags": None}), ("clicked",)),
    "out": (told("Subscription", {"newTopicPreferences": {"unsubscribeAll": True}}), ("unsubscribed",)),
    "some": (told("Subscription", {"newTopicPreferences": {"unsubscribeAll": False}}), ()),
}
POSTBOX: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "Send": ({"send": {}}, ()),
    "DeliveryDelay": ({"deliveryDelay": {"delayType": "General", "timestamp": STREAM}}, ()),
    "Delivery": ({"delivery": {"timestamp": STREAM}}, ("delivered",)),
    "Open": ({"open": {"timestamp": STREAM, "ipAddress": "192.0.2.1"}}, ("opened",)),
    "Click": ({"click": {"timestamp": STREAM}}, ("clicked",)),
    "Unsubscribe": (
        {"subscription": {"timestamp": STREAM, "source": "UnsubscribeHeader"}},
        ("unsubscribed",),
    ),
}
BOUNCES = {"5.1.1": "bounced", "5.7.1": "failed", "5.1.8": "failed"}
SENDGRID: dict[str, tuple[dict[str, str], str]] = {
    "delivered": ({}, "delivered"),
    "bounce": ({"type": "bounce"}, "bounced"),
    "dropped": ({"reason": "Spam Content"}, "failed"),
    "open": ({}, "opened"),
    "click": ({}, "clicked"),
    "spamreport": ({}, "complained"),
    "unsubscribe": ({}, "unsubscribed"),
}
MAILGUN: dict[str, tuple[dict[str, str], str]] = {
    "delivered": ({}, "delivered"),
    "failed": ({"severity": "permanent", "reason": "bounce"}, "bounced"),
    "rejected": ({}, "failed"),
    "opened": ({}, "opened"),
    "clicked": ({}, "clicked"),
    "complained": ({}, "complained"),
    "unsubscribed": ({}, "unsubscribed"),
}
SMSC: dict[str, tuple[str, ...]] = {
    "0": (),
    "-1": (),
    "1": ("delivered",),
    "2": ("opened",),
    "3": ("failed",),
    "4": ("clicked",),
    "20": ("failed",),
    "22": ("bounced",),
    "25": ("failed",),
}
TWILIO: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "sent": ({}, ()),
    "delivered": ({}, ("delivered",)),
    "failed": ({"ErrorCode": "30005"}, ("bounced",)),
    "undelivered": ({"ErrorCode": "30003"}, ("failed",)),
    "read": ({}, ("opened",)),
}
MTS: dict[int, tuple[str, ...]] = {200: (), 201: ("failed",), 300: ("delivered",), 301: ("failed",)}
MEGAFON: dict[str, tuple[str, ...]] = {
    "ACCEPTED": (),
    "DELIVERED": ("delivered",),
    "SEEN": ("opened",),
    "EXPIRED": ("failed",),
}


def _ses(event: Callable[[str], dict[str, Any]], message_id: str) -> Post:
    return by_ses(event(message_id))


def _postbox(word: str, part: dict[str, Any], message_id: str) -> Post:
    return by_postbox({"eventType": word, "mail": mail(message_id), "eventId": f"{word}:0", **part})


def _sendgrid(word: str, more: dict[str, str], message_id: str) -> Post:
    return by_sendgrid(sendgrid_event(word, message_id, **more))


def _mailgun(word: str, more: dict[str, str], message_id: str) -> Post:
    return by_mailgun(mailgun_event(word, message_id, **more))


def _twilio(word: str, more: dict[str, str], message_id: str) -> Post:
    return by_twilio(word, message_id, **more)


def _standard(word: str, message_id: str) -> Post:
    return by_standard({"type": word, "at": WHEN, "id": "1", "message_id": message_id})


def _mts(status: int, message_id: str) -> Post:
    about = {"event_at": WHEN, "internal_id": "i-1", "msisdn": "79990000001"}
    return by_mts({"status": status, "message_id": message_id, **about})


def _mts_as_asked_for(message_id: str) -> Post:
    event = {"status": 300, "event_at": WHEN, "message_id": message_id}
    return by_mts({"events_info": [{"key": message_id, "events_info": [event]}]})


def _same(post: Post, _message_id: str) -> Post:
    return post


def _mails() -> Iterator[Sample]:
    for name, (event, kinds) in SES.items():
        yield Sample("ses", name, partial(_ses, event), kinds, ignored=not kinds)
    yield Sample("ses", "asking", partial(_same, asking()), (), ignored=1)
    for word, (part, kinds) in POSTBOX.items():
        yield Sample("postbox", word, partial(_postbox, word, part), kinds, ignored=not kinds)
    for status, kind in BOUNCES.items():
        gone = {"bounce": {**bounce("Permanent", "Undetermined", status), "timestamp": STREAM}}
        yield Sample("postbox", status, partial(_postbox, "Bounce", gone), (kind,))
    for word, (more, kind) in SENDGRID.items():
        yield Sample("sendgrid", word, partial(_sendgrid, word, more), (kind,))
    for word, (more, kind) in MAILGUN.items():
        yield Sample("mailgun", word, partial(_mailgun, word, more), (kind,), AT + 250)


def _texts() -> Iterator[Sample]:
    for status, kinds in SMSC.items():
        yield Sample("smsc", status, partial(by_smsc, status), kinds, ignored=not kinds)
    yield Sample("smsc", "md5", partial(by_smsc, "1", algorithm="md5"), ("delivered",))
    yield Sample("smsc", "get", partial(by_smsc_get, "1"), ("delivered",))
    yield Sample("smsc", "no phone", partial(by_smsc, "20", err="1"), ("bounced",))
    entries = [f"sms_status\n2347-100000{at}\n{code}\n{AT_S}" for at, code in enumerate((102, 103, 104, 110))]
    yield Sample("sms_ru", "by its own id", partial(_same, by_sms_ru(*entries)), (), ignored=1, strangers=3)
    others = by_sms_ru(f"callcheck_status\n2347-1\n401\n{AT_S}", "test")
    yield Sample("sms_ru", "others", partial(_same, others), (), ignored=2)
    for number, kinds in MTS.items():
        yield Sample("mts", f"{number}", partial(_mts, number), kinds, ignored=not kinds)
    yield Sample("mts", "as asked for", _mts_as_asked_for, ("delivered",))
    for state, kinds in MEGAFON.items():
        about = {"txId": "t-1", "state": state, "msisdn": "79990000001"}
        yield Sample("megafon", state, partial(by_megafon, about), kinds, 0, ignored=not kinds)
    for word, (more, kinds) in TWILIO.items():
        yield Sample("twilio", word, partial(_twilio, word, more), kinds, 0, ignored=not kinds)
    for word in ReceiptKind:
        yield Sample("fake_sms", word, partial(_standard, word), (word,))


SAMPLES = [*_mails(), *_texts()]
