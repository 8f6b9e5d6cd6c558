"""Amazon SES v2 and Yandex Cloud Postbox on the wire, and what each answer means to us."""

from __future__ import annotations

from base64 import b64decode
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connectors.providers import postbox, ses
from connectors.providers.letter import Sender, letter
from connectors.providers.port import ProviderConfigError
from connectors.providers.postbox import Postbox
from connectors.providers.ses import Ses
from connectors.providers.signature_v4 import AwsKey, signed
from schemas.records import Content
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import Wire, wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.providers.port import Answer

SECRET = "a/secret+of+tests"
CONFIG = {
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": SECRET,
    "region": "eu-central-1",
    "from_address": "no-reply@carillon.test",
    "from_name": "Карильон",
}
CONTENT = Content(
    body="<p>Привет</p>", body_text="Привет", subject="Новости", unsubscribe_url="https://carillon.test/u/1"
)
NOW = 1_800_000_000_000
ERROR_ADDRESS = "http://internal.amazon.com/coral/com.amazonaws.ses/"


@pytest.fixture
async def there() -> AsyncIterator[Wire]:
    async with wire() as one:
        yield one


@asynccontextmanager
async def carrying(there: Wire, kind: type[Ses] = Ses, **changes: Any) -> AsyncIterator[Ses]:
    carrier = kind("mail", {**CONFIG, "url": there.url, **changes}, lambda: NOW)
    try:
        yield carrier
    finally:
        await carrier.close()


async def sent(there: Wire, kind: type[Ses] = Ses, **changes: Any) -> Answer:
    async with carrying(there, kind, **changes) as carrier:
        return await carrier.send("anna@example.com", CONTENT, "m-1:2")


@pytest.mark.spec("NS-CH-020 NS-CH-021")
async def test_request_is_the_whole_letter_with_tags(there: Wire) -> None:
    there.answers(200, b'{"MessageId": "010001890f"}')
    answer = await sent(there, configuration_set="events")
    (asked,) = there.seen
    body = orjson.loads(asked.body)
    raw = b64decode(body["Content"]["Raw"].pop("Data"))
    assert asked.path == "/v2/email/outbound-emails"
    assert body == {
        "FromEmailAddress": "no-reply@carillon.test",
        "Destination": {"ToAddresses": ["anna@example.com"]},
        "Content": {"Raw": {}},
        "EmailTags": [
            {"Name": "carillon_message_id", "Value": "m-1"},
            {"Name": "carillon_epoch", "Value": "2"},
        ],
        "ConfigurationSetName": "events",
    }
    assert raw == letter(
        Sender("no-reply@carillon.test", "Карильон"), "anna@example.com", CONTENT, "m-1:2", NOW
    )
    assert (Verdict.ACCEPTED, "010001890f") == (answer.verdict, answer.provider_message_id)


async def test_a_tag_that_the_vendor_would_refuse_is_left_out(there: Wire) -> None:
    async with carrying(there) as carrier:
        await carrier.send("anna@example.com", CONTENT, "a.message:2")
    assert [{"Name": "carillon_epoch", "Value": "2"}] == orjson.loads(there.seen[0].body)["EmailTags"]


async def test_the_way_out_survives_in_the_raw_mail(there: Wire) -> None:
    await sent(there)
    raw = b64decode(orjson.loads(there.seen[0].body)["Content"]["Raw"]["Data"])
    mail = message_from_bytes(raw, policy=policy.default)
    assert ["<https://carillon.test/u/1>", "List-Unsubscribe=One-Click"] == [
        mail["List-Unsubscribe"],
        mail["List-Unsubscribe-Post"],
    ]
    assert max(len(line) for line in raw.split(b"\r\n")) < 998


async def test_what_arrives_is_what_was_signed(there: Wire) -> None:
    await sent(there, session_token="t0k3n")
    (asked,) = there.seen
    key = AwsKey("AKIDEXAMPLE", SECRET, "eu-central-1", "ses", "t0k3n")
    url = f"http://{asked.headers['Host']}{asked.path}"
    again = signed(key, url, asked.body, {"Content-Type": asked.headers["Content-Type"]}, NOW)
    assert again == {name: asked.headers[name] for name in again}


@pytest.mark.spec("NS-CH-023")
async def test_postbox_gets_tags_in_a_header_and_another_region(there: Wire) -> None:
    config = {name: value for name, value in CONFIG.items() if name != "region"}
    carrier = Postbox("mail", {**config, "url": there.url}, lambda: NOW)
    await carrier.send("anna@example.com", CONTENT, "m-1:2")
    await carrier.close()
    (asked,) = there.seen
    body = orjson.loads(asked.body)
    assert {"FromEmailAddress", "Destination", "Content"} == set(body)
    mail = message_from_bytes(b64decode(body["Content"]["Raw"]["Data"]))
    assert "carillon_message_id=m-1" == mail["X-SES-MESSAGE-TAGS"]
    assert "/ru-central1/ses/aws4_request" in asked.headers["Authorization"]


