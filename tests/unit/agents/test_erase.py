"""A user is deleted: nothing waits for him any more, and nothing personal of him is kept (NS-SEC-OP-02)."""

from __future__ import annotations

from dataclasses import fields
from dataclasses import replace as rebuilt
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from agents.ask_account import AccountTerms
from agents.erase import timer_of
from schemas.codec import encode
from schemas.ids import bucket_of, person_named, subject_key
from schemas.records import (
    ContactsAnswered,
    ContactsAsked,
    FallbackGranted,
    FallbackPlanned,
    PersonErased,
    PreferenceRow,
    QuietHours,
    RequestDecided,
    RequestOff,
    Vetoed,
    ViewerForgotten,
)
from tables.caps import Caps
from tables.erased import CLOCKS_MS, KEEP_MS
from tests.fakes import MemoryTable
from tests.requests import (
    DAY,
    REGISTERED,
    REQUEST,
    SECOND,
    T0,
    USER,
    Desk,
    chosen,
    decision,
    tasks,
    timer,
)

if TYPE_CHECKING:
    from agents.answer import Answered

DELETED = replace(REGISTERED, action="deleted", changed_at=T0, email=None, phone=None, language=None)
PLANNED = replace(REQUEST, scheduled_at=T0 + 30 * DAY, idempotency_key="from anna@example.com")
NIGHT = QuietHours(start=12 * 60, end=18 * 60, timezone="UTC")
CHOSEN = (
    chosen(kind="consent_granted", purpose="marketing"),
    chosen(kind="unsubscribed", channel="sms", reason="Anna is annoyed"),
    chosen(kind="type", notification_type="promo", channels=["push"]),
)


def erased(answered: list[Answered]) -> list[PersonErased]:
    return [one for one in answered if isinstance(one, PersonErased)]


def kept(desk: Desk) -> bytes:
    """Every row of every table."""
    tables = [getattr(desk, one.name) for one in fields(desk)]
    rows = [row for table in tables if isinstance(table, MemoryTable) for row in table.rows.values()]
    return b"".join(encode(value) for value, _ in rows)


@pytest.mark.parametrize("trace", [b"nna@example.com", b"+79001234567", b"promo", b"marketing"])
@pytest.mark.spec("NS-SEC-OP-02")
async def test_nothing_personal_stays_in_any_table(desk: Desk, trace: bytes) -> None:
    await desk.tell(REGISTERED, *CHOSEN, REQUEST, PLANNED)
    assert trace in kept(desk)
    await desk.tell(DELETED)
    assert trace not in kept(desk)


@pytest.mark.spec("NS-SEC-OP-02")
async def test_what_is_kept_of_him_ends_by_itself(desk: Desk) -> None:
    """Mutation: the row of the deletion stays for ever."""
    desk.caps.put(subject_key(USER), Caps(marketing=[T0]))
    await desk.tell(REGISTERED, *CHOSEN, REQUEST, PLANNED, DELETED)
    tables = (desk.contacts, desk.preferences, desk.pending, desk.requests)
    assert all(end is not None for table in tables for _, end in table.rows.values())
    assert {} == desk.caps.rows
    assert T0 + KEEP_MS == desk.contacts.rows[subject_key(USER)][1]


async def test_all_stages_are_told_once_under_a_keyed_name(desk: Desk) -> None:
    await desk.tell(REGISTERED)
    desk.now = T0 + SECOND
    told = await desk.tell(DELETED, DELETED)
    assert [Vetoed, PersonErased] == [type(one) for one in told]
    person = person_named(f"hash of {USER}")
    expected = PersonErased(user_id=USER, person=person, deleted_at=T0, erased_at=T0 + SECOND + CLOCKS_MS)
    assert [expected] == erased(told)


async def test_a_later_deletion_is_told_again(desk: Desk) -> None:
    """What came between, or what an operator doubts, goes as well."""
    told = await desk.tell(REGISTERED, PLANNED, DELETED, replace(DELETED, changed_at=T0 + 1))
    assert [T0, T0 + 1] == [one.deleted_at for one in erased(told)]


async def test_names_in_audiences_are_forgotten(desk: Desk) -> None:
    user = "yandex_uid:4001"
    told = await desk.tell(replace(DELETED, known_as=[user]))
    assert ViewerForgotten(bucket=bucket_of(user), user=user) == told[-1]


async def test_so_are_those_of_a_deletion_that_is_no_news(desk: Desk) -> None:
    """The service's own is in, with a later time of another clock. Mutation: names go with the news only."""
    user = "yandex_uid:4001"
    told = await desk.tell(DELETED, replace(DELETED, changed_at=T0 - 1, known_as=[user]))
    assert [ViewerForgotten(bucket=bucket_of(user), user=user)] == told[2:]
    assert [] == await desk.tell(replace(REGISTERED, changed_at=T0 + DAY, known_as=[user]))


