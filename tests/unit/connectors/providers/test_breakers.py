"""Calls behind breakers: who is called, who is left alone, what is told of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from connectors.provider_metrics import BreakerMetrics
from connectors.providers.breaker import Terms
from connectors.providers.breakers import STALE_MS, Breakers
from schemas.records import CallEnded, Provider, ProviderCall
from schemas.words import Reason, Verdict
from tests.messages import SECOND, T0, TASK

MAIN = Provider(name="main", channel_type=TASK.channel, kind="smtp")
CALL = ProviderCall(task=TASK, provider="main")
TERMS = Terms(calls=4, window_ms=30_000, pause_ms=30_000, misconfigured_pause_ms=300_000)
NAMES = {"channel": TASK.channel, "provider": "main"}


class Desk:
    """Breakers before a provider that answers as it is told."""

    def __init__(self) -> None:
        self.now = T0
        self.verdict, self.reason = Verdict.ACCEPTED, ""
        self.calls: list[ProviderCall] = []
        self.active = [MAIN]
        self.registry = CollectorRegistry()
        metrics = BreakerMetrics(self.registry)
        self.breakers = Breakers(self._answer, lambda _: self.active, lambda: self.now, metrics, TERMS)

    async def _answer(self, call: ProviderCall) -> CallEnded:
        self.calls.append(call)
        return CallEnded(call=call, verdict=self.verdict, reason=self.reason or None)

    async def ends(self, verdict: Verdict, times: int = 1) -> list[str]:
        """The verdicts of so many calls, each of which the provider would answer like this."""
        self.verdict = verdict
        return [(await self.breakers.perform(CALL)).verdict for _ in range(times)]

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"carillon_provider_{name}", NAMES | labels)

    @property
    def paused_until(self) -> int:
        return self.breakers.paused_until(self.active[0], self.now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.spec("NS-OPS-041")
async def test_a_provider_that_fails_is_called_no_more_and_the_calls_lapse(desk: Desk) -> None:
    assert [Verdict.TEMPORARY] * 4 + [Verdict.LAPSED] * 3 == await desk.ends(Verdict.TEMPORARY, 7)
    assert (4, T0 + 30 * SECOND) == (len(desk.calls), desk.paused_until)
    assert 3 == desk.sample("calls_passed_over_total")


async def test_time_outs_count_as_failures_do(desk: Desk) -> None:
    await desk.ends(Verdict.HIDDEN, 4)
    assert [Verdict.LAPSED] == await desk.ends(Verdict.HIDDEN)


@pytest.mark.parametrize("verdict", [Verdict.PERMANENT, Verdict.LIMITED, Verdict.DELIVERED])
async def test_a_provider_that_refuses_messages_or_limits_them_is_well(desk: Desk, verdict: Verdict) -> None:
    assert [verdict] * 50 == await desk.ends(verdict, 50)


@pytest.mark.spec("NS-OPS-OP-06")
async def test_one_call_tries_and_its_answer_brings_the_provider_back(desk: Desk) -> None:
    await desk.ends(Verdict.TEMPORARY, 4)
    desk.now += 30 * SECOND
    assert 0 == desk.paused_until
    assert [Verdict.ACCEPTED] * 3 == await desk.ends(Verdict.ACCEPTED, 3)


async def test_a_try_that_fails_leaves_the_others_out(desk: Desk) -> None:
    await desk.ends(Verdict.TEMPORARY, 4)
    desk.now += 30 * SECOND
    assert [Verdict.TEMPORARY, Verdict.LAPSED] == await desk.ends(Verdict.TEMPORARY, 2)


@pytest.mark.spec("NS-SND-063 NS-SND-OP-14")
async def test_wrong_credentials_take_a_provider_out_until_its_entry_changes(desk: Desk) -> None:
    assert [Verdict.MISCONFIGURED] * 3 + [Verdict.LAPSED] == await desk.ends(Verdict.MISCONFIGURED, 4)
    assert (T0 + 300 * SECOND, 1.0) == (
        desk.paused_until,
        desk.sample("breaker_open", cause="misconfigured"),
    )
    desk.active = [replace(MAIN, version=2)]
    assert 0 == desk.paused_until
    assert [Verdict.ACCEPTED] == await desk.ends(Verdict.ACCEPTED)
    assert 0.0 == desk.sample("breaker_open", cause="misconfigured")


async def test_a_task_that_our_keys_do_not_open_says_nothing_of_the_provider(desk: Desk) -> None:
    desk.reason = Reason.UNOPENED
    assert [Verdict.MISCONFIGURED] * 9 == await desk.ends(Verdict.MISCONFIGURED, 9)


async def test_questions_pass_and_are_not_counted(desk: Desk) -> None:
    await desk.ends(Verdict.TEMPORARY, 4)
    ended = await desk.breakers.perform(replace(CALL, ask=True))
    assert (Verdict.TEMPORARY, 5) == (ended.verdict, len(desk.calls))


async def test_a_provider_that_is_gone_is_not_remembered(desk: Desk) -> None:
    desk.active = []
    assert [Verdict.MISCONFIGURED] * 9 == await desk.ends(Verdict.MISCONFIGURED, 9)


async def test_each_change_is_counted_and_told_with_its_cause(desk: Desk) -> None:
    with capture_logs() as lines:
        await desk.ends(Verdict.TEMPORARY, 9)
        desk.now += 30 * SECOND
        await desk.ends(Verdict.ACCEPTED, 9)
    told = [(line["event"], line["log_level"], line["cause"]) for line in lines]
    assert [
        ("provider_breaker_opened", "warning", "failures"),
        ("provider_breaker_closed", "info", "recovered"),
    ] == told
    changes = ["failures", "misconfigured", "recovered", "changed"]
    assert [1, 0, 1, 0] == [desk.sample("breaker_changes_total", change=change) for change in changes]


async def test_a_provider_that_nobody_tries_any_more_wakes_nobody(desk: Desk) -> None:
    await desk.ends(Verdict.TEMPORARY, 4)
    desk.now += 30 * SECOND + STALE_MS - 1
    assert 1.0 == desk.sample("breaker_open", cause="failures")
    desk.now += 1
    assert 0.0 == desk.sample("breaker_open", cause="failures")
