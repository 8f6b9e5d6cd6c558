"""Labels that have ended leave HTTP processes, and keep their names (AUD-OP-01, CRM-OP-02)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from schemas.records import AudienceLabel, LabelCount, LabelDue, LabelForgotten, UsersCounted
from tests.audiences import DAY, KEPT, T0, Audience, upload, withdrawal

USERS = [f"yandex_uid:{n}" for n in range(4)]
NAME = "spring:sale"


async def published(**changes: Any) -> Audience:
    audience = Audience()
    await audience.ask(*upload("u1", USERS, **changes))
    await audience.settle()
    return audience


async def at(audience: Audience, now: int) -> None:
    audience.now = now
    await audience.settle()


def told(audience: Audience) -> list[AudienceLabel]:
    """What HTTP processes would read of labels since the events were cleared."""
    return [event for event in audience.events if isinstance(event, AudienceLabel)]


async def test_a_label_leaves_so_long_after_its_end_and_not_before() -> None:
    """Mutation tried: no timer at the publication: fails."""
    audience = await published()
    await at(audience, T0 + DAY)
    await at(audience, T0 + DAY + KEPT - 1)
    assert {NAME} == set(audience.labels)
    await at(audience, T0 + DAY + KEPT)
    memory: Any = audience.members
    assert ({}, {}, {}) == (audience.labels, memory.memberships.rows, memory.enlisted.rows)
    assert {} == audience.owner.spread.rows  # type: ignore[attr-defined]


async def test_a_withdrawn_label_leaves_so_long_after_its_withdrawal() -> None:
    """Mutation tried: no timer at the withdrawal: fails."""
    audience = await published(ends_at=T0 + 900 * DAY)
    await at(audience, T0 + 3 * DAY)
    await audience.ask(withdrawal("w"))
    await at(audience, T0 + 3 * DAY + KEPT - 1)
    assert T0 + 3 * DAY == audience.labels[NAME].withdrawn_at
    await at(audience, T0 + 3 * DAY + KEPT)
    assert {} == audience.labels
    assert {} == audience.owner.spread.rows  # type: ignore[attr-defined]


async def test_a_label_that_left_does_not_come_back_and_its_name_stays_taken() -> None:
    """Mutation tried: what changes is told whenever it changes: fails, and nothing would end it again."""
    audience = await published()
    for now in (T0 + DAY, T0 + DAY + KEPT):
        await at(audience, now)
    audience.events.clear()
    answers = [
        *await audience.ask(*upload("u2", USERS)),
        *await audience.ask(*upload("u3", USERS, ends_at=T0 + 900 * DAY)),
        *await audience.ask(withdrawal("w", NAME)),
        *await audience.ask(*upload("u4", USERS)),
    ]
    await audience.settle()
    assert ["accepted", "conflict", "accepted", "conflict"] == [answer.outcome for answer in answers]
    assert ([], T0 + DAY + KEPT) == (told(audience), audience.rows[-1].withdrawn_at)
    assert {} == audience.members.memberships.rows  # type: ignore[attr-defined]


async def test_users_that_are_counted_late_do_not_bring_a_label_back() -> None:
    audience = Audience()
    command, *_ = upload("u1", USERS)
    await audience.ask(command)
    await at(audience, T0 + DAY + KEPT)
    audience.events.clear()
    count = LabelCount(audience_label=NAME, processed=len(USERS))
    await audience.ask(UsersCounted(upload_id="u1", counts=[count]))
    assert ([], len(USERS)) == (told(audience), audience.owner.labels.get(NAME.encode()).processed)  # type: ignore[union-attr]


async def test_a_timer_that_comes_too_early_is_set_anew() -> None:
    """As after the setting grew. Mutation tried: the label is forgotten whatever its end: fails."""
    audience = await published()
    audience.events.clear()
    due = LabelDue(audience_label=NAME, due_at=T0)
    await audience.ask(due)
    assert [replace(due, due_at=T0 + DAY + KEPT)] == audience.events


async def test_a_label_is_told_to_be_forgotten_once() -> None:
    """The timer of each request for it is the same one."""
    audience = await published()
    await audience.ask(*upload("u2", ["phone_id:1"]))
    await at(audience, T0 + DAY + KEPT)
    assert 1 == sum(isinstance(event, LabelForgotten) for event in audience.events)
