"""What a provider reports that is not the one which took the message (NS-SND-OP-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from schemas.records import ContactChanged, ReceiptHeard
from schemas.words import Reason
from tests.messages import QUEUED, T0, fact
from tests.unit.agents.test_settle import Table, events, minutes, rows, settled

if TYPE_CHECKING:
    from agents.settle import Outcome
    from tables.progress import Progress

AT = T0 + 2_000
KEY = QUEUED.message_id.encode()
HIDDEN = replace(fact("unknown", T0 + 5), reason=Reason.ANSWER_HIDDEN)
HELD = replace(HIDDEN, reason=Reason.HELD)
SENT = replace(fact("sent", T0 + 10, provider="second"), attempt=2)


def heard(kind: str, provider: str, channel: str = "email") -> ReceiptHeard:
    """By `provider`, of the sample message."""
    return ReceiptHeard(
        event_id=f"{kind} by {provider}",
        message_id=QUEUED.message_id,
        kind=kind,
        at=AT,
        provider=provider,
        channel=channel,
    )


async def told(*values: Any) -> tuple[Progress, list[Outcome]]:
    """The message after these, one batch each, and all that was told."""
    table = Table()
    outcomes: list[Outcome] = []
    for value in (QUEUED, *values):
        outcomes += await settled(table, value)
    known = table.get(KEY)
    assert known is not None
    return known, outcomes


def named(outcomes: list[Outcome]) -> list[str]:
    return [event.event_type.removeprefix("notification.") for event in events(outcomes)]


@pytest.mark.spec("NS-SND-OP-07 NS-SND-022")
@pytest.mark.parametrize("kind", ["failed", "bounced"])
async def test_a_failure_of_a_provider_that_was_called_before_leaves_it_sent(kind: str) -> None:
    known, outcomes = await told(HIDDEN, SENT, heard(kind, "first"))
    assert ("sent", ["sent"]) == (known.status, named(outcomes)[-1:])
    assert "failed" not in {name for counts in minutes(outcomes) for name in counts}


@pytest.mark.spec("NS-SND-OP-07")
async def test_it_does_no_more_when_it_comes_before_the_other_took_it() -> None:
    known, outcomes = await told(HIDDEN, heard("failed", "first"), SENT)
    assert ["pending", "unknown", "unknown", "sent"] == [row.status for row in rows(outcomes)]
    assert ("sent", ["unknown", "sent"]) == (known.status, named(outcomes))


@pytest.mark.spec("NS-SND-OP-07")
async def test_a_failure_told_before_the_sending_counts_from_the_sending_on() -> None:
    known, outcomes = await told(heard("failed", "second"), SENT)
    assert ("failed", Reason.UNDELIVERED, ["sent", "failed"]) == (
        known.status,
        known.row().reason,
        named(outcomes),
    )
    assert {"sent": 1, "failed": 1} == minutes(outcomes)[-1]


@pytest.mark.spec("NS-SND-OP-07")
async def test_a_failure_of_the_one_that_took_it_is_found_behind_an_older_one_of_another() -> None:
    late = replace(heard("failed", "second"), at=AT + 1)
    known, _ = await told(HIDDEN, heard("failed", "first"), SENT, late)
    assert ("failed", "second") == (known.status, known.row().provider)


@pytest.mark.spec("NS-SND-OP-07 NS-SND-OP-12")
@pytest.mark.parametrize(("provider", "status"), [("first", "failed"), ("second", "unknown")])
async def test_of_a_message_that_is_held_the_one_speaks_whose_answer_stayed_hidden(
    provider: str, status: str
) -> None:
    known, _ = await told(HELD, heard("failed", provider))
    assert status == known.status


async def test_where_nobody_says_who_may_have_it_whoever_reports_is_believed() -> None:
    expired = replace(fact("unknown", T0 + 9, provider=None), reason=Reason.NOT_REPEATED)
    known, _ = await told(HIDDEN, expired, heard("failed", "first"))
    assert "failed" == known.status


@pytest.mark.spec("NS-SND-OP-07")
@pytest.mark.parametrize("kind", ["delivered", "opened", "clicked"])
async def test_a_proof_that_it_arrived_counts_from_whomever_it_comes(kind: str) -> None:
    known, _ = await told(HIDDEN, SENT, heard(kind, "first"))
    assert kind == known.status


@pytest.mark.spec("NS-CH-OP-04")
async def test_an_address_that_bounced_is_spared_whoever_says_so() -> None:
    _, outcomes = await told(HIDDEN, SENT, heard("bounced", "first"))
    assert [ContactChanged] == [type(one) for one in outcomes if isinstance(one, ContactChanged)]


@pytest.mark.spec("NS-CH-OP-01")
@pytest.mark.parametrize("kind", ["delivered", "failed", "bounced", "complained"])
async def test_a_provider_of_another_channel_cannot_speak_of_it(kind: str) -> None:
    table, report = Table(), heard(kind, "second", channel="sms")
    await settled(table, QUEUED, SENT)
    before = table.get(KEY)
    assert ([report], before) == (await settled(table, report), table.get(KEY))


async def test_a_receipt_of_an_older_worker_names_no_channel() -> None:
    known, _ = await told(SENT, heard("delivered", "second", channel=""))
    assert "delivered" == known.status


async def test_nothing_of_an_erased_user_stays_in_what_others_reported() -> None:
    report = ReceiptHeard(
        event_id="r", message_id=QUEUED.message_id, kind="failed", at=AT, provider="first", detail="550 anna"
    )
    known, _ = await told(SENT, report)
    assert [None] == [one.detail for one in known.erase().undelivered.values()]
