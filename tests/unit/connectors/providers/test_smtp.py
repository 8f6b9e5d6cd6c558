"""Smtp against a server that says exactly what a test wants it to say."""

from __future__ import annotations

import asyncio

import pytest

from connectors.providers.port import Answer, ProviderConfigError
from connectors.providers.smtp import Smtp
from schemas.words import Reason, Verdict
from tests.unit.connectors.providers.smtp_desk import CONTENT, POLITE, conversation


async def answer_to(**replies: str) -> Answer:
    async with conversation(replies) as (_, carrier):
        return await carrier.send("anna@example.com", CONTENT, "m-1:0")


@pytest.mark.parametrize("extension", ["250 test", "250-test\r\n250 PIPELINING"])
@pytest.mark.parametrize(
    ("replies", "verdict"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, Verdict.PERMANENT),
        ({"RCPT": "450 4.2.1 busy"}, Verdict.TEMPORARY),
        ({"RCPT": "450 4.7.28 too many"}, Verdict.LIMITED),
        ({"MAIL": "550 5.7.1 you may not send as this"}, Verdict.MISCONFIGURED),
        ({"MAIL": "552 5.3.4 too big"}, Verdict.PERMANENT),
        ({"MAIL": "530 5.7.0 log in first"}, Verdict.MISCONFIGURED),
        ({"MAIL": "451 4.3.0 later"}, Verdict.TEMPORARY),
        ({"MAIL": "cut"}, Verdict.TEMPORARY),
        ({"RCPT": "cut"}, Verdict.TEMPORARY),
        ({"DATA": "451 4.3.0 later"}, Verdict.TEMPORARY),
        ({"DATA": "cut"}, Verdict.TEMPORARY),
        ({"DATA": "250 what?"}, Verdict.TEMPORARY),
        ({"body": "554 5.7.1 spam"}, Verdict.PERMANENT),
        ({"body": "451 4.3.0 later"}, Verdict.TEMPORARY),
        ({"body": "cut"}, Verdict.HIDDEN),
        ({"body": "what?"}, Verdict.HIDDEN),
        ({"body": "354 more"}, Verdict.HIDDEN),
        ({"greeting": "554 5.7.1 you are blocked"}, Verdict.MISCONFIGURED),
        ({"greeting": "421 4.3.2 not now"}, Verdict.TEMPORARY),
        ({"greeting": "cut"}, Verdict.TEMPORARY),
        ({"EHLO": "550 5.7.1 go away", "HELO": "550 5.7.1 go away"}, Verdict.MISCONFIGURED),
        ({"EHLO": "cut"}, Verdict.TEMPORARY),
    ],
)
async def test_each_reply_has_its_verdict(replies: dict[str, str], verdict: Verdict, extension: str) -> None:
    assert verdict == (await answer_to(**{"EHLO": extension, **replies})).verdict


async def test_server_without_starttls_is_misconfigured_and_gets_no_mail() -> None:
    async with conversation(starttls=True) as (script, carrier):
        answer = await carrier.send("anna@example.com", CONTENT, "m-1:0")
    assert answer.verdict is Verdict.MISCONFIGURED
    assert "MAIL" not in script.said


async def test_what_the_server_says_is_kept_without_the_address() -> None:
    answer = await answer_to(RCPT="550 5.1.1 <Anna@Example.com> and anna@other.example are unknown")
    assert answer.detail == "550 5.1.1 <***> and *** are unknown"


async def test_queue_id_becomes_the_providers_message_id() -> None:
    assert (await answer_to()).provider_message_id == "A1"


@pytest.mark.spec("NS-OPS-021 NS-OPS-111")
async def test_connection_is_kept_and_reset_after_a_refused_recipient() -> None:
    async with conversation({"RCPT": "550 5.1.1 no"}) as (script, carrier):
        await carrier.send("a@example.com", CONTENT, "m-1:0")
        script.replies["RCPT"] = POLITE["RCPT"]
        second = await carrier.send("b@example.com", CONTENT, "m-2:0")
    assert second.verdict is Verdict.ACCEPTED
    assert script.greetings == 1
    assert script.said[:4] == ["EHLO", "MAIL", "RCPT", "RSET"]


