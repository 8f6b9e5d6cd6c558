"""Erasure and clocks: what an operator demands goes, and what is chosen for a deleted user waits for him."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from agents.receive import WRONG_CLOCK_MS
from schemas.ids import person_named, subject_key
from schemas.records import PersonErased, PreferenceRow, QuietHours
from tables.erased import KEEP_MS
from tests.requests import DAY, REGISTERED, SECOND, T0, USER, Desk, chosen

if TYPE_CHECKING:
    from agents.answer import Answered

DELETED = replace(REGISTERED, action="deleted", changed_at=T0, email=None, phone=None, language=None)
DEMANDED = replace(DELETED, is_demanded=True)
AHEAD = 3 * 60 * SECOND
PERSON = person_named(f"hash of {USER}")
HOURS = QuietHours(start=60, end=120)
SINCE = (
    chosen(kind="type", notification_type="promo", channels=["push"], changed_at=T0 + 1),
    chosen(kind="unsubscribed", channel="sms", reason="Anna is annoyed", changed_at=T0 + 2),
    chosen(kind="resubscribed", channel="email", changed_at=T0 + 3),
    chosen(kind="consent_granted", purpose="marketing", text_version="v7", changed_at=T0 + 4),
    chosen(kind="consent_revoked", purpose="surveys", channel="email", changed_at=T0 + 5),
    chosen(kind="quiet_hours_changed", quiet=HOURS, changed_at=T0 + 6),
)


def rows(told: list[Answered]) -> list[PreferenceRow]:
    return [one for one in told if isinstance(one, PreferenceRow)]


@pytest.mark.spec("NS-SEC-OP-02")
async def test_a_demanded_erasure_is_newer_than_what_a_clock_that_is_ahead_has_said(desk: Desk) -> None:
    """Mutation: times are compared as they are: 202, and everything stays."""
    choice = chosen(kind="unsubscribed", channel="sms", changed_at=T0 + SECOND)
    told = await desk.tell(replace(REGISTERED, changed_at=T0 + AHEAD), choice, DEMANDED)
    known, preferences = desk.known(), desk.preferences.get(subject_key(USER))
    assert known is not None
    assert preferences is not None
    assert (True, None, True) == (known.is_deleted, known.email, preferences.is_blank)
    assert [T0 + AHEAD + 1] == [one.deleted_at for one in told if isinstance(one, PersonErased)]


async def test_so_is_one_whose_choices_alone_are_ahead(desk: Desk) -> None:
    choice = chosen(kind="quiet_hours_changed", quiet=HOURS, changed_at=T0 + SECOND)
    await desk.tell(REGISTERED, choice, DEMANDED)
    preferences = desk.preferences.get(subject_key(USER))
    assert preferences is not None
    assert preferences.is_blank


async def test_the_deletion_of_a_service_is_as_its_clock_says(desk: Desk) -> None:
    await desk.tell(replace(REGISTERED, changed_at=T0 + AHEAD), DELETED)
    known = desk.known()
    assert known is not None
    assert not known.is_deleted


async def test_a_life_that_no_clock_explains_stays(desk: Desk) -> None:
    """The erasure lay somewhere, and he is back. Mutation: no bound."""
    await desk.tell(replace(REGISTERED, changed_at=T0 + WRONG_CLOCK_MS + 1), DEMANDED)
    known = desk.known()
    assert known is not None
    assert not known.is_deleted


async def test_a_demand_that_comes_again_never_means_the_life_after_it(desk: Desk) -> None:
    """Mutation: it is moved behind whatever is known each time it comes."""
    ahead, back = (replace(REGISTERED, changed_at=T0 + AHEAD + more) for more in (0, SECOND))
    await desk.tell(ahead, DEMANDED, back)
    assert [] == await desk.tell(DEMANDED)
    known = desk.known()
    assert known is not None
    assert known.email is not None


@pytest.mark.spec("NS-SEC-OP-02")
async def test_a_choice_for_a_deleted_user_is_told_to_nobody_and_ends(desk: Desk) -> None:
    """Mutation: it is taken as any other: rows of the erased user for ever."""
    await desk.tell(REGISTERED, DELETED)
    desk.now += DAY
    told = await desk.tell(*SINCE)
    assert [(PERSON, "consent_granted", "v7"), (PERSON, "consent_revoked", None)] == [
        (row.user_id, row.kind, row.text_version) for row in rows(told)
    ]
    assert len(told) == len(rows(told))
    for table in (desk.preferences, desk.contacts):
        assert T0 + DAY + KEEP_MS == table.rows[subject_key(USER)][1]


async def test_it_is_in_force_and_told_when_he_is_back(desk: Desk) -> None:
    """Mutation: nothing is told: the screen of settings shows none of it."""
    await desk.tell(REGISTERED, DELETED, *SINCE)
    told = await desk.tell(replace(REGISTERED, changed_at=T0 + DAY))
    bare = [replace(one, reason=None, text_version=None) for one in SINCE]
    other = Desk()
    expected = [row for one in bare for row in rows(await other.tell(one))]
    assert sorted(expected, key=lambda row: row.changed_at) == sorted(
        rows(told), key=lambda row: row.changed_at
    )
    before, after = (each.preferences.rows[subject_key(USER)] for each in (other, desk))
    assert (replace(before[0], version=0), None) == (replace(after[0], version=0), after[1])
    assert [] == rows(await desk.tell(replace(REGISTERED, changed_at=T0 + 2 * DAY)))
