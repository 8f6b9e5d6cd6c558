"""SMS.ru's wire as its documentation shows it, and what each of its words leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.providers.sms_ru import SmsRu
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, Seen, wire

if TYPE_CHECKING:
    from connectors.providers.port import Answer

DIGITS = PHONE.removeprefix("+")
TAKEN = {"status": "OK", "status_code": 100, "sms_id": "202643-1000001"}


def of_phone(code: int) -> dict[str, Any]:
    about = {"status": "ERROR", "status_code": code, "status_text": f"{DIGITS}: said"}
    return {"status": "OK", "status_code": 100, "sms": {DIGITS: about}, "balance": 12.5}


def whole(code: int) -> dict[str, Any]:
    return {"status": "ERROR", "status_code": code, "status_text": "said"}


async def sent(answered: Answered, **config: Any) -> tuple[Answer, list[Seen]]:
    async with wire(answered) as vendor:
        carrier = SmsRu("sms", {"api_id": "a secret", "url": vendor.url, **config}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, "m-1:0")
        await carrier.close()
    return answer, vendor.seen


@pytest.mark.spec("NS-CH-040 NS-CH-041 NS-CH-044 NS-CH-045")
async def test_text_is_posted_as_the_documentation_has_it() -> None:
    taken = {"status": "OK", "status_code": 100, "sms": {DIGITS: TAKEN}, "balance": 12.5}
    answer, (seen,) = await sent(Answered(200, taken), sender="Shop")
    assert seen.path == "/sms/send"
    assert {"api_id": "a secret", "to": DIGITS, "msg": TEXT.body, "from": "Shop", "json": "1"} == seen.form
    assert (Verdict.ACCEPTED, None, TAKEN["sms_id"]) == (
        answer.verdict,
        answer.reason,
        answer.provider_message_id,
    )


@pytest.mark.spec("NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (200, whole(200), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, whole(201), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, of_phone(202), Verdict.PERMANENT, Reason.INVALID_CONTACT),
        (200, whole(203), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, whole(204), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, of_phone(205), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, of_phone(206), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (200, of_phone(207), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, of_phone(209), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, of_phone(214), Verdict.MISCONFIGURED, Reason.RECIPIENT_NOT_SERVED),
        (200, of_phone(215), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, of_phone(216), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, whole(220), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (200, of_phone(230), Verdict.TEMPORARY, Reason.PROVIDER_LIMITED),
        (200, of_phone(231), Verdict.LIMITED, Reason.RECIPIENT_LIMITED),
        (200, of_phone(232), Verdict.TEMPORARY, Reason.PROVIDER_LIMITED),
        (200, of_phone(233), Verdict.LIMITED, Reason.RECIPIENT_LIMITED),
        (200, whole(300), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, whole(500), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, of_phone(503), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (200, of_phone(999), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, {"status": "OK", "status_code": 100}, Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, {"status": "OK", "status_code": 100, "sms": {}}, Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (
            200,
            {"status_code": 100, "sms": {DIGITS: {"status_code": 100}}},
            Verdict.HIDDEN,
            Reason.ANSWER_HIDDEN,
        ),
        (200, b"100\n000000-10000000", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (403, b"<html>", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (429, b"", Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (502, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
    ],
)
async def test_each_answer_has_its_verdict(status: int, body: Any, verdict: Verdict, reason: Reason) -> None:
    answer, _ = await sent(Answered(status, body))
    assert (verdict, reason) == (answer.verdict, answer.reason)


@pytest.mark.parametrize(("code", "expected"), [(231, 60_000), (233, 60_000), (206, None), (220, None)])
async def test_limits_of_a_minute_are_waited_out(code: int, expected: int | None) -> None:
    answer, _ = await sent(Answered(200, of_phone(code)))
    assert expected == answer.retry_after_ms


async def test_detail_tells_the_code_and_never_the_phone() -> None:
    answer, _ = await sent(Answered(200, of_phone(207)))
    assert answer.detail == "HTTP 200, code 207: ***: said"
