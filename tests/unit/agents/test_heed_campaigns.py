"""Right before the call: of a campaign that was withdrawn nothing more is sent (CRM-OP-03)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.begin import Outcome
from agents.deliver import deliver
from agents.heed import Memory, heed
from schemas.records import AttemptEnded, NotificationType, Provider, ProviderCall
from tests.calls import words
from tests.fakes import FakeEvent, FakeStream, MemoryReference, MemoryTable
from tests.messages import T0, TASK, called

OF_SPRING = replace(TASK, campaign_label="spring")
KIND = NotificationType(
    code=TASK.notification_type,
    title="",
    category="system",
    default_channels=["email"],
    template_name="t",
    is_mandatory=True,
)


def reference() -> MemoryReference:
    mail = Provider(name="first", channel_type="email", kind="smtp")
    return MemoryReference(types=[KIND], active=[mail], withdrawn={"spring"})


def heeded(call: ProviderCall) -> Outcome:
    return heed(call, Memory(MemoryTable(), MemoryTable()), reference(), T0)


@pytest.mark.spec("CRM-OP-03 NS-PREF-OP-04")
def test_of_a_withdrawn_campaign_nothing_is_sent_whenever_it_was_made_not_even_what_is_mandatory() -> None:
    ended = heeded(ProviderCall(task=OF_SPRING, provider="first"))
    assert isinstance(ended, AttemptEnded)
    assert ("cancelled", "campaign_withdrawn", "campaigns.withdrawn = spring") == (
        ended.status,
        ended.reason,
        ended.detail,
    )


@pytest.mark.parametrize("label", ["summer", None])
def test_what_is_of_another_campaign_or_of_none_goes(label: str | None) -> None:
    call = ProviderCall(task=replace(TASK, campaign_label=label), provider="first")
    assert call == heeded(call)


def test_whether_a_hidden_attempt_arrived_is_still_asked() -> None:
    call = ProviderCall(task=OF_SPRING, provider="first", ask=True)
    assert call == heeded(call)


def test_what_may_have_arrived_stays_unknown() -> None:
    hidden = replace(OF_SPRING, attempt=2, epoch=1, unknown_policy="repeat")
    ended = heeded(ProviderCall(task=hidden, provider="first"))
    assert isinstance(ended, AttemptEnded)
    assert "unknown" == ended.status


async def test_a_call_that_lapsed_because_its_campaign_was_withdrawn_ends() -> None:
    """`connectors/withdrawn.py` lets it lapse; what is begun again then ends here, and not for ever anew."""
    stream = FakeStream([FakeEvent(called(OF_SPRING, "lapsed"))], now=T0)
    kept = Memory(MemoryTable(), MemoryTable())
    outcomes = [outcome async for outcome in deliver(stream, kept, reference())]
    assert [("cancelled", "campaign_withdrawn")] == [one[:2] for one in words(outcomes)]
