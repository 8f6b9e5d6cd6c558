"""SendGrid on the wire: requests as its specification has them, and what each answer means to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connectors.providers.http_call import MAX_RETRY_AFTER_MS
from connectors.providers.port import Answer, ProviderConfigError
from connectors.providers.sendgrid import SendGrid
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import Wire, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "SG.a-key.of-tests"
CONFIG = {"api_key": KEY, "from_address": "no-reply@carillon.test", "from_name": "Карильон"}
CONTENT = Content(
    body="<p>Привет</p>", body_text="Привет", subject="Новости", unsubscribe_url="https://carillon.test/u/1"
)
NOW = 1_800_000_000_000


@pytest.fixture
async def there() -> AsyncIterator[Wire]:
    async with wire() as one:
        yield one


async def sent(there: Wire, content: Content = CONTENT, address: str = "anna@example.com") -> Answer:
    carrier = SendGrid("mail", {**CONFIG, "url": there.url}, lambda: NOW)
    try:
        return await carrier.send(address, content, "m-1:2")
    finally:
        await carrier.close()


def refusal(message: str, field: str | None) -> bytes:
    return orjson.dumps({"errors": [{"message": message, "field": field, "help": None}]})


@pytest.mark.spec("NS-CH-020 NS-CH-021")
async def test_request_is_what_the_specification_asks_for(there: Wire) -> None:
    there.answers(202, X_Message_Id="14c5d75ce93.dfd.64b469")
    answer = await sent(there)
    (asked,) = there.seen
    body: dict[str, Any] = orjson.loads(asked.body)
    assert asked.path == "/v3/mail/send"
    assert {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"} == {
        name: asked.headers[name] for name in ("Authorization", "Content-Type")
    }
    assert body == {
        "personalizations": [{"to": [{"email": "anna@example.com"}]}],
        "from": {"email": "no-reply@carillon.test", "name": "Карильон"},
        "subject": "Новости",
        "content": [
            {"type": "text/plain", "value": "Привет"},
            {"type": "text/html", "value": "<p>Привет</p>"},
        ],
        "headers": {
            "Message-ID": "<m-1@carillon.test>",
            "Carillon-Message-Id": "m-1",
            "Carillon-Idempotency-Key": "m-1:2",
            "List-Unsubscribe": "<https://carillon.test/u/1>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "custom_args": {"carillon_message_id": "m-1", "carillon_key": "m-1:2"},
        "tracking_settings": {"subscription_tracking": {"enable": False}},
    }
    assert (Verdict.ACCEPTED, "14c5d75ce93.dfd.64b469") == (answer.verdict, answer.provider_message_id)


async def test_no_header_is_one_that_the_vendor_keeps_for_itself(there: Wire) -> None:
    reserved = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "to", "from", "subject"}
    reserved |= {"content-transfer-encoding", "reply-to", "cc", "bcc"}
    await sent(there)
    headers = orjson.loads(there.seen[0].body)["headers"]
    assert set() == reserved & {name.lower() for name in headers}


async def test_an_empty_text_is_left_out_for_it_would_be_refused(there: Wire) -> None:
    await sent(there, Content(body="<p>a</p>", body_text="", subject="x"))
    await sent(there, Content(body="", subject="x"))
    assert [[{"type": "text/html", "value": "<p>a</p>"}], [{"type": "text/plain", "value": " "}]] == [
        orjson.loads(asked.body)["content"] for asked in there.seen
    ]


async def test_a_subject_of_two_lines_is_one(there: Wire) -> None:
    await sent(there, Content(body="a", subject="one\r\nBcc: b@example.com"))
    assert orjson.loads(there.seen[0].body)["subject"] == "one Bcc: b@example.com"


@pytest.mark.spec("NS-SND-063 NS-SND-064 NS-SND-020")
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (202, b"", Verdict.ACCEPTED, None),
        (200, b"", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (451, b"", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (400, refusal("Bad Request", None), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (
            400,
            refusal("Does not contain a valid address.", "personalizations.0.to.0.email"),
            Verdict.PERMANENT,
            Reason.INVALID_CONTACT,
        ),
        (
            400,
            refusal("The from email does not contain a valid address.", "from.email"),
            Verdict.MISCONFIGURED,
            Reason.PROVIDER_MISCONFIGURED,
        ),
        (400, refusal("too long", "content.0.value"), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (401, refusal("revoked", None), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (
            401,
            refusal("Maximum credits exceeded", None),
            Verdict.MISCONFIGURED,
            Reason.PROVIDER_MISCONFIGURED,
        ),
        (403, refusal("not verified", "from"), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (404, b"", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (406, b"", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (413, b"", Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (429, refusal("too many requests", None), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (500, b"", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (502, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (503, b"", Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (504, b"", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (400, b'{"errors": "no list"}', Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (400, b'{"errors": [7]}', Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
    ],
)
async def test_each_answer_means_one_thing(
    there: Wire, status: int, body: bytes, verdict: Verdict, reason: Reason | None
) -> None:
    there.answers(status, body)
    answer = await sent(there)
    assert (verdict, reason) == (answer.verdict, answer.reason)


@pytest.mark.spec("NS-SND-064")
@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"X_RateLimit_Reset": "1800000007"}, 7_000),
        (429, {"X_RateLimit_Reset": "1392815263"}, 0),
        (429, {"X_RateLimit_Reset": "99999999999999"}, MAX_RETRY_AFTER_MS),
        (429, {"X_RateLimit_Reset": "soon"}, None),
        (429, {"Retry_After": "3", "X_RateLimit_Reset": "1800000007"}, 3_000),
        (429, {}, None),
        (202, {"X_RateLimit_Reset": "1800000007"}, None),
    ],
)
async def test_a_limit_ends_with_the_vendors_period(
    there: Wire, status: int, headers: dict[str, str], expected: int | None
) -> None:
    there.answers(status, b"", **headers)
    assert expected == (await sent(there)).retry_after_ms


async def test_a_detail_names_neither_the_recipient_nor_the_key(there: Wire) -> None:
    there.answers(400, refusal(f"anna@example.com with {KEY} is refused", None))
    assert (await sent(there)).detail == "400 *** with *** is refused"


@pytest.mark.parametrize(
    "address",
    [
        "anna",
        "anna@",
        "@example.com",
        "a b@example.com",
        "анна@example.com",
        "a@example.com,b@example.com",
        "a@b@example.com",
        "<a@example.com>",
        "a@example.com;b",
        '"a"@example.com',
        "a@example.com\r\nBcc: b@c",
    ],
)
async def test_what_is_not_one_ascii_address_is_never_sent(there: Wire, address: str) -> None:
    answer = await sent(there, address=address)
    assert (Verdict.PERMANENT, Reason.INVALID_CONTACT) == (answer.verdict, answer.reason)
    assert there.seen == []


@pytest.mark.parametrize(
    "change",
    [
        {"api_key": None},
        {"api_key": "two\nlines"},
        {"from_address": "Us <us@carillon.test>"},
        {"from_address": "мы@carillon.test"},
        {"url": "http://api.sendgrid.test"},
        {"colour": "blue"},
    ],
)
def test_an_unusable_config_is_told_without_its_values(change: dict[str, Any]) -> None:
    with pytest.raises(ProviderConfigError) as caught:
        SendGrid("mail", {**CONFIG, **change}, lambda: NOW)
    assert [] == [value for value in change.values() if value and str(value) in str(caught.value)]
