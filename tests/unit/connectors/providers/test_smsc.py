"""SMSC's wire as its documentation shows it, and what each of its words leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.providers.port import ProviderConfigError
from connectors.providers.smsc import Smsc
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.wire import PHONE, TEXT, Answered, Seen, wire

if TYPE_CHECKING:
    from connectors.providers.port import Answer

ACCOUNT = {"login": "carillon", "password": "a secret", "sender": "Shop"}
MESSAGE_ID = "0198d1c2-7a61-7000-8000-00000000a001"
ASKING = {"login": "carillon", "psw": "a secret", "fmt": "3", "charset": "utf-8"}


def error(code: int, text: str = "said") -> dict[str, Any]:
    return {"error": text, "error_code": code}


DUPLICATE = Answered(200, error(9, "duplicate request, wait a minute"))


async def sent(*answered: Answered, key: str = f"{MESSAGE_ID}:0", **config: Any) -> tuple[Answer, list[Seen]]:
    async with wire(*answered) as vendor:
        carrier = Smsc("sms", {**(config or ACCOUNT), "url": vendor.url}, lambda: 0)
        answer = await carrier.send(PHONE, TEXT, key)
        await carrier.close()
    return answer, vendor.seen


@pytest.mark.spec("NS-CH-040 NS-CH-041 NS-CH-045")
async def test_text_is_posted_as_the_documentation_has_it() -> None:
    answer, (seen,) = await sent(Answered(200, {"id": MESSAGE_ID, "cnt": 1}))
    assert seen.path == "/sys/send.php"
    assert {**ASKING, "phones": PHONE, "mes": TEXT.body, "id": MESSAGE_ID, "sender": "Shop"} == seen.form
    assert (Verdict.ACCEPTED, None, MESSAGE_ID) == (answer.verdict, answer.reason, answer.provider_message_id)


@pytest.mark.spec("NS-CH-044")
async def test_key_of_the_api_stands_in_for_login_and_password() -> None:
    _, (seen,) = await sent(Answered(200, {"id": 7, "cnt": 1}), api_key="a key")
    assert {"apikey": "a key", "fmt": "3", "charset": "utf-8"}.items() <= seen.form.items()
    assert not {"login", "psw", "sender"} & set(seen.form)


@pytest.mark.parametrize("message_id", ["x" * 41, "a b", "a/b", "ё"])
async def test_id_that_smsc_does_not_take_is_left_to_smsc(message_id: str) -> None:
    answer, (seen,) = await sent(Answered(200, {"id": 7, "cnt": 1}), key=f"{message_id}:0")
    assert "id" not in seen.form
    assert (Verdict.ACCEPTED, "7") == (answer.verdict, answer.provider_message_id)


@pytest.mark.spec("NS-SND-063")
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (200, error(1), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, error(2, "authorise error"), Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, {**error(3, "no money"), "id": 5}, Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (200, error(4), Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE),
        (200, error(5), Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, {**error(6, "message is denied"), "id": 5}, Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, {**error(7, "invalid number"), "id": 5}, Verdict.PERMANENT, Reason.INVALID_CONTACT),
        (200, {**error(8, "can't to deliver"), "id": 5}, Verdict.PERMANENT, Reason.PROVIDER_REFUSED),
        (200, error(77), Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, {"cnt": 1}, Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (200, b"OK - 1 SMS", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (403, b"<html>", Verdict.MISCONFIGURED, Reason.PROVIDER_MISCONFIGURED),
        (500, {"id": 5}, Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
        (502, b"<html>", Verdict.HIDDEN, Reason.ANSWER_HIDDEN),
    ],
)
async def test_each_answer_has_its_verdict(status: int, body: Any, verdict: Verdict, reason: Reason) -> None:
    answer, seen = await sent(Answered(status, body))
    assert (verdict, reason, 1) == (answer.verdict, answer.reason, len(seen))


@pytest.mark.parametrize("status", [-1, 0, 1, 2, 3, 4, "1"])
async def test_repeat_that_is_turned_away_is_not_sent_again_if_the_first_was_taken(status: int | str) -> None:
    answer, (_, asked) = await sent(DUPLICATE, Answered(200, {"status": status}), key=f"{MESSAGE_ID}:1")
    assert (Verdict.ACCEPTED, MESSAGE_ID) == (answer.verdict, answer.provider_message_id)
    assert asked.path == "/sys/status.php"
    assert {**ASKING, "phone": PHONE, "id": MESSAGE_ID} == asked.form


@pytest.mark.spec("NS-SND-064")
@pytest.mark.parametrize(
    "said",
    [
        Answered(200, {"status": -3}),
        Answered(200, {"status": -2}),
        Answered(200, {"status": 20}),
        Answered(200, error(9)),
        Answered(200, b"Status = 1"),
        Answered(502),
    ],
)
async def test_without_an_earlier_text_that_was_taken_it_waits_out_the_minute(said: Answered) -> None:
    answer, _ = await sent(DUPLICATE, said)
    assert (Verdict.LIMITED, Reason.RECIPIENT_LIMITED, 60_000) == (
        answer.verdict,
        answer.reason,
        answer.retry_after_ms,
    )


@pytest.mark.spec("NS-SND-064")
@pytest.mark.parametrize("text", ["too many concurrent requests", "a new sentence"])
async def test_too_many_requests_at_once_are_a_limit_of_the_account(text: str) -> None:
    answer, _ = await sent(Answered(200, error(9, text)), Answered(200, {"status": -3}))
    assert (Verdict.LIMITED, Reason.PROVIDER_LIMITED) == (answer.verdict, answer.reason)


@pytest.mark.parametrize("said", [Answered(200, error(9)), Answered(200, b"Status = 1"), Answered(502)])
async def test_a_repeat_of_which_nothing_is_said_is_hidden_for_after_the_minute_it_would_be_sent_twice(
    said: Answered,
) -> None:
    answer, _ = await sent(DUPLICATE, said, key=f"{MESSAGE_ID}:1")
    assert (Verdict.HIDDEN, Reason.ANSWER_HIDDEN) == (answer.verdict, answer.reason)


async def test_a_repeat_of_which_smsc_knows_nothing_waits_out_its_limit() -> None:
    answer, _ = await sent(DUPLICATE, Answered(200, {"status": -3}), key=f"{MESSAGE_ID}:1")
    assert (Verdict.LIMITED, 60_000) == (answer.verdict, answer.retry_after_ms)


@pytest.mark.parametrize(
    "config", [{}, {"login": "a"}, {"password": "a secret"}, {"login": "a", "psw": "a secret"}]
)
def test_config_without_credentials_is_refused_without_its_values(config: dict[str, Any]) -> None:
    with pytest.raises(ProviderConfigError) as refused:
        Smsc("sms", config, lambda: 0)
    assert "a secret" not in str(refused.value)
