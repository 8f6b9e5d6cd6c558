"""A withdrawal of many labels goes in steps, and is answered when it is done (CRM-OP-02)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.withdraw import LABELS_AT_ONCE
from schemas.ids import bucket_of
from schemas.records import AudienceLabel, AudienceUnpublished, CampaignWithdrawn, LabelChanged, LabelsEnded
from schemas.times import rfc3339
from tests.audiences import T0, Audience, asked, several, upload, withdrawal

MANY = 3 * LABELS_AT_ONCE + 1
NAMES = [f"spring:{n}" for n in range(MANY)]
USERS = [f"yandex_uid:{n}" for n in range(4)]


async def published() -> Audience:
    audience = Audience()
    await audience.ask(*several("u1", [(asked(name), USERS) for name in NAMES]))
    await audience.settle()
    audience.events.clear()
    return audience


def of(audience: Audience, kind: type[Any]) -> list[Any]:
    return [event for event in audience.events if isinstance(event, kind)]


async def test_a_step_withdraws_so_many_labels_and_the_answer_comes_with_the_last() -> None:
    """Mutation tried: all labels at once: fails."""
    audience = await published()
    assert [] == await audience.ask(withdrawal("w"))
    assert LABELS_AT_ONCE == len(of(audience, LabelChanged)) == len(of(audience, AudienceLabel))
    await audience.settle()
    (answer,) = [one for one in audience.answers if one.upload_id == "w"]
    assert ("accepted", NAMES) == (answer.outcome, [one.audience_label for one in answer.labels])
    assert {T0} == {label.withdrawn_at for label in audience.labels.values()}
    memory: Any = audience.members
    assert ({}, {}) == (memory.memberships.rows, memory.enlisted.rows)


async def test_users_that_come_after_their_label_was_withdrawn_have_failed() -> None:
    """A withdrawal may lie between a request and its users. Mutation tried: they are passed on: fails."""
    audience = Audience()
    command, *chunks = upload("u1", USERS)
    await audience.ask(command, withdrawal("w"), *chunks)
    await audience.settle()
    label = audience.labels["spring:sale"]
    assert (0, len(USERS), []) == (label.processed, label.failed, label.unfinished)
    assert {} == audience.members.memberships.rows  # type: ignore[attr-defined]


async def test_only_buckets_that_have_users_are_told_and_each_of_its_labels_once() -> None:
    """Mutation tried: every bucket: fails."""
    audience = await published()
    await audience.ask(withdrawal("w"))
    await audience.settle()
    told = of(audience, LabelsEnded)
    assert {bucket_of(user) for user in USERS} == {record.bucket for record in told}
    named = sorted((record.bucket, one.audience_label) for record in told for one in record.labels)
    assert sorted({(bucket_of(user), name) for user in USERS for name in NAMES}) == named


async def test_a_campaign_takes_nothing_from_the_first_step_on() -> None:
    audience = await published()
    await audience.ask(withdrawal("w"))
    (answer,) = await audience.ask(*upload("u2", USERS, name=NAMES[-1]))
    assert ("conflict", None) == (answer.outcome, audience.labels[NAMES[-1]].withdrawn_at)


async def test_a_repeat_while_the_steps_go_on_gets_the_same_answer_and_ends_nothing_twice() -> None:
    audience = await published()
    await audience.ask(withdrawal("w"))
    await audience.ask(replace(withdrawal("w"), upload_id="w again"))
    await audience.settle()
    assert [NAMES] * 2 == [[one.audience_label for one in a.labels] for a in audience.answers[1:]]
    assert sorted(NAMES) == sorted(change.label.audience_label for change in of(audience, LabelChanged))


@pytest.mark.spec("CRM-OP-03")
async def test_each_label_that_is_withdrawn_is_told_once_to_whoever_sends_of_it() -> None:
    """Mutation tried: labels that were withdrawn before are told again: fails."""
    audience = await published()
    await audience.ask(withdrawal("one", NAMES[0]))
    await audience.ask(withdrawal("w"))
    await audience.ask(replace(withdrawal("w"), upload_id="w again"))
    await audience.settle()
    told = of(audience, AudienceUnpublished)
    assert sorted(NAMES) == sorted(one.audience_label for one in told)
    assert ("unpublished", "req-one", rfc3339(T0)) == (
        told[0].event_type,
        told[0].request_id,
        told[0].timestamp,
    )
    assert {("spring", "sale")} == {(one.campaign_label, one.communication_id) for one in told}


@pytest.mark.spec("CRM-OP-03")
async def test_delivery_is_told_of_a_campaign_with_its_withdrawal_and_of_single_labels_never() -> None:
    """Before the steps: what waits goes out meanwhile. A repeat tells it again, which does no harm."""
    audience = await published()
    await audience.ask(withdrawal("one", NAMES[0]))
    assert [] == of(audience, CampaignWithdrawn)
    await audience.ask(withdrawal("w"))
    assert [("spring", T0)] == [
        (one.campaign_label, one.withdrawn_at) for one in of(audience, CampaignWithdrawn)
    ]


async def test_a_campaign_that_nobody_published_stops_nothing() -> None:
    audience = Audience()
    (answer,) = await audience.ask(withdrawal("w"))
    assert ("unknown_label", []) == (answer.outcome, of(audience, CampaignWithdrawn))
