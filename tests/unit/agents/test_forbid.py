"""What a change forbids of the messages that wait already, and under which version messages are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from agents.forbid import cancel
from schemas.ids import subject_key
from schemas.records import CancelAsked, PreferenceRow, Vetoed
from tables.vetoes import KEEP_MS
from tests.requests import DAY, PHONES, REGISTERED, REQUEST, T0, USER, Desk, chosen, tasks

if TYPE_CHECKING:
    from agents.answer import Answered


def vetoes(answered: list[Answered]) -> list[Vetoed]:
    return [one for one in answered if isinstance(one, Vetoed)]


async def test_an_unsubscribe_is_told_to_delivery_with_all_that_was_chosen(desk: Desk) -> None:
    await desk.tell(chosen(kind="consent_granted", purpose="marketing"))
    (veto,) = vetoes(await desk.tell(chosen(kind="unsubscribed", channel="all_marketing")))
    assert (USER, "choices", T0 + 1, T0, T0 + KEEP_MS) == (
        veto.user_id,
        veto.scope,
        veto.version,
        veto.at,
        veto.expires_at,
    )
    assert veto.unsubscribed["all_marketing"].is_on
    assert veto.consents["marketing/"].is_on


async def test_what_forbids_nothing_is_not_told_but_counts(desk: Desk) -> None:
    told = await desk.tell(
        chosen(kind="consent_granted", purpose="marketing"), chosen(kind="resubscribed", channel="email")
    )
    known = desk.preferences.get(subject_key(USER))
    assert known is not None
    assert ([], T0 + 1) == (vetoes(told), known.version)


@pytest.mark.spec("NS-API-OP-09")
async def test_a_fact_that_is_known_or_older_forbids_nothing_again(desk: Desk) -> None:
    off = chosen(kind="unsubscribed", channel="email")
    first = vetoes(await desk.tell(off))
    again = await desk.tell(off, replace(off, kind="resubscribed", changed_at=T0 - 2 * DAY))
    assert (1, []) == (len(first), again)


async def test_a_veto_is_newer_than_all_before_though_the_row_lost_its_version(desk: Desk) -> None:
    """A worker of an older version writes rows without one; so may a table that was filled anew.

    Mutation: one more than before: delivery, which knows a higher one, takes no veto any more.
    """
    (first,) = vetoes(await desk.tell(chosen(kind="unsubscribed", channel="email")))
    known = desk.preferences.get(subject_key(USER))
    assert known is not None
    desk.preferences.put(subject_key(USER), replace(known, version=0))
    desk.now += 1
    (again,) = vetoes(await desk.tell(chosen(kind="unsubscribed", channel="push")))
    assert first.version < again.version
    desk.now -= DAY
    (behind,) = vetoes(await desk.tell(chosen(kind="unsubscribed", channel="sms")))
    assert again.version < behind.version


async def test_a_message_says_under_which_choices_it_was_made(desk: Desk) -> None:
    await desk.tell(REGISTERED, PHONES)
    before = tasks(await desk.tell(REQUEST))
    await desk.tell(chosen(kind="unsubscribed", channel="push"))
    after = tasks(await desk.tell(replace(REQUEST, idempotency_key="order-2")))
    assert {0} == {task.preferences_version for task in before}
    assert [("email", T0)] == [(task.channel, task.preferences_version) for task in after]


@pytest.mark.spec("NS-SEC-OP-02")
async def test_a_deletion_forbids_all_that_waits_and_only_once(desk: Desk) -> None:
    deleted = replace(REGISTERED, action="deleted", changed_at=T0, email=None, phone=None)
    await desk.tell(REGISTERED)
    (veto,) = vetoes(await desk.tell(deleted, deleted))
    assert ("user", T0) == (veto.scope, veto.version)


async def test_after_a_new_registration_messages_are_newer_than_the_deletion(desk: Desk) -> None:
    deleted = replace(REGISTERED, action="deleted", changed_at=T0, email=None, phone=None)
    await desk.tell(REGISTERED, deleted, replace(REGISTERED, changed_at=T0 + 1))
    made = tasks(await desk.tell(replace(REQUEST, occurred_at=T0 + 1)))
    assert [T0] == [task.preferences_version for task in made]


async def test_each_change_has_its_row_and_a_stale_one_none(desk: Desk) -> None:
    off = chosen(kind="unsubscribed", channel="email", reason="Too many")
    told = await desk.tell(off, off, replace(off, kind="resubscribed", changed_at=T0 - 2 * DAY))
    (row,) = [one for one in told if isinstance(one, PreferenceRow)]
    assert ("unsubscribed", "email", "Too many", off.changed_at) == (
        row.kind,
        row.channel,
        row.note,
        row.changed_at,
    )


@pytest.mark.spec("NS-DATA-OP-07")
async def test_every_consent_is_evidence_also_one_that_came_late(desk: Desk) -> None:
    """Mutation: no row for what changes nothing."""
    newer = chosen(kind="consent_revoked", purpose="marketing", changed_at=T0)
    older = chosen(kind="consent_granted", purpose="marketing", reason="shop", text_version="v1")
    rows = [one for one in await desk.tell(newer, older) if isinstance(one, PreferenceRow)]
    assert [("consent_revoked", None), ("consent_granted", "v1")] == [
        (row.kind, row.text_version) for row in rows
    ]
    assert 2 == len({row.event_id for row in rows})


def test_a_cancelled_request_is_named() -> None:
    asked = CancelAsked(
        request_id="request-1", source="shop", user_id=USER, asked_at=T0 - DAY, received_at=T0
    )
    veto = cancel(asked, T0)
    assert ("request", "request-1", "shop") == (veto.scope, veto.request_id, veto.source)
    assert (T0, T0 + KEEP_MS) == (veto.at, veto.expires_at)
