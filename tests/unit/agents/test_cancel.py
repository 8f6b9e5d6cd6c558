"""A request taken back: before it came, while it waits, after it went."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agents.intake import intake
from schemas.records import CancelAsked, CancelRequest, Vetoed
from schemas.times import rfc3339
from tables.pending import NOTED_MS
from tests.fakes import FakeEvent, FakeStream, MemoryReference, PlainCipher
from tests.requests import DAY, REGISTERED, REQUEST, SECOND, T0, USER, Desk, decision, ending, tasks, timer

CANCEL = CancelAsked(
    request_id=REQUEST.request_id,
    source="shop",
    user_id=USER,
    asked_at=T0 + SECOND,
    received_at=T0 + SECOND,
    origin="notification.cancel.request/0/3",
)
PLANNED = replace(REQUEST, scheduled_at=T0 + DAY * 30)
TAKEN_BACK = ("cancelled", "cancelled_by_sender", "cancel", rfc3339(T0 + SECOND))
NOTED = ("noted", "nothing_waits", "cancel", rfc3339(T0 + SECOND))


def place(row: object) -> tuple[object, ...]:
    """What a row of `notification_requests` is found by."""
    return tuple(getattr(row, name) for name in ("request_id", "received_at", "origin"))


async def test_a_request_that_waits_is_cancelled_in_its_own_row_at_once(desk: Desk) -> None:
    waiting = await desk.tell(REGISTERED, PLANNED)
    answered = await desk.tell(CANCEL)
    assert TAKEN_BACK == ending(answered)
    assert place(decision(waiting)) == place(decision(answered))
    assert ("order_confirmation", "order-1", "transactional") == (
        decision(answered).notification_type,
        decision(answered).idempotency_key,
        decision(answered).category,
    )


async def test_what_was_cancelled_is_not_sent_when_its_time_comes(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    await desk.tell(CANCEL)
    desk.now = due.due_at
    assert [] == await desk.tell(due)


async def test_a_cancel_is_kept_as_long_as_its_request_waits(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    await desk.tell(CANCEL)
    desk.now = due.due_at + 2 * NOTED_MS
    assert [] == await desk.tell(due)


async def test_a_cancel_that_comes_first_ends_the_request_as_it_comes(desk: Desk) -> None:
    assert NOTED == ending(await desk.tell(REGISTERED, CANCEL))
    assert TAKEN_BACK == ending(await desk.tell(REQUEST))
    assert "repeated" == decision(await desk.tell(replace(REQUEST, origin="t/0/9"))).outcome


async def test_a_request_that_waits_for_an_address_can_be_cancelled(desk: Desk) -> None:
    due = timer(await desk.tell(REQUEST))
    assert TAKEN_BACK == ending(await desk.tell(CANCEL, REGISTERED))
    desk.now = due.due_at
    assert [] == await desk.tell(due)


async def test_what_went_to_its_channels_stays_sent_and_the_cancel_has_a_row(desk: Desk) -> None:
    sent = await desk.tell(REGISTERED, REQUEST)
    assert tasks(sent)
    late = await desk.tell(CANCEL)
    assert NOTED == ending(late)
    assert place(decision(sent)) != place(decision(late))


async def test_after_its_release_nothing_waits(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    desk.now = due.due_at
    assert tasks(await desk.tell(due))
    assert {} == desk.pending.rows
    assert NOTED == ending(await desk.tell(CANCEL))


@pytest.mark.parametrize("changed", [{"source": "kiosk"}, {"user_id": REQUEST.request_id}])
async def test_nobody_cancels_what_another_asked_for(desk: Desk, changed: dict[str, str]) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    assert NOTED == ending(await desk.tell(replace(CANCEL, **changed)))
    desk.now = due.due_at
    assert tasks(await desk.tell(due))


async def test_a_second_cancel_changes_nothing_and_is_told_to_delivery_only(desk: Desk) -> None:
    later = replace(CANCEL, asked_at=T0 + DAY, origin="notification.cancel.request/0/4")
    await desk.tell(PLANNED, CANCEL)
    assert [Vetoed] == [type(one) for one in await desk.tell(later)]
    other = replace(CANCEL, request_id="r-9")
    await desk.tell(other)
    assert [Vetoed] == [type(one) for one in await desk.tell(replace(later, request_id="r-9"))]


async def test_two_requests_of_one_id_are_cancelled_both_and_stay_so(desk: Desk) -> None:
    """Producers may send one id twice. Mutation tried: one row for the last of them: fails (one is sent)."""
    late = replace(PLANNED, idempotency_key="other", scheduled_at=T0 + 60 * DAY, origin="t/0/9")
    first, second = timer(await desk.tell(REGISTERED, PLANNED)), timer(await desk.tell(late))
    *cancelled, _ = await desk.tell(CANCEL)
    assert ["cancelled", "cancelled"] == [ending([one])[0] for one in cancelled]
    desk.now = first.due_at
    assert [] == await desk.tell(first)
    desk.now = second.due_at
    assert [] == await desk.tell(second)


async def test_the_release_of_one_leaves_the_other_to_be_cancelled(desk: Desk) -> None:
    late = replace(PLANNED, idempotency_key="other", scheduled_at=T0 + 60 * DAY, origin="t/0/9")
    first, second = timer(await desk.tell(REGISTERED, PLANNED)), timer(await desk.tell(late))
    desk.now = first.due_at
    assert tasks(await desk.tell(first))
    assert TAKEN_BACK[:2] == ending(await desk.tell(CANCEL))[:2]
    desk.now = second.due_at
    assert [] == await desk.tell(second)


async def test_a_note_does_not_end_a_later_use_of_the_same_id(desk: Desk) -> None:
    """A key is free again after its window. Mutation tried: whatever its time: fails."""
    later = replace(REQUEST, occurred_at=T0 + 2 * DAY, idempotency_key="2", origin="t/0/9")
    await desk.tell(REGISTERED, CANCEL)
    desk.now = T0 + 2 * DAY
    assert tasks(await desk.tell(later))
    planned = replace(later, idempotency_key="3", origin="t/0/10", scheduled_at=T0 + 5 * DAY)
    due = timer(await desk.tell(planned))
    again = replace(CANCEL, asked_at=desk.now, origin="notification.cancel.request/0/5")
    assert "cancelled" == ending(await desk.tell(again))[0]
    desk.now = due.due_at
    assert [] == await desk.tell(due)


async def test_a_note_of_a_cancel_ends_by_itself(desk: Desk) -> None:
    await desk.tell(CANCEL)
    ((_, expires_at),) = desk.pending.rows.values()
    assert T0 + NOTED_MS == expires_at


async def test_a_waiting_request_that_nobody_kept_a_row_of_is_cancelled_at_its_time(desk: Desk) -> None:
    due = timer(await desk.tell(REGISTERED, PLANNED))
    desk.pending.rows.clear()  # as an earlier version left it
    desk.now = due.due_at - DAY
    await desk.tell(CANCEL)
    desk.now = due.due_at
    assert TAKEN_BACK == ending(await desk.tell(due))


async def test_the_intake_takes_a_cancel_over_with_its_source() -> None:
    asked = CancelRequest(request_id=REQUEST.request_id.upper(), user_id=USER)
    event = FakeEvent(asked, b"any", T0 + SECOND, {"source": b"shop"}, CANCEL.origin)
    stream = FakeStream([event], T0 + SECOND)
    found = [one async for one in intake(stream, MemoryReference(), PlainCipher())]
    assert [CANCEL] == found


async def test_a_cancel_of_what_was_decided_is_told_to_delivery(desk: Desk) -> None:
    made = tasks(await desk.tell(REGISTERED, REQUEST))
    (veto,) = [one for one in await desk.tell(CANCEL) if isinstance(one, Vetoed)]
    assert {(veto.user_id, veto.source, veto.request_id)} == {
        (task.user_id, task.source, task.request_id) for task in made
    }
    assert all(task.created_at <= veto.at for task in made)
