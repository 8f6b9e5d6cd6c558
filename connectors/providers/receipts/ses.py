"""Reports of Amazon SES: events of a configuration set, by SNS (NS-CH-023, NS-CH-027). Never run against AWS.

Sources: "Contents of event data that Amazon SES publishes to Amazon SNS" and "Examples of event data…" of
the SES guide; connectors/providers/receipts/sns.py for SNS. `webhook_key` is the ARN of the topic. It is no
secret: what it proves is who signed, and whoever may publish to that topic is believed.

An event names our message in a tag that the adapter hands over; notifications of an identity have no tags.
SES says of no opening or click that a machine did it, only what the machine calls itself: all count as
people's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.providers.receipts.port import Told, at_in, json_in, member, text
from connectors.providers.receipts.sns import (
    NOTIFICATION,
    Envelope,
    certificate_url,
    confirmation_url,
    envelope_in,
    is_signed,
)
from connectors.providers.ses import MESSAGE_TAG
from schemas.errors import DecodeError
from schemas.receipts import ReceiptKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.providers.receipts.port import Post

# `eventType`, with type and subtype of a bounce or a complaint where they stand so → ours. `Send` and
# `DeliveryDelay` change nothing; the list of those who get nothing holds complainants as well.
EVENTS: dict[str, ReceiptKind | None] = {
    "Delivery": ReceiptKind.DELIVERED,
    "Bounce": ReceiptKind.FAILED,
    "Bounce:Permanent": ReceiptKind.BOUNCED,
    "Bounce:Permanent:OnAccountSuppressionList": ReceiptKind.FAILED,
    "Bounce:Permanent:UnsubscribedRecipient": ReceiptKind.FAILED,
    "Complaint": ReceiptKind.COMPLAINED,
    "Complaint:not-spam": None,
    "Complaint::OnAccountSuppressionList": ReceiptKind.FAILED,
    "Reject": ReceiptKind.FAILED,
    "Rendering Failure": ReceiptKind.FAILED,
    "Open": ReceiptKind.OPENED,
    "Click": ReceiptKind.CLICKED,
    "Subscription:all": ReceiptKind.UNSUBSCRIBED,
}
# Where an event of this type says more of itself.
PARTS = {"Rendering Failure": "failure", "Unsubscribe": "subscription"}


class SesWebhook:
    """The vendor's way: one event in each message of SNS."""

    def certificate_url(self, post: Post, key: str) -> str | None:
        """At the host of the topic's region."""
        envelope = _envelope(post, key)
        return certificate_url(envelope, key) if envelope else None

    def is_genuine(self, post: Post, key: str, now: int) -> bool:
        """A message of this topic, signed by the post's certificate. None is too old: SNS may repeat late."""
        envelope = _envelope(post, key)
        if envelope is None or certificate_url(envelope, key) is None:
            return False
        return is_signed(envelope, post.certificate, now)

    def confirmation_url(self, post: Post, key: str) -> str | None:
        """Of a subscription of this topic."""
        return confirmation_url(envelope_in(post.body), key)

    def events(self, post: Post) -> Iterator[Told]:
        """The one; what is about the subscription, or a word of greeting to the topic, means nothing here."""
        envelope = envelope_in(post.body)
        event = _event_in(envelope) if envelope["Type"] == NOTIFICATION else None
        if event is None:
            yield Told(None, "", 0, "")
        else:
            yield told_in(event, kind_of(event), text(envelope.get("MessageId")))


def _envelope(post: Post, topic: str) -> Envelope | None:
    """None for what cannot be a message of this topic; what does not name it is not even read."""
    try:
        return envelope_in(post.body) if topic.encode("utf-8", "replace") in post.body else None
    except DecodeError:
        return None


def _event_in(envelope: Envelope) -> dict[str, Any] | None:
    """None for a message that is no object: SES says in plain text that it has found the topic."""
    try:
        found = json_in(text(envelope.get("Message")).encode("utf-8", "replace"))
    except DecodeError:
        return None
    return found if isinstance(found, dict) else None


def told_in(event: dict[str, Any], kind: ReceiptKind | None, event_id: str) -> Told:
    """One event of SES, or of who speaks as SES does."""
    tags = member(event, "mail", "tags", MESSAGE_TAG)
    message_id = text(tags[0]) if isinstance(tags, list) and tags else ""
    return Told(kind, message_id, at_in(text(part_of(event).get("timestamp"))), event_id, _detail(event))


def kind_of(event: dict[str, Any]) -> ReceiptKind | None:
    """What an event of SES is."""
    word, part = text(event.get("eventType")), part_of(event)
    if member(part, "newTopicPreferences", "unsubscribeAll") is True:
        word = f"{word}:all"
    kind = text(part.get(f"{word.lower()}Type")) or text(part.get("complaintFeedbackType"))
    subtype = text(part.get(f"{word.lower()}SubType"))
    words = (f"{word}:{kind}:{subtype}", f"{word}::{subtype}", f"{word}:{kind}", word)
    return next((EVENTS[each] for each in words if each in EVENTS), None)


def part_of(event: dict[str, Any]) -> dict[str, Any]:
    """The object that is named as the event is."""
    word = text(event.get("eventType"))
    found = event.get(PARTS.get(word, word.lower()))
    return found if isinstance(found, dict) else {}


def recipient_in(event: dict[str, Any]) -> dict[str, Any]:
    """What is said of the one recipient of a bounce."""
    found = part_of(event).get("bouncedRecipients")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _detail(event: dict[str, Any]) -> str:
    part = part_of(event)
    told = (recipient_in(event).get("diagnosticCode"), part.get("reason"), part.get("errorMessage"))
    return next((text(each) for each in (*told, part.get("smtpResponse")) if text(each)), "")
