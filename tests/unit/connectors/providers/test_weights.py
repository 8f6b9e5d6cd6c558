"""A provider's weight: what makes it sink, and what is told of it."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from connectors.provider_metrics import BreakerMetrics, WeightMetrics
from connectors.providers.breaker import Terms
from connectors.providers.breakers import Breakers
from connectors.providers.weights import Weights
from schemas.records import CallEnded, Provider, ProviderCall
from schemas.words import Verdict
from tests.messages import SECOND, T0, TASK

MAIN = Provider(name="main", channel_type=TASK.channel, kind="smtp", weight=1)
CALL = ProviderCall(task=TASK, provider="main")
TERMS = Terms(calls=4, window_ms=30_000)


class Desk:
    """A provider whose calls and receipts are as they are told."""

    def __init__(self) -> None:
        self.now = T0
        self.verdict = Verdict.ACCEPTED
        self.by_receipts = 1.0
        self.registry = CollectorRegistry()
        metrics = BreakerMetrics(self.registry)
        self.breakers = Breakers(self._answer, lambda _: [MAIN], lambda: self.now, metrics, TERMS)
        self.weights = Weights(
            self.breakers,
            lambda _provider, _now: self.by_receipts,
            WeightMetrics(self.registry),
            lambda: self.now,
        )

    async def _answer(self, call: ProviderCall) -> CallEnded:
        return CallEnded(call=call, verdict=self.verdict)

    async def ends(self, verdict: Verdict, times: int) -> None:
        self.verdict = verdict
        for _ in range(times):
            await self.breakers.perform(CALL)

    def share(self) -> float:
        return self.weights.share(MAIN, self.now)

    def shown(self) -> float | None:
        names = {"channel": TASK.channel, "provider": "main"}
        return self.registry.get_sample_value("carillon_provider_weight_share", names)


async def test_a_weight_that_sinks_by_failures_and_comes_back_is_told() -> None:
    desk = Desk()
    await desk.ends(Verdict.ACCEPTED, 6)
    await desk.ends(Verdict.TEMPORARY, 2)
    with capture_logs() as lines:
        shares = [desk.share(), desk.share()]
        desk.now += 31 * SECOND
        shares.append(desk.share())
    assert [0.5, 0.5, 1.0] == shares
    assert [("failures", 0.5), ("recovered", 1.0)] == [(line["cause"], line["share"]) for line in lines]


async def test_a_weight_that_sinks_by_slow_receipts_and_comes_back_is_told() -> None:
    desk = Desk()
    with capture_logs() as lines:
        for desk.by_receipts in (1.0, 0.5, 0.5, 0.25, 0.75, 1.0):
            desk.share()
    told = [(line["event"], line["cause"], line["before"], line["share"]) for line in lines]
    steps = [
        ("slow_receipts", 1.0, 0.5),
        ("slow_receipts", 0.5, 0.25),
        ("recovered", 0.25, 0.75),
        ("recovered", 0.75, 1.0),
    ]
    assert [("provider_weight_changed", *step) for step in steps] == told


@pytest.mark.parametrize(
    ("by_receipts", "share", "cause"), [(0.75, 0.5, "failures"), (0.25, 0.25, "slow_receipts")]
)
async def test_the_lesser_of_both_shares_counts_and_is_the_cause(
    by_receipts: float, share: float, cause: str
) -> None:
    desk = Desk()
    await desk.ends(Verdict.ACCEPTED, 6)
    await desk.ends(Verdict.TEMPORARY, 2)
    desk.by_receipts = by_receipts
    with capture_logs() as lines:
        assert share == desk.share()
    assert [cause] == [line["cause"] for line in lines]


def test_a_worker_that_called_nobody_yet_goes_by_the_receipts_that_others_heard() -> None:
    desk = Desk()
    desk.by_receipts = 0.25
    assert 0.25 == desk.share()


def test_the_metric_shows_it_also_when_nobody_asks() -> None:
    desk = Desk()
    desk.share()
    desk.by_receipts = 0.5
    assert 0.5 == desk.shown()


async def test_who_is_left_alone_is_the_breakers_word() -> None:
    desk = Desk()
    await desk.ends(Verdict.TEMPORARY, 4)
    assert T0 + TERMS.pause_ms == desk.weights.paused_until(MAIN, desk.now)