@pytest.mark.spec("NS-SEC-OP-02")
async def test_a_request_that_waits_ends_and_so_does_its_timer(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    told = await desk.tell(DELETED)
    assert [RequestDecided, RequestOff, Vetoed, PersonErased] == [type(one) for one in told]
    assert ("cancelled", "user_erased", "contacts.deleted", None) == (
        decision(told).outcome,
        decision(told).reason,
        decision(told).rule,
        decision(told).value,
    )
    off = RequestOff(origin=due.request.origin, waited_for=due.waited_for, due_at=due.due_at)
    assert off == told[1]
    desk.now = due.due_at - 30 * DAY
    assert [] == await desk.tell(due)


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [("schedule", "scheduled"), ("nobody", "contact"), ("night", "quiet_hours"), ("service", "account")],
)
async def test_the_row_of_what_waits_names_its_timer(desk: Desk, waiting: str, expected: str) -> None:
    if waiting not in {"nobody", "service"}:
        await desk.tell(REGISTERED)
    request = PLANNED if waiting == "schedule" else replace(REQUEST, lane="normal")
    if waiting == "night":
        told = await desk.tell(chosen(kind="quiet_hours_changed", quiet=NIGHT))
        assert [PreferenceRow] == [type(one) for one in told]
    answered = await desk.tell(request)
    if waiting == "service":
        desk.outside = rebuilt(desk.outside, account_terms=AccountTerms())
        (call,) = await desk.tell(request := replace(request, origin="t/0/8", idempotency_key="2"))
        assert isinstance(call, ContactsAsked)
        answered = await desk.tell(ContactsAnswered(call=call, verdict="away"))
    due = timer(answered)
    assert expected == due.waited_for
    off = timer_of(decision(answered))
    assert off == RequestOff(origin=request.origin, waited_for=expected, due_at=due.due_at)


async def test_an_id_that_is_used_again_after_an_erasure_can_be_cancelled(desk: Desk) -> None:
    """Mutation: rows of the erased life count as waiting: the cancel finds that it was taken back already."""
    await desk.tell(REGISTERED, PLANNED, DELETED)
    desk.now = T0 + DAY
    back = replace(REGISTERED, changed_at=desk.now)
    again = replace(PLANNED, occurred_at=desk.now, received_at=desk.now, origin="t/0/9", idempotency_key="2")
    await desk.tell(back, again)
    (pending, ends_at) = next(iter(desk.pending.rows.values()))
    assert (["t/0/9"], True, None) == ([row.origin for row in pending.waiting], pending.waits, ends_at)


async def test_a_request_from_before_reaches_nobody_even_after_a_new_registration(desk: Desk) -> None:
    """It may have lain in a lane that lags. Mutation: contacts as they are now: it is sent."""
    again = replace(REGISTERED, changed_at=T0 + DAY)
    await desk.tell(REGISTERED, replace(DELETED, changed_at=T0 + SECOND), again)
    old = await desk.tell(REQUEST)
    new = await desk.tell(replace(REQUEST, occurred_at=T0 + DAY, idempotency_key="order-2"))
    assert ("no_contact", 1) == (decision(old).reason, len(tasks(new)))


@pytest.mark.spec("NS-SEC-OP-02")
async def test_a_choice_from_before_does_not_come_back(desk: Desk) -> None:
    """Facts travel on two topics. Mutation: it is taken in, and a consent of an erased user is in force."""
    await desk.tell(REGISTERED, DELETED)
    assert [] == await desk.tell(*CHOSEN)
    known = desk.preferences.get(subject_key(USER))
    assert known is not None
    assert known.is_blank


async def test_a_deletion_older_than_the_registration_ends_only_what_came_before(desk: Desk) -> None:
    later = chosen(kind="type", notification_type="order_confirmation", channels=["email"], changed_at=T0)
    await desk.tell(replace(REGISTERED, changed_at=T0), *CHOSEN, later)
    told = await desk.tell(replace(DELETED, changed_at=T0 - SECOND))
    assert [Vetoed, PersonErased] == [type(one) for one in told]
    assert [(T0 - SECOND, T0 - SECOND)] == [(one.deleted_at, one.erased_at) for one in erased(told)]
    known = desk.known()
    assert known is not None
    assert not known.is_deleted
    assert known.email is not None


async def test_nor_is_a_choice_of_before_in_force_for_one_who_is_back_already(desk: Desk) -> None:
    """Mutation: a consent of the erased user is, in the table and for what waits."""
    later = chosen(kind="unsubscribed", channel="sms", changed_at=T0)
    await desk.tell(replace(REGISTERED, changed_at=T0), *CHOSEN, later)
    told = await desk.tell(replace(DELETED, changed_at=T0 - SECOND))
    (veto,) = [one for one in told if isinstance(one, Vetoed)]
    known = desk.preferences.get(subject_key(USER))
    assert known is not None
    assert ({}, {}, ["sms"]) == (known.types, known.consents, list(known.unsubscribed))
    assert ("choices", known.version, {}, known.unsubscribed) == (
        veto.scope,
        veto.version,
        veto.consents,
        veto.unsubscribed,
    )


async def test_nothing_waits_for_the_morning_of_a_user_who_is_gone(desk: Desk) -> None:
    """Mutation: quiet hours come first, and his data wait in a timer."""
    order = replace(desk.outside.reference.types[0], quiet_hours="12:00-18:00")
    desk.outside.reference.types[0] = order
    told = await desk.tell(REGISTERED, DELETED, replace(REQUEST, lane="normal"))
    assert ("skipped", "no_contact") == (decision(told[2:]).outcome, decision(told[2:]).reason)
    plan = FallbackPlanned(
        request=replace(REQUEST, lane="normal"),
        message_ids=["m"],
        channels=["email"],
        after_ms=1,
        planned_at=T0,
        expires_at=T0 + DAY,
    )
    (row,) = await desk.tell(FallbackGranted(plan=plan))
    assert isinstance(row, RequestDecided)


async def test_an_answer_about_a_deleted_user_does_not_keep_him(desk: Desk) -> None:
    """Mutation: the row of his deletion stays for ever."""
    desk.outside = rebuilt(desk.outside, account_terms=AccountTerms())
    (call,) = await desk.tell(REQUEST)
    assert isinstance(call, ContactsAsked)
    await desk.tell(REGISTERED, DELETED)
    await desk.tell(ContactsAnswered(call=call, verdict="found", email=b"sealed:anna@example.com"))
    assert b"anna" not in kept(desk)
    assert T0 + KEEP_MS == desk.contacts.rows[subject_key(USER)][1]
