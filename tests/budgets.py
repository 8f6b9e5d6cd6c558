"""Budgets and what is spent of them: a purse in memory, and calls that cost something."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from connectors.budget_metrics import BudgetMetrics
from connectors.purse import Purse
from schemas.records import CallEnded, NotificationType, Provider, ProviderCall, SpendingBudget
from tests.messages import T0, TASK

MILLION = 1_000_000
SMS = replace(TASK, channel="sms", segments=1)
KIND = NotificationType(
    code=SMS.notification_type, title="T", category="system", default_channels=["sms"], template_name="t"
)
CHEAP = Provider(name="cheap", channel_type="sms", kind="smsc", priority=2, cost_per_message="3")
DEAR = Provider(name="dear", channel_type="sms", kind="twilio", priority=1, cost_per_message="4")
FREE = Provider(name="free", channel_type="sms", kind="fake_sms", cost_per_message="0")


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


def purse_of(*budgets: SpendingBudget, clock: Clock | None = None) -> Purse:
    known = {budget.of: budget for budget in budgets}
    return Purse(known.get, BudgetMetrics(CollectorRegistry()), clock or Clock())


def paid(provider: Provider = CHEAP, cost: int = 3, *, is_limited: bool = True) -> ProviderCall:
    return ProviderCall(task=SMS, provider=provider.name, cost=cost * MILLION, is_limited=is_limited)


def answered(call: ProviderCall, verdict: str = "accepted") -> CallEnded:
    return CallEnded(call=call, verdict=verdict)
