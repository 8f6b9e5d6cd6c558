"""Calls that were recorded before their campaign was withdrawn are not begun (CRM-OP-03)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connectors.withdrawn import WithdrawnCampaigns
from schemas.records import CallEnded, ProviderCall
from schemas.words import Verdict
from tests.messages import TASK


async def ended(campaigns: WithdrawnCampaigns, label: str | None, *, ask: bool = False) -> str:
    """How a call of the campaign ends that would be taken."""

    async def perform(call: ProviderCall) -> CallEnded:
        return CallEnded(call=call, verdict=Verdict.ACCEPTED)

    call = ProviderCall(task=replace(TASK, campaign_label=label), provider="first", ask=ask)
    return (await campaigns.stopping(perform)(call)).verdict


@pytest.mark.spec("CRM-OP-03 NS-PREF-OP-04")
async def test_a_call_of_a_withdrawn_campaign_lapses_and_others_are_made() -> None:
    campaigns = WithdrawnCampaigns()
    assert "accepted" == await ended(campaigns, "spring")
    campaigns.apply(b"spring", b"whatever it says")
    assert ["lapsed", "accepted", "accepted"] == [
        await ended(campaigns, label) for label in ("spring", "summer", None)
    ]


def test_a_call_of_a_withdrawn_campaign_waits_at_no_gate() -> None:
    """It would hold a place for a second and use up a grant. Mutation tried: the bare gate."""
    campaigns = WithdrawnCampaigns()
    campaigns.apply(b"spring", b"")
    asked: list[str | None] = []
    gate = campaigns.sparing(lambda call: asked.append(call.task.campaign_label))
    for label in ("spring", "summer"):
        gate(ProviderCall(task=replace(TASK, campaign_label=label), provider="first"))
    assert ["summer"] == asked


async def test_whether_a_hidden_attempt_arrived_is_still_asked() -> None:
    campaigns = WithdrawnCampaigns()
    campaigns.apply(b"spring", b"")
    assert "accepted" == await ended(campaigns, "spring", ask=True)


async def test_a_tombstone_lets_a_campaign_go_again() -> None:
    campaigns = WithdrawnCampaigns()
    for value in (b"", None):
        campaigns.apply("весна".encode(), value)
    assert not campaigns.has("весна")
