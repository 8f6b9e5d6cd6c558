"""What statistics count of labels: users who were labelled, who saw it, whom a withdrawal took it from."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents import enlist
from schemas.ids import bucket_of
from schemas.records import (
    CommunicationSeen,
    EndedLabel,
    LabelGiven,
    LabelPartial,
    LabelsEnded,
    UsersLabelled,
)
from schemas.times import period_start
from tables.memberships import KEEP_MS, MOST_LABELS, Entry, Memberships
from tables.offers import Offer, key_of
from tables.progress import LATE_MS
from tables.windows import PERIODS
from tests.audiences import DAY, T0, Audience, asked, several, upload, withdrawal
from tests.label_counts import counted

USERS = [f"device_id:{n}" for n in range(40)]
NEIGHBOURS = [name for n in range(30_000) if bucket_of(name := f"device_id:{n}") == 7][:20]
"""Users of one bucket."""
ONE = NEIGHBOURS[0]
PROMOTION: dict[str, Any] = {"name": "promotion.7", "communication_id": "7"}
"""A label whose name does not tell what it shows, nor, of this campaign, whose it is."""
HOUR = PERIODS["hour"]


async def published(*uploads: list[Any]) -> Audience:
    audience = Audience()
    for one in uploads:
        await audience.ask(*one)
    await audience.settle()
    return audience


def saw(user: str, communication_id: str = "sale", *, at: int = T0, kept_until: int = T0 + DAY) -> Any:
    return CommunicationSeen(
        bucket=bucket_of(user),
        user=user,
        communication_id=communication_id,
        seen_at=at,
        kept_until=kept_until,
    )


async def test_users_who_get_a_label_count_in_each_period_with_its_campaign_and_communication() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", NEIGHBOURS))
    await audience.settle()
    assert [
        LabelPartial(
            period=period,
            starts_at=period_start(T0, PERIODS[period]),
            audience_label="spring:sale",
            campaign_label="spring",
            communication_id="sale",
            counts={"labelled": 20},
        )
        for period in ("day", "hour", "minute")
    ] == audience.partials


async def test_a_user_counts_once_however_many_requests_bring_the_label() -> None:
    """Mutation tried: who is entered for another request counts too: fails."""
    audience = await published(upload("u1", USERS), upload("u2", [*USERS, "device_id:new"]))
    assert {"labelled": 41} == counted(audience.partials)


async def test_a_chunk_that_comes_again_counts_nothing() -> None:
    audience = Audience()
    await audience.ask(*upload("u1", USERS))
    first = audience.waiting[0]
    await audience.enlist(first, first)
    before = len(audience.partials)
    await audience.enlist(first)
    assert before == len(audience.partials)
    await audience.settle()
    assert {"labelled": 40} == counted(audience.partials)


async def test_who_could_not_be_labelled_is_not_counted() -> None:
    audience = Audience()
    full = [Entry(audience_label=str(n), numbers=[1], ends_at=T0 + DAY) for n in range(MOST_LABELS)]
    audience.members.memberships.put(USERS[0].encode(), Memberships(entries=full))
    await audience.ask(*upload("u1", USERS), *upload("u2", USERS, name="spring:over", ends_at=T0))
    await audience.settle()
    assert ({"labelled": 39}, {}) == (counted(audience.partials), counted(audience.partials, "spring:over"))


@pytest.mark.parametrize("step", [1, 7, 500])
async def test_a_withdrawal_counts_each_user_once_in_whatever_steps(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutation tried: only what the withdrawal's own record takes away counts: fails."""
    monkeypatch.setattr(enlist, "STEP", step)
    parts = [(asked("spring:sale"), NEIGHBOURS), (asked("spring:sale:b", communication_id="sale:b"), USERS)]
    audience = await published(several("u1", parts))
    await audience.ask(withdrawal("w1"))
    await audience.ask(withdrawal("w2"))
    await audience.settle()
    assert {"labelled": 20, "withdrawn": 20} == counted(audience.partials)
    assert {"labelled": 40, "withdrawn": 40} == counted(audience.partials, "spring:sale:b")


async def test_the_end_of_a_label_is_no_withdrawal() -> None:
    audience = await published(upload("u1", USERS))
    audience.now = T0 + DAY
    await audience.settle()
    assert {"labelled": 40} == counted(audience.partials)


async def test_what_is_withdrawn_after_its_end_was_not_taken_from_anybody() -> None:
    """The timers of the end may come later. Mutation tried: the dates do not matter: fails."""
    audience = await published(upload("u1", NEIGHBOURS))
    audience.now = T0 + DAY
    ended = EndedLabel(audience_label="spring:sale", ends_at=T0 + DAY)
    await audience.enlist(LabelsEnded(bucket=7, labels=[ended]))
    assert {"labelled": 20} == counted(audience.partials)


