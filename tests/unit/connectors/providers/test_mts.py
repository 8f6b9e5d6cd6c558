"""MTS' wire as its documentation and public clients show it, and what each of its words leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connectors.providers.mts import Mts
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, Seen, wire

if TYPE_CHECKING:
    from connectors.providers.port import Answer

ACCOUNT = {"login": "gw_1", "password": "a secret", "sender": "Shop", "settle_ms": 1}
MESSAGE_ID = "0198d1c2-7a61-7000-8000-00000000a001"
INTERNAL_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TAKEN = {"messages": [{"internal_id": INTERNAL_ID, "msisdn": PHONE.removeprefix("+")}]}
UNSEEN = Answered(
    200,
    {
        "events_info": [
            {"error": True, "error_description": "key not exists", "events_info": [], "key": MESSAGE_ID}
        ]
    },
)


def events(*statuses: int) -> Answered:
    happened = [{"status": status, "internal_id": INTERNAL_ID, "total_parts": 1} for status in statuses]
    return Answered(200, {"events_info": [{"events_info": happened, "key": MESSAGE_ID}]})


async def sent(answered: Answered) -> tuple[Answer, list[Seen]]:
    async with wire(answered) as vendor:
        carrier = Mts("sms", {**ACCOUNT, "url": vendor.url}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, f"{MESSAGE_ID}:1")
        await carrier.close()
    return answer, vendor.seen


async def asked(*answered: Answered) -> tuple[Answer, list[Seen]]:
    async with wire(*answered) as vendor:
        carrier = Mts("sms", {**ACCOUNT, "url": vendor.url}, lambda: 0)
        answer = await carrier.ask(f"{MESSAGE_ID}:1")
        await carrier.close()
    return answer, vendor.seen


@pytest.mark.spec("NS-CH-040 NS-CH-041 NS-CH-044 NS-CH-045")
async def test_text_is_posted_as_the_documentation_has_it() -> None:
    answer, (seen,) = await sent(Answered(200, TAKEN))
    message = {
        "content": {"short_text": TEXT.body},
        "from": {"sms_address": "Shop"},
        "to": [{"msisdn": "79161234567", "message_id": MESSAGE_ID}],
    }
    assert ("/http-api/v1/messages", {"messages": [message]}) == (seen.path, orjson.loads(seen.body))
    assert ("Basic Z3dfMTphIHNlY3JldA==", "application/json") == (
        seen.headers["Authorization"],
        seen.headers["Content-Type"],
    )
    assert (Verdict.ACCEPTED, None, INTERNAL_ID) == (
        answer.verdict,
        answer.reason,
        answer.provider_message_id,
    )


@pytest.mark.spec("NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("answered", "verdict", "reason"),
    [
        (Answered(200, {"messages": []}), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(200, {"messages": [{"msisdn": "7"}]}), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(200, b"<html>"), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(400, {"code": 400, "message": PHONE}), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (Answered(401), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (Answered(403), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (Answered(429), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (Answered(500, TAKEN), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(503), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(503, b"", {"Retry-After": "9"}), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_each_answer_has_its_verdict(answered: Answered, verdict: Verdict, reason: Reason) -> None:
    answer, _ = await sent(answered)
    assert (verdict, reason) == (answer.verdict, answer.reason)
    assert PHONE not in (answer.detail or "")


@pytest.mark.spec("NS-SND-OP-12")
@pytest.mark.parametrize(
    ("answered", "verdict"),
    [
        (events(), Verdict.ACCEPTED),
        (events(200), Verdict.ACCEPTED),
        (events(200, 300), Verdict.DELIVERED),
        (events(200, 301), Verdict.ACCEPTED),
        (events(201), Verdict.PERMANENT),
        (events(777), Verdict.ACCEPTED),
        (Answered(200, {"events_info": [{"error": True, "error_description": "other"}]}), Verdict.TEMPORARY),
        (Answered(200, {"events_info": []}), Verdict.TEMPORARY),
        (Answered(200, b"<html>"), Verdict.TEMPORARY),
        (Answered(400), Verdict.MISCONFIGURED),
        (Answered(401), Verdict.MISCONFIGURED),
        (Answered(429), Verdict.LIMITED),
        (Answered(502), Verdict.TEMPORARY),
    ],
)
async def test_question_has_its_verdict(answered: Answered, verdict: Verdict) -> None:
    answer, (seen,) = await asked(answered)
    assert ("/http-api/v1/messages/info", {"msg_ids": [MESSAGE_ID]}) == (seen.path, orjson.loads(seen.body))
    assert verdict == answer.verdict


@pytest.mark.parametrize(
    ("second", "verdict"), [(UNSEEN, Verdict.PERMANENT), (events(200), Verdict.ACCEPTED)]
)
async def test_text_counts_as_never_arrived_only_after_a_second_question(
    second: Answered, verdict: Verdict
) -> None:
    answer, seen = await asked(UNSEEN, second)
    assert (verdict, 2) == (answer.verdict, len(seen))


@pytest.mark.parametrize("status", [429, 503])
async def test_limit_and_outage_are_as_long_as_mts_says(status: int) -> None:
    answer, _ = await sent(Answered(status, b"", {"Retry-After": "9"}))
    assert answer.retry_after_ms == 9_000


async def test_lost_answer_to_a_question_is_asked_for_again() -> None:
    carrier = Mts("sms", {**ACCOUNT, "url": "http://127.0.0.1:1"}, lambda: 0)
    answer: Any = await carrier.ask(f"{MESSAGE_ID}:0")
    await carrier.close()
    assert answer.verdict is Verdict.TEMPORARY
