"""The gate of one process: calls in line, what is reported of them, and how they go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.providers.registry import carrier_of
from connectors.rate_metrics import RateMetrics
from connectors.rates import PAUSE_MS, RateGate
from connectors.reference.checks import record_checks
from schemas.rates import LONGEST_PAUSE_MS, Rate, rate_of
from schemas.records import CallEnded, Provider, ProviderCall, RateDemanded, RateGranted
from schemas.words import Reason, Verdict
from tests.messages import TASK
from tests.unit.streams.engine.lives import turns

if TYPE_CHECKING:
    from collections.abc import Coroutine

LIMITED = Provider(name="a", channel_type=TASK.channel, kind="fake_sms", rate_limit=10)
FREE = Provider(name="free", channel_type=TASK.channel, kind="fake_sms")
ACCOUNT = f"{TASK.channel}/a"


class House:
    """A gate, its clock, and the calls that wait at it."""

    def __init__(self) -> None:
        self.now = 1_000
        self.registry = CollectorRegistry()
        metrics = RateMetrics(self.registry)
        self.gate = RateGate(lambda _channel: [LIMITED, FREE], "w", metrics, lambda: self.now)
        self.went: list[str] = []
        self.waits: dict[str, asyncio.Task[None]] = {}

    async def join(self, *names: str) -> None:
        """Those named `u` are of the high lane."""
        for name in names:
            lane = "high" if name.startswith("u") else "low"
            call = ProviderCall(task=replace(TASK, lane=lane, message_id=name), provider="a")
            self.waits[name] = asyncio.create_task(self._wait(call))
        await turns(3)

    async def _wait(self, call: ProviderCall) -> None:
        passing = self.gate.passing(call)
        assert passing is not None
        await passing
        self.went.append(call.task.message_id)

    async def grant(self, granted: int, worker: str = "w") -> list[str]:
        self.gate.granted(RateGranted(account=ACCOUNT, worker=worker, granted=granted))
        await turns(3)
        return self.went

    def report(self, *, is_beat: bool = False) -> tuple[int, int, int, int] | None:
        """High, others, seen, back."""
        told = [(one.high, one.others, one.seen, one.back) for one in self.gate.reports(is_beat=is_beat)]
        assert len(told) <= 1
        return told[0] if told else None

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"channel": TASK.channel, "provider": "a", **labels})


@pytest.fixture
async def house() -> House:
    return House()


async def test_calls_of_a_provider_without_a_limit_pass_without_a_wait(house: House) -> None:
    """Nothing is awaited, nothing counted, nothing reported."""
    for provider in ("free", "gone"):
        assert house.gate.passing(ProviderCall(task=TASK, provider=provider)) is None
    assert (None, False) == (house.report(is_beat=True), house.gate.news.is_set())


@pytest.mark.spec("NS-SND-064")
async def test_calls_go_as_grants_come_the_high_lane_first_and_each_lane_in_order(house: House) -> None:
    await house.join("b1", "b2", "u1", "u2")
    assert (2, 2, 0, 0) == house.report()
    assert ["u1"] == await house.grant(1)
    assert ["u1", "u2", "b1"] == await house.grant(3)
    assert (0, 1, 3, 0) == house.report()
    assert 1 == house.sample("carillon_rate_calls_waiting", kind="other")
    assert 3 == house.sample("carillon_rate_grants_total", result="used")
    assert ["u1", "u2", "b1", "b2"] == await house.grant(4)


async def test_grants_that_come_again_or_out_of_order_or_for_others_let_nobody_go(house: House) -> None:
    await house.join("b1", "b2", "b3")
    await house.grant(2)
    for total, worker in ((2, "w"), (1, "w"), (9, "v")):
        assert ["b1", "b2"] == await house.grant(total, worker)


async def test_a_grant_that_finds_nobody_is_handed_back(house: House) -> None:
    await house.join("b1")
    await house.grant(3)
    assert (0, 0, 3, 2) == house.report()
    await house.join("b2")
    assert ["b1"] == house.went, "it is not kept for later: calls would pile up and go at once"


async def test_a_call_that_gives_up_leaves_the_line(house: House) -> None:
    await house.join("b1", "b2")
    house.waits["b1"].cancel()
    await turns(3)
    assert (0, 1, 0, 0) == house.report()
    assert ["b2"] == await house.grant(1)


async def test_a_call_that_gives_up_in_the_moment_it_may_go_lets_the_next_one_go(house: House) -> None:
    """Mutation tried: its grant is lost: fails."""
    await house.join("b1", "b2")
    house.gate.granted(RateGranted(account=ACCOUNT, worker="w", granted=1))
    house.waits["b1"].cancel()
    await turns(3)
    assert ["b2"] == house.went


async def test_a_call_that_has_just_given_up_takes_no_grant(house: House) -> None:
    await house.join("b1", "b2")
    house.waits["b1"].cancel()
    assert ["b2"] == await house.grant(1)
    assert (0, 0, 1, 0) == house.report()


async def test_what_is_new_is_reported_once_and_calls_that_wait_at_every_beat(house: House) -> None:
    await house.join("b1")
    assert (0, 1, 0, 0) == house.report()
    assert house.report() is None
    assert (0, 1, 0, 0) == house.report(is_beat=True)
    await house.grant(1)
    house.report()
    assert house.report(is_beat=True) is None


async def test_reports_are_numbered_and_what_did_not_arrive_is_said_anew(house: House) -> None:
    await house.join("b1")
    first = house.gate.reports(is_beat=False)
    house.gate.unheard(first)
    assert house.gate.news.is_set()
    again = house.gate.reports(is_beat=False)
    assert [replace(one, number=2) for one in first] == again


def limited(retry_after_ms: int | None) -> CallEnded:
    call = ProviderCall(task=TASK, provider="a")
    return CallEnded(call=call, verdict=Verdict.LIMITED, retry_after_ms=retry_after_ms)


def answering(ended: CallEnded) -> Coroutine[None, None, CallEnded]:
    async def answer() -> CallEnded:
        return ended

    return answer()


async def paused(house: House, ended: CallEnded) -> list[RateDemanded]:
    heeding = house.gate.heeding(lambda _call: answering(ended))
    assert ended == await heeding(ended.call)
    return house.gate.reports(is_beat=False)


@pytest.mark.spec("NS-SND-OP-14")
async def test_retry_after_holds_the_account_back_here_and_is_told_to_all(house: House) -> None:
    """Grants that were under way are handed back. Mutation tried: used: fails."""
    await house.join("b1")
    assert [6_000] == [one.paused_until for one in await paused(house, limited(5_000))]
    house.now = 5_999
    assert [] == await house.grant(1)
    assert (0, 1, 1, 1) == house.report()
    house.now = 6_000
    assert ["b1"] == await house.grant(2)


async def test_without_retry_after_the_pause_is_short_and_a_longer_one_stays(house: House) -> None:
    assert [1_000 + PAUSE_MS] == [one.paused_until for one in await paused(house, limited(None))]
    assert [6_000] == [one.paused_until for one in await paused(house, limited(5_000))]
    assert [] == await paused(house, limited(None))


async def test_a_pause_that_is_asked_for_is_believed_for_an_hour_at_most(house: House) -> None:
    """Told as it is, each report would renew it, and one bad clock stop the account for a day."""
    assert [1_000 + LONGEST_PAUSE_MS] == [
        one.paused_until for one in await paused(house, limited(86_400_000))
    ]


async def test_a_limit_of_one_recipient_does_not_stop_the_account(house: House) -> None:
    """Or whoever asks for codes to his own phone would stop those of all."""
    assert [] == await paused(house, replace(limited(60_000), reason=Reason.RECIPIENT_LIMITED))


async def test_other_answers_and_providers_without_a_limit_pause_nothing(house: House) -> None:
    assert [] == await paused(house, replace(limited(5_000), verdict=Verdict.TEMPORARY))
    free = limited(5_000)
    assert [] == await paused(house, replace(free, call=replace(free.call, provider="free")))


@pytest.mark.spec("NS-DATA-126 NS-DATA-OP-19")
def test_a_limit_is_of_a_second_unless_the_config_says_a_minute() -> None:
    assert rate_of(FREE) is None
    assert Rate(10, 1_000) == rate_of(LIMITED)
    assert Rate(10, 60_000) == rate_of(replace(LIMITED, config={"rate_limit_period": "minute"}))


@pytest.mark.spec("NS-DATA-OP-19")
async def test_the_period_is_checked_and_no_carrier_sees_it() -> None:
    config = {"url": "http://fake.test", "rate_limit_period": "hour"}
    wrong = Provider(name="a", channel_type="sms", kind="fake_sms", config=config)
    assert ["`config.rate_limit_period`: 'hour' is none of second, minute"] == record_checks(wrong)[0]
    right = replace(wrong, config={**config, "rate_limit_period": "minute"})
    assert [] == record_checks(right)[0]
    await carrier_of(right, {}, lambda: 0).close()
