"""One suite over every kind of provider, each against a real server on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from connectors.clock import now_ms
from connectors.fake.judge import Word
from connectors.fake.server import running
from connectors.providers import fake_http
from connectors.providers.receipts.registry import WEBHOOKS
from connectors.providers.registry import KINDS
from schemas.device_words import SERVED
from schemas.words import Channel, Reason, Status, Verdict
from tests.contract.rigs import (
    CASES,
    CONTENT,
    FAREWELLS,
    SETTINGS,
    Case,
    Rig,
    config_for,
    dead_address,
    wrong_credentials,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


WAY_OUT = ("List-Unsubscribe", "List-Unsubscribe-Post")


@pytest.fixture(params=CASES, ids=lambda case: case.kind)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigged(request.param) as one:
        yield one


@pytest.fixture(params=[case for case in CASES if case.channel == Channel.EMAIL], ids=lambda case: case.kind)
async def mail_rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigged(request.param) as one:
        yield one


@asynccontextmanager
async def rigged(case: Case) -> AsyncIterator[Rig]:
    async with running(SETTINGS, now_ms) as fake:
        config = config_for(case, fake)
        carrier = KINDS[case.kind]("main", config, now_ms)
        try:
            yield Rig(case, fake, carrier, config)
        finally:
            await carrier.close()


@pytest.mark.spec("NS-CH-OP-02")
def test_every_registered_kind_is_in_this_suite() -> None:
    assert sorted(KINDS) == sorted(case.kind for case in CASES)


@pytest.mark.spec("NS-CH-064")
def test_every_vendor_of_push_has_its_platforms() -> None:
    pushes = {case.kind for case in CASES if case.channel == Channel.PUSH}
    assert pushes - {"fake_push"} == set(SERVED)


def test_every_word_of_the_fake_vendor_has_a_verdict_of_ours() -> None:
    assert {word.value for word in Word} - {"silent"} <= set(fake_http.CODES)


@pytest.mark.spec("NS-SND-OP-06")
def test_vendors_events_become_our_statuses() -> None:
    """Those whose webhooks are read have their words there (tests/unit/connectors/providers/receipts)."""
    modules = [sys.modules[kind.__module__] for name, kind in KINDS.items() if name not in WEBHOOKS]
    ours = {status for module in modules for status in module.EVENTS.values()}
    assert ours <= {status.value for status in Status}


@pytest.mark.spec("NS-CH-OP-02")
def test_every_verdict_of_a_vendors_word_is_one_of_a_call() -> None:
    """A word may not stand for what only the engine finds out: that a call was never begun."""
    modules = {sys.modules[kind.__module__] for kind in KINDS.values()}
    assert Verdict.LAPSED not in {said[0] for module in modules for said in module.CODES.values()}


@pytest.mark.spec("NS-CH-001 NS-CH-004 NS-CH-031 NS-CH-032 NS-CH-042 NS-SND-020")
async def test_taken_message_is_accepted_and_carries_its_ids(rig: Rig) -> None:
    answer = await rig.send(key="m-1:3")
    line = rig.lines("m-1:3")
    assert line is not None
    assert (Verdict.ACCEPTED, None, line.provider_message_id) == (
        answer.verdict,
        answer.reason,
        answer.provider_message_id,
    )
    assert ("m-1", 3, "m-1:3", rig.case.ordinary) == (
        line.message_id,
        line.epoch,
        line.idempotency_key,
        line.recipient,
    )


@pytest.mark.spec("NS-CH-020 NS-CH-021 NS-CH-022")
async def test_mail_arrives_whole_with_its_way_out_by_every_vendor(mail_rig: Rig) -> None:
    await mail_rig.send(key="m-1:3")
    kept = mail_rig.fake.desk.mail(mail_rig.case.ordinary, "m-1")
    assert kept is not None
    mail = message_from_bytes(kept.raw, policy=default)
    assert {
        "List-Unsubscribe": "<https://carillon.test/u/t0k3n>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Subject": "Заказ подтверждён",
        "To": mail_rig.case.ordinary,
        "Message-ID": "<m-1@carillon.test>",
        "Carillon-Idempotency-Key": "m-1:3",
    } == {name: mail[name] for name in (*WAY_OUT, "Subject", "To", "Message-ID", "Carillon-Idempotency-Key")}
    texts = [part.get_content().strip() for part in mail.iter_parts() if isinstance(part, EmailMessage)]
    assert ["Здравствуйте!", "<p>Здравствуйте!</p>"] == texts


async def test_delivery_is_reported_where_the_vendor_reports_it(rig: Rig) -> None:
    answer = await rig.send(rig.case.delivered)
    assert (Verdict.DELIVERED if rig.case.reports else Verdict.ACCEPTED) == answer.verdict


@pytest.mark.spec("NS-CH-065")
async def test_refused_recipient_is_permanent_and_never_named_in_the_detail(rig: Rig) -> None:
    answer = await rig.send(rig.case.bounce)
    assert (Verdict.PERMANENT, rig.case.refusal) == (answer.verdict, answer.reason)
    assert answer.detail is not None
    assert rig.case.bounce not in answer.detail
    assert rig.lines() is None


@pytest.mark.spec("NS-SND-063")
async def test_unavailable_vendor_is_temporary_and_takes_the_next_call(rig: Rig) -> None:
    rig.script("refuse", times=1)
    first, second = await rig.send(), await rig.send()
    assert (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE) == (first.verdict, first.reason)
    assert second.verdict is Verdict.ACCEPTED


@pytest.mark.spec("NS-SND-064")
async def test_limit_says_when_to_come_back_if_the_vendor_said_so(rig: Rig) -> None:
    rig.script("refuse", word=Word.RATE_LIMITED, times=1, retry_after_s=7)
    answer = await rig.send()
    assert (Verdict.LIMITED, rig.case.limit_of) == (answer.verdict, answer.reason)
    said = rig.case.limit_ms
    expected = None if said is None else pytest.approx(said, abs=1_000)  # one may name a second of the clock
    assert expected == answer.retry_after_ms


@pytest.mark.spec("NS-CH-025 NS-SND-063")
async def test_wrong_credentials_are_misconfigured(rig: Rig) -> None:
    async with rig.other(**wrong_credentials(rig.case, rig.fake)) as carrier:
        answer = await carrier.send(rig.address(), CONTENT, "m-1:0")
    assert (Verdict.MISCONFIGURED, rig.case.wrong_key) == (answer.verdict, answer.reason)
    assert rig.lines() is None


async def test_nobody_listening_is_temporary(rig: Rig) -> None:
    async with running(SETTINGS, now_ms) as gone:
        port = gone.smtp_port if rig.case.kind == "smtp" else gone.http_port
    async with rig.other(**dead_address(rig.case, port)) as carrier:
        answer = await carrier.send(rig.address(url=f"http://{gone.host}:{port}"), CONTENT, "m-1:0")
    assert (Verdict.TEMPORARY, Reason.PROVIDER_UNAVAILABLE) == (answer.verdict, answer.reason)


@pytest.mark.parametrize("fault", ["take_and_hang", "take_and_drop", "hang", "drop"])
async def test_no_answer_after_the_message_was_written_is_hidden(rig: Rig, fault: str) -> None:
    rig.script(fault, times=1)
    wait = {"timeout_ms": 600} if fault.endswith("hang") else {}  # a slow machine may not even connect
    async with rig.other(**wait) as carrier:
        answer = await carrier.send(rig.address(), CONTENT, "m-1:0")
    assert (Verdict.HIDDEN, Reason.ANSWER_HIDDEN) == (answer.verdict, answer.reason)
    assert (rig.lines() is not None) == fault.startswith("take")


async def test_carrier_works_on_after_a_hidden_answer(rig: Rig) -> None:
    rig.script("take_and_drop", times=1)
    first, second = await rig.send(), await rig.send(key="m-2:0")
    assert [Verdict.HIDDEN, Verdict.ACCEPTED] == [first.verdict, second.verdict]


async def test_late_answer_within_the_time_is_an_answer(rig: Rig) -> None:
    rig.script("late", after_ms=50)
    assert Verdict.ACCEPTED == (await rig.send()).verdict


async def test_repeated_key_is_sent_once_by_vendors_that_honour_keys(rig: Rig) -> None:
    first, second = await rig.send(), await rig.send()
    is_same = rig.case.honours_keys or rig.case.takes_our_id
    assert (first.provider_message_id == second.provider_message_id) == is_same
    assert rig.fake.desk.ledger.times("m-1:0") == 2


async def test_asking_about_a_taken_key_finds_it(rig: Rig) -> None:
    sent = await rig.send()
    asked = await rig.carrier.ask("m-1:0")
    if rig.case.can_ask:
        assert (Verdict.ACCEPTED, sent.provider_message_id) == (asked.verdict, asked.provider_message_id)
    else:
        assert asked.verdict is Verdict.MISCONFIGURED


async def test_asking_about_an_unknown_key_is_permanent_where_one_can_ask(rig: Rig) -> None:
    asked = await rig.carrier.ask("never:0")
    assert (Verdict.PERMANENT if rig.case.can_ask else Verdict.MISCONFIGURED) == asked.verdict


async def test_many_calls_at_once_each_arrive_once(rig: Rig) -> None:
    keys = [f"m-{number}:0" for number in range(300)]
    async with rig.other(timeout_ms=120_000) as carrier:  # the machine may be slow
        calls = [carrier.send(rig.address(), CONTENT, key) for key in keys]
        answers = await asyncio.gather(*calls)
    assert {Verdict.ACCEPTED: 300} == Counter(answer.verdict for answer in answers)
    assert [1] * 300 == [rig.fake.desk.ledger.times(key) for key in keys]


@pytest.mark.spec("NS-OPS-021")
@pytest.mark.parametrize("kind", FAREWELLS)
async def test_kept_connection_that_its_server_ends_costs_nothing(kind: str) -> None:
    async with rigged(next(case for case in CASES if case.kind == kind)) as rig:
        before = await rig.send()
        FAREWELLS[kind](rig.fake)
        after = await rig.send(key="m-2:0")
    assert [Verdict.ACCEPTED, Verdict.ACCEPTED] == [before.verdict, after.verdict]


async def test_cancelled_call_leaves_the_carrier_usable(rig: Rig) -> None:
    rig.script("hang", times=1)
    call = asyncio.create_task(rig.send())
    while not rig.fake.desk.ledger.calls:
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert Verdict.ACCEPTED == (await rig.send(key="m-2:0")).verdict
