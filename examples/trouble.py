"""The less pleasant part of the sample data: repeats, old news, broken records, failing providers."""

from __future__ import annotations

import json

from examples.cast import Person
from examples.choices import Choosers
from examples.lines import SEND_TOPIC, Author, Line, with_headers, with_value
from examples.scenes import Crowd, confirmation, order, promotion

LONG = "x" * 20_000
NEXT_CENTURY = "2125-05-21T12:34:56Z"
LAST_YEAR = "2024-05-21T12:34:56Z"


def repeats(author: Author, lines: list[Line]) -> list[Line]:
    """The same again: a producer's retry (nothing differs), a second request of the same key, an event."""
    rng = author.rng
    requests = [line for line in lines if line["topic"] == SEND_TOPIC]
    events = [line for line in lines if line["topic"] in ("payment.events", "social.events")]
    exact = [line for line in rng.sample(requests, 20) for _ in range(2)]
    renamed = []
    for line in rng.sample(requests, 25):
        nameless = {name: text for name, text in line["headers"].items() if name != "request_id"}
        renamed += [line | {"headers": nameless}] * rng.randint(1, 3)
    return exact + renamed + rng.sample(events, 30)


def strangers(author: Author, crowd: Crowd) -> list[Line]:
    """The same key of another source or another user is no repeat."""
    lines = []
    for _ in range(6):
        one = author.request(
            crowd.pick("email").user_id, "order_confirmation", confirmation(author.rng), "shop"
        )
        other = one["headers"] | {"source": "kiosk"}
        other.pop("request_id", None)
        lines += [one, one | {"headers": other}]
        someone = crowd.pick("email").user_id
        if someone != one["value"]["user_id"]:
            lines.append(with_value(one, user_id=someone) | {"key": someone, "headers": {"source": "shop"}})
    return lines


def refused(author: Author, crowd: Crowd) -> list[Line]:
    """Readable requests that may not be carried out: each ends with an outcome and a reason."""
    rng = author.rng

    def wanted() -> Line:
        return author.request(
            crowd.pick("email", "sms").user_id, "order_confirmation", confirmation(rng), "shop"
        )

    lines = [
        with_value(wanted(), notification_type=name) for name in ["no_such_type", "order-confirmation"] * 6
    ]
    lines += [with_value(wanted(), scheduled_at=at) for at in [NEXT_CENTURY, "tomorrow"] * 2]
    lines += [with_headers(wanted(), occurred_at=LAST_YEAR) for _ in range(4)]
    for _ in range(6):
        code = {"Code": "000000"}
        lines.append(author.request(crowd.pick("sms").user_id, "password_reset", code, "shop"))
        lines.append(author.event("social.poked", crowd.pick("push").user_id, {"by": "somebody"}))
        lines.append(author.event("payment.viewed", crowd.pick("push").user_id, order(rng)))
        old = author.event("payment.successful", crowd.pick("email").user_id, order(rng))
        lines.append(with_headers(old, occurred_at=LAST_YEAR))
    return lines


def odd_but_good(author: Author, crowd: Crowd) -> list[Line]:
    """Unusual, and still carried out: other forms, unknown fields and priorities, long texts, languages."""
    rng = author.rng

    def wanted() -> Line:
        return author.request(
            crowd.pick("email", "push").user_id, "order_confirmation", confirmation(rng), "shop"
        )

    lines = [with_value(wanted(), priority=word) for word in ["high", "normal", "low", "urgent"]]
    lines += [with_value(wanted(), language=word) for word in ["en", "ru", "de"]]
    lines += [with_value(wanted(), colour="blue", trace={"a": [1, 2, {"b": None}]}) for _ in range(2)]
    lines += [
        with_headers(wanted(), occurred_at=NEXT_CENTURY),
        with_headers(wanted(), request_id="not a uuid"),
    ]
    lines += [wanted() | {"scheduled_in_s": seconds} for seconds in [3, 3, 4, 4, 5]]
    lines += [wanted() | {"key": None} for _ in range(4)]
    lines += [wanted() | {"headers": {}} for _ in range(4)]
    loud = wanted()
    lines.append(with_value(loud, user_id=loud["value"]["user_id"].upper()))
    long_text = crowd.pick("email").user_id
    lines.append(author.request(long_text, "system_alert", {"Text": LONG}, "admin-service"))
    for _ in range(4):
        event = author.event("payment.failed", crowd.pick("email").user_id, order(rng))
        identity = {"ce_specversion": "1.0", "ce_type": "payment.failed", "ce_source": "/payments"}
        lines.append(event | {"headers": identity | {"ce_id": event["headers"]["event_id"]}})
    return lines


