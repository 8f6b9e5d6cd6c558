"""MegaFon's wire as its documentation and public clients show it, and what each of its words leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from connectors.providers.megafon import Megafon
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, Seen, wire

if TYPE_CHECKING:
    from connectors.providers.port import Answer

ACCOUNT = {"login": "shop", "password": "a secret", "sender": "Shop"}
TAKEN = {"txId": "5f1c2a", "state": "ACCEPTED"}


async def sent(answered: Answered, key: str = "m-1:2", **config: Any) -> tuple[Answer, list[Seen]]:
    async with wire(answered) as vendor:
        carrier = Megafon("sms", {**ACCOUNT, "url": vendor.url, **config}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, key)
        await carrier.close()
    return answer, vendor.seen


@pytest.mark.spec("NS-CH-040 NS-CH-041 NS-CH-044 NS-CH-045")
async def test_text_is_posted_as_the_documentation_has_it() -> None:
    answer, (seen,) = await sent(Answered(200, TAKEN))
    step = {
        "channel": "sms",
        "recipient": {"type": "MSISDN", "value": "79161234567"},
        "sender": "Shop",
        "text": TEXT.body,
    }
    assert ("/messaging/v1/send", {"scenario": [step], "clientRequestId": "m-1:2"}) == (
        seen.path,
        orjson.loads(seen.body),
    )
    assert ("Basic c2hvcDphIHNlY3JldA==", "application/json") == (
        seen.headers["Authorization"],
        seen.headers["Content-Type"],
    )
    assert (Verdict.ACCEPTED, None, "5f1c2a") == (answer.verdict, answer.reason, answer.provider_message_id)


async def test_reports_go_where_the_config_says() -> None:
    _, (seen,) = await sent(Answered(200, TAKEN), status_url="https://n.example/hooks")
    assert orjson.loads(seen.body)["callback"] == "https://n.example/hooks?key=m-1%3A2"


async def test_key_that_is_too_long_is_left_out() -> None:
    _, (seen,) = await sent(Answered(200, TAKEN), key="x" * 101)
    assert "clientRequestId" not in orjson.loads(seen.body)


@pytest.mark.spec("NS-SND-063 NS-SND-064")
@pytest.mark.parametrize(
    ("answered", "verdict", "reason"),
    [
        (Answered(202, TAKEN), Verdict.ACCEPTED, None),
        (Answered(200, {**TAKEN, "state": "DELIVERED"}), Verdict.DELIVERED, None),
        (Answered(200, {**TAKEN, "state": "A_NEW_WORD"}), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(200, b"<html>"), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(400, {"message": PHONE}), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (Answered(401), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (Answered(403, TAKEN), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (Answered(429), Verdict.LIMITED, Reason.PROVIDER_LIMITED),
        (Answered(500, TAKEN), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(503), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (Answered(503, b"", {"Retry-After": "9"}), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_each_answer_has_its_verdict(
    answered: Answered, verdict: Verdict, reason: Reason | None
) -> None:
    answer, _ = await sent(answered)
    assert (verdict, reason) == (answer.verdict, answer.reason)
    assert PHONE not in (answer.detail or "")


@pytest.mark.parametrize("status", [429, 503])
async def test_limit_and_outage_are_as_long_as_megafon_says(status: int) -> None:
    answer, _ = await sent(Answered(status, b"", {"Retry-After": "9"}))
    assert answer.retry_after_ms == 9_000
