"""Twilio's wire as its documentation shows it, and what each of its words leads to."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from connectors.providers.port import ProviderConfigError
from connectors.providers.twilio import Twilio
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, Seen, wire

if TYPE_CHECKING:
    from connectors.providers.port import Answer

ACCOUNT = {"account_sid": "AC00000000000000000000000000000001", "secret": "a token", "sender": "+15005550006"}

MESSAGE = {
    "account_sid": ACCOUNT["account_sid"],
    "api_version": "2010-04-01",
    "body": "text",
    "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": "+15005550006",
    "messaging_service_sid": None,
    "num_segments": "1",
    "price": None,
    "sid": "SM00000000000000000000000000000001",
    "status": "queued",
    "to": PHONE,
}


def refusal(code: int, status: int = 400) -> dict[str, Any]:
    return {"code": code, "message": f"The 'To' number {PHONE} is wrong", "more_info": "-", "status": status}


async def sent(answered: Answered, **config: Any) -> tuple[Answer, list[Seen]]:
    async with wire(answered) as vendor:
        carrier = Twilio("sms", {**ACCOUNT, "url": vendor.url, **config}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, "m-1:2")
        await carrier.close()
    return answer, vendor.seen


@pytest.mark.spec("NS-CH-040 NS-CH-041 NS-CH-045")
async def test_text_is_posted_as_the_documentation_has_it() -> None:
    answer, (seen,) = await sent(Answered(201, MESSAGE))
    assert f"/2010-04-01/Accounts/{ACCOUNT['account_sid']}/Messages.json" == seen.path
    assert {"To": PHONE, "From": "+15005550006", "Body": TEXT.body} == seen.form
    assert f"{ACCOUNT['account_sid']}:a token" == basic(seen)
    assert (Verdict.ACCEPTED, None, MESSAGE["sid"], None) == (
        answer.verdict,
        answer.reason,
        answer.provider_message_id,
        answer.retry_after_ms,
    )


@pytest.mark.parametrize(
    ("sender", "field"),
    [
        ("MG0123456789abcdef0123456789ABCDEF", "MessagingServiceSid"),
        ("MGTS", "From"),
        ("15005550006", "From"),
    ],
)
async def test_messaging_service_is_named_as_one_and_a_name_as_a_name(sender: str, field: str) -> None:
    _, (seen,) = await sent(Answered(201, {**MESSAGE, "status": "accepted"}), sender=sender)
    assert {"To": PHONE, field: sender, "Body": TEXT.body} == seen.form


@pytest.mark.spec("NS-CH-044")
async def test_api_key_is_shown_instead_of_the_account() -> None:
    _, (seen,) = await sent(Answered(201, MESSAGE), key_sid="SK01", secret="its secret")
    assert basic(seen) == "SK01:its secret"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://n.example/hooks/sms/main", "https://n.example/hooks/sms/main?key=m-1%3A2"),
        ("https://n.example/hooks?v=1", "https://n.example/hooks?v=1&key=m-1%3A2"),
    ],
)
async def test_reports_come_back_under_our_key(url: str, expected: str) -> None:
    _, (seen,) = await sent(Answered(201, MESSAGE), status_url=url)
    assert expected == seen.form["StatusCallback"]


@pytest.mark.spec("NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (201, b"not json", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, {"sid": None}, Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (201, {**MESSAGE, "status": "a new word"}, Verdict.ACCEPTED, None),
        (201, {**MESSAGE, "status": "delivered"}, Verdict.DELIVERED, None),
        (201, {**MESSAGE, "status": "failed"}, Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (
            201,
            {**MESSAGE, "status": "failed", "error_code": 30007},
            Verdict.PERMANENT,
            Reason.PROVIDER_REFUSED,
        ),
        (201, {**MESSAGE, "status": "failed", "error_code": 30001}, Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (400, refusal(21211), Verdict.PERMANENT, Reason.INVALID_CONTACT),
        (400, refusal(21212), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (400, refusal(21408), Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED),
        (400, refusal(21606), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (400, refusal(21608), Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED),
        (400, refusal(21610), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (400, refusal(21611), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (400, refusal(21612), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (400, refusal(21614), Verdict.PERMANENT, Reason.INVALID_CONTACT),
        (400, refusal(21617), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (400, refusal(21635), Verdict.PERMANENT, Reason.INVALID_CONTACT),
        (400, refusal(21730), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (400, refusal(99999), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (401, refusal(20003, 401), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (403, b"<html>", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (404, refusal(20404, 404), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (429, refusal(20429, 429), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (429, refusal(63038, 429), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (500, refusal(20500, 500), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (502, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (503, refusal(20503, 503), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (503, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (504, b"", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
    ],
)
async def test_each_answer_has_its_verdict(
    status: int, body: Any, verdict: Verdict, reason: Reason | None
) -> None:
    answer, _ = await sent(Answered(status, body))
    assert (verdict, reason) == (answer.verdict, answer.reason)


async def test_detail_tells_the_code_and_never_the_phone() -> None:
    answer, _ = await sent(Answered(400, refusal(21211)))
    assert answer.detail == "HTTP 400, code 21211: The 'To' number *** is wrong"


@pytest.mark.spec("NS-SND-OP-13 NS-SND-OP-14")
@pytest.mark.parametrize(("code", "status"), [(20429, 429), (21611, 400), (20503, 503)])
async def test_retry_after_counts_for_limits_and_for_errors_that_pass(code: int, status: int) -> None:
    answer, _ = await sent(Answered(status, refusal(code, status), {"Retry-After": "7"}))
    assert 7_000 == answer.retry_after_ms


@pytest.mark.parametrize(
    "config",
    [
        {"account_sid": "AC1", "secret": "s"},
        {**ACCOUNT, "token": "t"},
        {**ACCOUNT, "url": "http://api.twilio.example"},
    ],
)
def test_config_that_is_none_is_refused_without_its_values(config: dict[str, Any]) -> None:
    with pytest.raises(ProviderConfigError) as error:
        Twilio("sms", config, lambda: 0)
    assert "a token" not in str(error.value)


def basic(seen: Seen) -> str:
    scheme, _, token = seen.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    return b64decode(token).decode()