async def test_a_withdrawal_goes_on_counting_when_the_label_ends_amid_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enlist, "STEP", 15)
    audience = await published(upload("u1", NEIGHBOURS))
    audience.timers = {key: due for key, due in audience.timers.items() if due.due_at > T0 + DAY}
    audience.now = T0 + DAY - 1
    ended = EndedLabel(audience_label="spring:sale", ends_at=T0 + DAY)
    await audience.enlist(LabelsEnded(bucket=7, labels=[ended]))
    audience.now = T0 + DAY
    await audience.settle()
    assert {"labelled": 20, "withdrawn": 20} == counted(audience.partials)


async def test_the_first_fact_of_a_user_counts_under_each_of_his_labels_with_the_communication() -> None:
    """Mutations tried: all labels of the user count, or each fact: fails."""
    again = asked("summer:sale", communication_id="sale")
    parts = [(asked(), [ONE]), (again, [ONE]), (asked("spring:tea", communication_id="tea"), [ONE])]
    audience = await published(several("u1", parts))
    await audience.enlist(saw(ONE), saw(ONE, at=T0 + 1))
    await audience.enlist(saw(ONE))
    found = [
        counted(audience.partials, name).get("seen") for name in ("spring:sale", "summer:sale", "spring:tea")
    ]
    assert [1, 1, None] == found


async def test_who_has_no_label_with_it_is_not_counted() -> None:
    audience = await published(upload("u1", [ONE]))
    await audience.enlist(saw(USERS[1]), saw(ONE, "other"))
    assert {"labelled": 1} == counted(audience.partials)


async def test_what_is_not_remembered_is_not_counted_and_what_was_forgotten_is_a_first_fact_again() -> None:
    audience = await published(upload("u1", [ONE]))
    await audience.enlist(saw(ONE, kept_until=T0))
    assert {"labelled": 1} == counted(audience.partials)
    await audience.enlist(saw(ONE, kept_until=T0 + 10))
    audience.now = T0 + 10
    await audience.enlist(saw(ONE, at=T0 + 10))
    assert 2 == counted(audience.partials)["seen"]


async def test_a_fact_belongs_to_the_minute_of_its_time_and_the_future_is_now() -> None:
    first, second = NEIGHBOURS[:2]
    audience = await published(upload("u1", [first, second]))
    audience.partials.clear()
    audience.now = T0 + 3 * HOUR
    await audience.enlist(saw(first, at=T0 + HOUR), saw(second, at=T0 + 9 * HOUR))
    hours = [one.starts_at for one in audience.partials if one.period == "hour"]
    assert [period_start(T0 + n * HOUR, HOUR) for n in (1, 3)] == sorted(hours)


async def test_a_fact_whose_hour_is_final_counts_as_late_in_the_hour_of_its_coming() -> None:
    audience = await published(upload("u1", [ONE], ends_at=T0 + 30 * DAY))
    audience.now = T0 + LATE_MS + 1
    audience.partials.clear()
    await audience.enlist(saw(ONE, kept_until=T0 + 60 * DAY))
    assert {"late": 1} == counted(audience.partials)
    assert period_start(audience.now, DAY) == audience.partials[0].starts_at


async def test_what_was_seen_when_the_label_had_ended_is_not_counted() -> None:
    audience = await published(upload("u1", [ONE]))
    audience.now = T0 + DAY
    await audience.enlist(saw(ONE, at=T0 + DAY, kept_until=T0 + 9 * DAY))
    assert {"labelled": 1} == counted(audience.partials)


async def test_a_label_whose_name_does_not_tell_has_one_row_in_a_bucket_until_its_entries_are_gone() -> None:
    audience = await published(upload("u1", NEIGHBOURS, **PROMOTION), upload("u2", USERS))
    offers: Any = audience.members.offers
    offer = Offer(campaign_label="spring", communication_id="7")
    assert {key_of(7, "promotion.7"): (offer, T0 + DAY + KEEP_MS)} == offers.rows
    await audience.enlist(saw(ONE, "7"))
    await audience.ask(withdrawal("w", "promotion.7"))
    await audience.settle()
    assert {"labelled": 20, "seen": 1, "withdrawn": 20} == counted(audience.partials, "promotion.7")
    told = {(one.campaign_label, one.communication_id) for one in audience.partials if _is_promotion(one)}
    assert {("spring", "7")} == told


async def test_a_record_of_an_older_version_counts_under_what_the_name_tells() -> None:
    """It has neither campaign nor communication."""
    audience = Audience()
    given = LabelGiven(audience_label="promotion.7", number=1, ends_at=T0 + DAY, users=[ONE])
    await audience.enlist(
        UsersLabelled(upload_id="u", bucket=7, labels=[given, replace(given, audience_label="spring:sale")])
    )
    await audience.enlist(saw(ONE, "7"), saw(ONE))
    told = {(one.audience_label, one.campaign_label, one.communication_id) for one in audience.partials}
    assert {("promotion.7", "promotion.7", None), ("spring:sale", "spring", "sale")} == told
    assert {"labelled": 1} == counted(audience.partials, "promotion.7")
    assert {"labelled": 1, "seen": 1} == counted(audience.partials)


def _is_promotion(partial: LabelPartial) -> bool:
    return partial.audience_label == "promotion.7"