@pytest.mark.spec("NS-SND-063 NS-SND-064 NS-SND-020")
@pytest.mark.parametrize(
    ("status", "word", "verdict"),
    [
        (400, "AccountSuspendedException", Verdict.MISCONFIGURED),
        (400, "BadRequestException", Verdict.PERMANENT),
        (400, "LimitExceededException", Verdict.LIMITED),
        (400, "MailFromDomainNotVerifiedException", Verdict.MISCONFIGURED),
        (400, "MessageRejected", Verdict.PERMANENT),
        (404, "NotFoundException", Verdict.MISCONFIGURED),
        (400, "SendingPausedException", Verdict.MISCONFIGURED),
        (429, "TooManyRequestsException", Verdict.LIMITED),
        (400, "Throttling", Verdict.LIMITED),
        (400, "ThrottlingException", Verdict.LIMITED),
        (403, "SignatureDoesNotMatch", Verdict.MISCONFIGURED),
        (403, "UnrecognizedClientException", Verdict.MISCONFIGURED),
        (403, "ExpiredTokenException", Verdict.MISCONFIGURED),
        (400, "RequestExpired", Verdict.MISCONFIGURED),
        (500, "InternalFailure", Verdict.HIDDEN),
        (503, "ServiceUnavailable", Verdict.TEMPORARY),
        (400, "ANewException", Verdict.PERMANENT),
        (403, "ANewException", Verdict.MISCONFIGURED),
        (429, "ANewException", Verdict.LIMITED),
        (500, "ANewException", Verdict.HIDDEN),
    ],
)
@pytest.mark.parametrize("place", ["header", "__type", "Code", "code"])
async def test_an_error_is_known_wherever_its_name_stands(
    there: Wire, status: int, word: str, verdict: Verdict, place: str
) -> None:
    body = (
        {"message": "said"} if place == "header" else {place: f"com.amazonaws.ses#{word}", "message": "said"}
    )
    headers = {"x_amzn_ErrorType": f"{word}:{ERROR_ADDRESS}"} if place == "header" else {}
    there.answers(status, orjson.dumps(body), **headers)
    answer = await sent(there)
    assert (verdict, f"{status} {word} said") == (answer.verdict, answer.detail)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.HIDDEN),
        (400, Verdict.PERMANENT),
        (401, Verdict.MISCONFIGURED),
        (403, Verdict.MISCONFIGURED),
        (429, Verdict.LIMITED),
        (500, Verdict.HIDDEN),
        (502, Verdict.HIDDEN),
        (503, Verdict.HIDDEN),
        (504, Verdict.HIDDEN),
    ],
)
@pytest.mark.parametrize("kind", [Ses, Postbox])
async def test_without_a_name_the_status_speaks(
    there: Wire, kind: type[Ses], status: int, verdict: Verdict
) -> None:
    there.answers(status, b"<html>")
    assert verdict == (await sent(there, kind)).verdict


@pytest.mark.parametrize(
    ("status", "code"), [(429, "LimitExceededException"), (429, "TooManyRequestsException")]
)
async def test_postbox_names_its_errors_in_the_body(there: Wire, status: int, code: str) -> None:
    there.answers(status, orjson.dumps({"Code": code, "message": "the quota was exceeded"}))
    answer = await sent(there, Postbox)
    assert (Verdict.LIMITED, Reason.PROVIDER_LIMITED) == (answer.verdict, answer.reason)


async def test_a_detail_names_neither_recipient_nor_secret(there: Wire) -> None:
    told = f"anna@example.com: {SECRET} and t0k3n"
    there.answers(400, orjson.dumps({"__type": "MessageRejected", "Message": told}))
    answer = await sent(there, session_token="t0k3n")
    assert answer.detail == "400 MessageRejected ***: *** and ***"


async def test_a_sender_that_is_not_verified_is_ours_to_repair(there: Wire) -> None:
    told = (
        "Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c"
    )
    there.answers(400, orjson.dumps({"message": told}), x_amzn_ErrorType="MessageRejected")
    answer = await sent(there)
    assert (Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED) == (answer.verdict, answer.reason)


def test_every_error_of_sending_that_the_vendors_document_is_in_the_table() -> None:
    documented = {"TooManyRequestsException", "LimitExceededException", "AccountSuspendedException"}
    documented |= {"SendingPausedException", "MessageRejected", "MailFromDomainNotVerifiedException"}
    documented |= {"NotFoundException", "BadRequestException"}
    assert documented <= set(ses.CODES)
    assert documented <= set(postbox.CODES)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Ses, "https://email.eu-central-1.amazonaws.com"), (Postbox, "https://postbox.cloud.yandex.net")],
)
def test_without_a_url_it_is_the_vendors_own(kind: type[Ses], expected: str) -> None:
    assert expected == kind("mail", CONFIG, lambda: NOW)._url


@pytest.mark.parametrize(
    "change",
    [
        {"region": "eu/../"},
        {"region": ""},
        {"access_key_id": "two\nlines"},
        {"session_token": "тайна"},
        {"secret_access_key": None},
        {"url": "http://email.test"},
        {"from_address": "nobody"},
    ],
)
def test_an_unusable_config_is_told_without_its_values(change: dict[str, Any]) -> None:
    with pytest.raises(ProviderConfigError) as caught:
        Ses("mail", {**CONFIG, **change}, lambda: NOW)
    assert [] == [value for value in change.values() if value and str(value) in str(caught.value)]