async def test_server_that_says_goodbye_on_a_kept_connection_gets_the_mail_on_a_new_one() -> None:
    async with conversation() as (script, carrier):
        await carrier.send("a@example.com", CONTENT, "m-1:0")
        script.replies["MAIL"] = "421 4.4.2 idle for too long"
        script.replies["greeting"] = "220 again"
        task = asyncio.create_task(carrier.send("b@example.com", CONTENT, "m-2:0"))
        while script.greetings < 2:
            await asyncio.sleep(0)
        script.replies["MAIL"] = POLITE["MAIL"]
        assert Verdict.ACCEPTED == (await task).verdict


@pytest.mark.parametrize(
    "address",
    [
        "no address",
        "a@b>\r\nDATA",
        "a b@example.com",
        "a@example.com\n",
        "a@b,c@d",
        "a@b@c",
        "x(y)@b.c",
        "a;b@c",
    ],
)
async def test_address_that_is_none_never_reaches_the_server(address: str) -> None:
    async with conversation() as (script, carrier):
        answer = await carrier.send(address, CONTENT, "m-1:0")
    assert (Verdict.PERMANENT, Reason.INVALID_CONTACT) == (answer.verdict, answer.reason)
    assert script.said == []


async def test_address_in_other_letters_needs_a_server_that_takes_them() -> None:
    async with conversation() as (_, carrier):
        refused = await carrier.send("анна@example.com", CONTENT, "m-1:0")
    async with conversation({"EHLO": "250-test\r\n250 SMTPUTF8"}) as (_, carrier):
        taken = await carrier.send("анна@example.com", CONTENT, "m-1:0")
    assert [Verdict.PERMANENT, Verdict.ACCEPTED] == [refused.verdict, taken.verdict]


async def test_waiting_for_a_busy_connection_ends_as_temporary() -> None:
    async with conversation({"body": "silence"}, connections=1, timeout_ms=200) as (_, carrier):
        sends = (carrier.send("a@example.com", CONTENT, f"m-{number}:0") for number in range(2))
        answers = await asyncio.gather(*sends)
    assert {Verdict.HIDDEN, Verdict.TEMPORARY} == {answer.verdict for answer in answers}


def test_config_names_what_is_wrong_and_shows_no_value() -> None:
    with pytest.raises(ProviderConfigError, match=r"port") as caught:
        Smtp("mail", {"host": "h", "port": "secret-port", "from_address": "a@b"}, lambda: 0)
    assert "secret-port" not in str(caught.value)


def test_tls_and_starttls_exclude_each_other() -> None:
    config = {"host": "h", "port": 25, "from_address": "a@b", "tls": True, "starttls": True}
    with pytest.raises(ProviderConfigError, match="exclude"):
        Smtp("mail", config, lambda: 0)


@pytest.mark.parametrize("host", ["mail.carillon.test", "10.0.0.1"])
def test_a_password_does_not_go_over_the_net_in_clear(host: str) -> None:
    config = {"host": host, "port": 587, "from_address": "a@b.c", "username": "u", "password": "a secret"}
    with pytest.raises(ProviderConfigError, match="needs tls") as caught:
        Smtp("mail", config, lambda: 0)
    assert "a secret" not in str(caught.value)
    Smtp("mail", {**config, "starttls": True}, lambda: 0)
    Smtp("mail", {**config, "host": "localhost"}, lambda: 0)


@pytest.mark.parametrize("address", ["почта@carillon.test", "a@b>\r\nRCPT TO:<c@d", "a b@c"])
def test_a_sender_that_no_server_takes_is_refused_before_any_mail(address: str) -> None:
    """Mutation tried: taken: fails; every mail then ended with its outcome hidden."""
    with pytest.raises(ProviderConfigError, match="from_address") as caught:
        Smtp("mail", {"host": "h", "port": 25, "from_address": address}, lambda: 0)
    assert address not in str(caught.value)


async def test_no_call_waits_for_the_connections_of_others_unless_the_config_says_so() -> None:
    """Those who wait here wait as they came, the urgent behind bulk. Mutation tried: 24 of them: fails."""
    async with conversation({"greeting": "silence"}) as (script, carrier):
        sends = [asyncio.create_task(carrier.send("a@example.com", CONTENT, f"m-{n}:0")) for n in range(60)]
        async with asyncio.timeout(5):
            while script.greetings < 60:
                await asyncio.sleep(0)
        for send in sends:
            send.cancel()
        await asyncio.gather(*sends, return_exceptions=True)