def nested(levels: int) -> Line:
    """An object in an object in an object."""
    return {"a": nested(levels - 1)} if levels else {}


def unreadable(author: Author, crowd: Crowd) -> list[Line]:
    """Records that no reader can make sense of: each becomes a dead letter."""
    good = author.request(crowd.pick("email").user_id, "order_confirmation", {}, "shop")
    user = good["value"]["user_id"]
    lines = [
        author.raw(SEND_TOPIC, text)
        for text in ["", "{", "hello", '{"user_id": "1"', "[1, 2]", "null", '"text"']
    ]
    lines += [
        author.raw("payment.events", text)
        for text in ["{}}", "<xml/>", '{"event_type": "payment.successful"}']
    ]
    lines += [author.raw("user.events", json.dumps({"user_id": user, "data": {}}))]
    lines += [
        with_value(good, **wrong) for wrong in ({"user_id": 42}, {"data": [1]}, {"notification_type": None})
    ]
    lines += [
        with_value(good, idempotency_key={"a": 1}),
        with_value(good, user_id="me"),
        with_value(good, user_id=""),
    ]
    for missing in ("user_id", "notification_type", "idempotency_key"):
        value = {name: part for name, part in good["value"].items() if name != missing}
        lines.append(good | {"value": value})
    too_long = ({"notification_type": LONG}, {"idempotency_key": LONG})
    lines += [with_value(good, **wrong) for wrong in too_long]
    lines += [with_value(good, data={"Text": "null\0character"}), with_value(good, data=nested(40))]
    choice = {"notification_type": "refund", "allowed_channels": ["fax"]}
    lines += [author.event("user.preference_changed", user, choice)]
    lines += [author.event("user.updated", user, {"devices": "my phone"})]
    return lines


def failing(author: Author, troubled: dict[str, list[Person]], crowd: Crowd) -> list[Line]:
    """A template that lacks a variable, and addresses at which the fake providers fail."""
    rng = author.rng
    lines = []
    for _ in range(10):
        data = {"InvoiceNumber": f"I-{rng.randrange(1000):04d}"}
        lines.append(author.request(crowd.pick("email").user_id, "invoice_ready", data, "billing"))
    text = {"Text": "Nobody will ever answer whether this came through."}
    lines += [
        author.request(one.user_id, "system_alert", text, "admin-service") for one in troubled.pop("timeout")
    ]
    for someone in (one for group in troubled.values() for one in group):
        if someone.email:
            lines.append(author.request(someone.user_id, "order_confirmation", confirmation(rng), "shop"))
        if someone.phone:
            lines.append(
                author.request(someone.user_id, "password_reset", {"Code": "123456"}, "auth-service")
            )
    return lines


def chosen(author: Author, choosers: Choosers) -> list[Line]:
    """Requests to those who made a choice: some are skipped, some go another way."""
    rng = author.rng
    lines = []
    for people in choosers.groups.values():
        for someone in people:
            user_id = someone.user_id
            lines.append(author.event("payment.successful", user_id, order(rng)))
            lines.append(author.request(user_id, "refund", {"OrderNumber": "A-1", "Amount": 5}, "shop"))
            lines.append(
                author.request(user_id, "system_alert", {"Text": "Maintenance tonight."}, "admin-service")
            )
            data = promotion(rng, someone)
            lines.append(author.request(user_id, "marketing_promo", data, "marketing-service"))
            lines.append(author.request(user_id, "password_reset", {"Code": "654321"}, "auth-service"))
    return lines
