"""Budgets and the choice of a provider: who is passed over, and how a message ends where none is left."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Moment
from agents.deliver import decide
from agents.serve import Choice, moment_of
from schemas.budgets import DAY_MS
from schemas.records import (
    AttemptEnded,
    CallEnded,
    NotificationType,
    Provider,
    ProviderCall,
    SpendingBudget,
    SpendingSummed,
)
from schemas.words import Status, Verdict
from tests.budgets import CHEAP, DEAR, FREE, KIND, MILLION, SMS, purse_of
from tests.fakes import MemoryReference
from tests.messages import T0

SPENT = MILLION * 10


def moment(
    of: str, providers: list[Provider], *, is_mandatory: bool = False, campaign: str | None = None
) -> Moment:
    """With a budget of 12 for a scope, of which 10 are spent."""
    purse = purse_of(SpendingBudget(of=of, per_day="12"))
    purse.summed(SpendingSummed(of=of, day_at=T0 - T0 % DAY_MS, of_day=SPENT))
    kind: NotificationType = replace(KIND, is_mandatory=is_mandatory)
    reference = MemoryReference(types=[kind], active=providers)
    return moment_of(replace(SMS, campaign_label=campaign), T0, reference, Choice(purse=purse))


def told(found: Moment, **changes: object) -> list[tuple[str, str | None, str | None]]:
    outcomes = decide(replace(SMS, **changes), found)
    return [(one.status, one.reason, one.detail) for one in outcomes if isinstance(one, AttemptEnded)]


@pytest.mark.spec("NS-OPS-116 NS-OPS-OP-12")
def test_a_provider_whose_budget_is_spent_is_passed_over() -> None:
    assert ["dear"] == list(moment("sms/cheap", [CHEAP, DEAR]).providers)


@pytest.mark.spec("NS-OPS-116 NS-OPS-OP-12")
@pytest.mark.parametrize("scope", ["sms", "campaign/spring"])
def test_where_the_channel_or_the_campaign_has_spent_its_budget_the_message_is_skipped(scope: str) -> None:
    found = moment(scope, [CHEAP, DEAR], campaign="spring")
    assert [("skipped", "budget_spent", f"{scope} per_day")] == told(found)


@pytest.mark.spec("NS-OPS-OP-12")
@pytest.mark.parametrize("scope", ["sms", "sms/cheap", "campaign/spring"])
def test_what_is_mandatory_passes_every_budget(scope: str) -> None:
    assert ["cheap", "dear"] == list(
        moment(scope, [CHEAP, DEAR], is_mandatory=True, campaign="spring").providers
    )


@pytest.mark.parametrize("provider", [FREE, replace(CHEAP, cost_per_message=None)])
def test_what_costs_nothing_or_nobody_knows_what_passes(provider: Provider) -> None:
    assert [provider.name] == list(moment("sms", [provider]).providers)


def test_a_message_for_which_there_is_room_is_sent() -> None:
    assert ["small"] == list(
        moment("sms", [replace(CHEAP, name="small", cost_per_message="2"), DEAR]).providers
    )


def test_a_campaign_of_another_label_has_its_own_money() -> None:
    assert ["cheap"] == list(moment("campaign/spring", [CHEAP], campaign="summer").providers)


def test_a_message_that_may_have_arrived_is_not_called_skipped() -> None:
    found = moment("sms", [CHEAP])
    assert [(Status.UNKNOWN, "budget_spent", "sms per_day")] == told(found, epoch=1, attempt=2)


def test_who_refuses_our_credentials_while_the_money_runs_out_is_not_why_it_ends() -> None:
    ended = CallEnded(call=ProviderCall(task=SMS, provider="cheap"), verdict=Verdict.MISCONFIGURED)
    (fact,) = decide(ended, moment("sms", [CHEAP, DEAR]))
    assert isinstance(fact, AttemptEnded)
    assert ("skipped", "budget_spent") == (fact.status, fact.reason)


def test_a_channel_without_providers_still_says_so() -> None:
    assert [("failed", "no_provider", None)] == told(moment("sms", []))
