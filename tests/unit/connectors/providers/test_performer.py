"""The performer: sealed task in, verdict out, whatever happens between."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.cipher import Cipher
from connectors.clock import now_ms
from connectors.fake.server import FakeSettings, RunningFake, running
from connectors.metrics import ProviderMetrics
from connectors.providers.performer import Performer
from schemas.records import CallEnded, Content, Provider, ProviderCall, SendTask
from schemas.words import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CIPHER = Cipher.of_text(Cipher.new_key("k1"))
PROVIDER = Provider(name="sms-main", channel_type="sms", kind="fake_sms")
TASK = SendTask(
    message_id="m-1",
    request_id="r-1",
    user_id="u-1",
    channel="sms",
    lane="high",
    notification_type="code",
    category="transactional",
    source="test",
    idempotency_key="i-1",
    address=CIPHER.seal(b"+79161234567"),
    content=CIPHER.seal(msgspec.json.encode(Content(body="Код 1234"))),
    created_at=0,
    expires_at=1,
    unknown_policy="ask",
    epoch=2,
)
CALL = ProviderCall(task=TASK, provider="sms-main")


class Rig:
    """A performer over providers that a test may change."""

    def __init__(self, fake: RunningFake) -> None:
        self.fake = fake
        self.providers = [PROVIDER]
        self.registry = CollectorRegistry()
        self.performer = Performer(
            CIPHER,
            lambda channel: [one for one in self.providers if one.channel_type == channel],
            {"fake_sms": {"url": fake.url}},
            now_ms,
            ProviderMetrics(self.registry),
        )

    async def perform(self, call: ProviderCall = CALL) -> CallEnded:
        return await self.performer.perform(call)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    async with running(FakeSettings(), now_ms) as fake:
        rig = Rig(fake)
        try:
            yield rig
        finally:
            await rig.performer.close()


async def test_sealed_task_reaches_the_provider_in_clear_under_message_id_and_epoch() -> None:
    async with rigged() as rig:
        ended = await rig.perform()
        line = rig.fake.desk.ledger.taken("m-1:2")
    assert line is not None
    assert (CALL, "accepted", line.provider_message_id) == (
        ended.call,
        ended.verdict,
        ended.provider_message_id,
    )
    assert ("+79161234567", "sms-main") == (line.recipient, line.account)


async def test_question_is_asked_and_sends_nothing() -> None:
    async with rigged() as rig:
        unknown = await rig.perform(replace(CALL, ask=True))
        await rig.perform()
        known = await rig.perform(replace(CALL, ask=True))
        calls = rig.fake.desk.ledger.calls
    assert (Verdict.PERMANENT, Verdict.ACCEPTED, 1) == (unknown.verdict, known.verdict, calls)


async def test_provider_that_is_gone_or_unusable_is_misconfigured() -> None:
    unusable: list[dict[str, Any]] = [{"kind": "carrier_pigeon"}, {"config": {"unheard_of": 1}}]
    async with rigged() as rig:
        gone = await rig.perform(replace(CALL, provider="nobody"))
        verdicts = [gone.verdict]
        for changes in unusable:
            rig.providers = [replace(PROVIDER, **changes)]
            verdicts.append((await rig.perform()).verdict)
    assert [Verdict.MISCONFIGURED] * 3 == verdicts


async def test_task_that_no_key_opens_is_misconfigured_and_not_sent() -> None:
    other = Cipher.of_text(Cipher.new_key("k2"))
    tasks = [
        replace(TASK, address=other.seal(b"+79161234567")),
        replace(TASK, content=CIPHER.seal(b"no json")),
        replace(TASK, address=CIPHER.seal(b"\xff")),
    ]
    async with rigged() as rig:
        verdicts = [(await rig.perform(replace(CALL, task=task))).verdict for task in tasks]
        calls = rig.fake.desk.ledger.calls
    assert ([Verdict.MISCONFIGURED] * 3, 0) == (verdicts, calls)


@pytest.mark.spec("NS-CH-010 NS-CH-025")
async def test_changed_config_is_used_from_the_next_call_on() -> None:
    async with rigged() as rig:
        await rig.perform()
        rig.providers = [replace(PROVIDER, config={"account": "reserve"}, version=2)]
        await rig.perform(replace(CALL, task=replace(TASK, epoch=3)))
        line = rig.fake.desk.ledger.taken("m-1:3")
    assert line is not None
    assert line.account == "reserve"


async def test_exception_nobody_foresaw_leaves_the_answer_hidden() -> None:
    def broken(_channel: str) -> list[Provider]:
        raise RuntimeError("a defect, with anna@example.com in its text")

    performer = Performer(CIPHER, broken, {}, now_ms, ProviderMetrics(CollectorRegistry()))
    ended = await performer.perform(CALL)
    assert (Verdict.HIDDEN, Reason.ANSWER_HIDDEN) == (ended.verdict, ended.reason)
    assert ended.detail == "unforeseen RuntimeError"


@pytest.mark.spec("NS-OPS-OP-03 NS-OPS-OP-07")
async def test_calls_are_counted_by_verdict() -> None:
    async with rigged() as rig:
        await rig.perform()
        labels = {"channel": "sms", "provider": "sms-main"}
        counted = rig.sample("carillon_provider_calls_total", **labels, verdict="accepted")
        running_now = rig.sample("carillon_provider_calls_in_flight", channel="sms")
    assert (1, 0) == (counted, running_now)


def test_each_verdict_of_each_provider_has_its_own_count() -> None:
    """Mutation tried: found by channel and provider alone: fails."""
    registry = CollectorRegistry()
    metrics = ProviderMetrics(registry)
    for provider, verdict in (("a", "accepted"), ("a", "hidden"), ("b", "accepted"), ("a", "accepted")):
        metrics.ended("sms", provider, verdict, 0.1)
    counts = [
        registry.get_sample_value(
            "carillon_provider_calls_total", {"channel": "sms", "provider": provider, "verdict": verdict}
        )
        for provider, verdict in (("a", "accepted"), ("a", "hidden"), ("b", "accepted"))
    ]
    assert [2, 1, 1] == counts
