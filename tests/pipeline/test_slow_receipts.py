"""Receipts that are slow cost a provider weight, on the real stages: heard here, known to every worker."""

from __future__ import annotations

from collections import Counter
from typing import cast

from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from agents.serve import in_order
from connectors.provider_metrics import BreakerMetrics, WeightMetrics
from connectors.providers.breaker import Terms
from connectors.providers.breakers import Breakers
from connectors.providers.punctuality import WINDOW_MS
from connectors.providers.weights import Weights
from connectors.receipt_metrics import PunctualityMetrics
from connectors.receipt_times import ReceiptTimes
from schemas.codec import Decoder, encode
from schemas.punctuality import ReceiptsCounted
from schemas.records import CallEnded, Device, Provider, ProviderCall, SendTask
from tests.pipeline.fallback_line import Line, stages_with
from tests.requests import ALARM, REGISTERED, REQUEST, SECOND, T0

PEOPLE = 80
CONFIG = {"webhook_key": "any", "receipts_within_s": 60}
QUICK = Provider(name="quick", channel_type="push", kind="own", weight=1, config=CONFIG)
SLOW = replace(QUICK, name="slow")


class Worker:
    """What one worker counts and knows, and the weights that it goes by."""

    def __init__(self, name: str, line: Line) -> None:
        registry = CollectorRegistry()
        self.line = line
        self.times = ReceiptTimes(name, PunctualityMetrics(registry), lambda: self.line.now)
        metrics = BreakerMetrics(registry)
        breakers = Breakers(_accepts, lambda _: (), lambda: self.line.now, metrics, Terms())
        self.weights = Weights(breakers, self.times.share, WeightMetrics(registry), lambda: self.line.now)

    def drawn(self, task: SendTask) -> str:
        """Who gets it."""
        return in_order(task, [QUICK, SLOW], self.weights, self.line.now)[0].name

    def hear(self, reports: list[ReceiptsCounted]) -> None:
        """As they come from the topic."""
        read = Decoder(ReceiptsCounted)
        for one in reports:
            self.times.heard(cast("ReceiptsCounted", read(encode(one))))


async def _accepts(call: ProviderCall) -> CallEnded:
    return CallEnded(call=call, verdict="accepted")


async def pushed() -> tuple[Worker, Counter[str]]:
    """Everybody's push was sent; one provider reports after a second, the other after two minutes."""
    line = Line()
    worker = Worker("one", line)
    line.stages = stages_with([QUICK, SLOW], worker.times.count)
    for number in range(PEOPLE):
        who = {"user_id": f"user-{number}", "request_id": f"request-{number}", "idempotency_key": f"{number}"}
        line.tell(
            replace(
                REGISTERED,
                user_id=f"user-{number}",
                devices=[Device(token=b"sealed:%d" % number, platform="ios")],
            )
        )
        line.tell(replace(REQUEST, **who, notification_type=ALARM.code, origin=f"t/0/{number}"))
    await line.run()
    sent = {task.message_id: worker.drawn(task) for task in line.tasks("push")}
    for task in line.tasks("push"):
        line.sent(task, sent[task.message_id])
    for name, wait_ms in (("quick", SECOND), ("slow", 119 * SECOND)):
        line.now += wait_ms
        for task in line.tasks("push"):
            if sent[task.message_id] == name:
                line.report(task, provider=name)
        await line.run()
    return worker, Counter(sent.values())


async def test_who_reports_too_late_gets_less_until_that_is_over_and_every_worker_knows() -> None:
    worker, sent = await pushed()
    assert T0 + 120 * SECOND == worker.line.now
    assert min(sent.values()) > PEOPLE // 4
    reports = worker.times.reports()
    assert {"push/quick": (sent["quick"],) * 2, "push/slow": (sent["slow"], 0)} == {
        one.account: (one.slots[0].sent, one.slots[0].in_time) for one in reports
    }
    began_anew = Worker("two", worker.line)
    with capture_logs() as lines:
        for each in (worker, began_anew):
            each.hear(reports)
            shares = [each.weights.share(one, each.line.now) for one in (QUICK, SLOW)]
            assert [1.0, 0.25] == shares
        drawn = Counter(began_anew.drawn(task) for task in worker.line.tasks("push"))
        assert drawn["slow"] < sent["slow"] * 2 // 3
        worker.line.now += WINDOW_MS
        assert 1.0 == worker.weights.share(SLOW, worker.line.now)
    told = [(line["provider"], line["cause"], line["before"], line["share"]) for line in lines]
    sunk = ("slow", "slow_receipts", 1.0, 0.25)
    assert [sunk, sunk, ("slow", "recovered", 0.25, 1.0)] == told
