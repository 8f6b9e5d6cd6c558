"""A request of a flow that is held waits for an admin, and comes back as what it was."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from agents.admit import end_of
from schemas.records import CancelAsked, ContactChanged, RequestDecided, RequestFreed, RequestQuarantined
from tests.fakes import MemoryOutside
from tests.requests import (
    DAY,
    ORDER,
    REGISTERED,
    REQUEST,
    RESET,
    SECOND,
    T0,
    USER,
    Desk,
    ending,
    messages,
    reference,
    timer,
)

FREED = RequestFreed(request=REQUEST)
REJECTED = RequestFreed(request=REQUEST, is_rejected=True)
CANCEL = CancelAsked(
    request_id=REQUEST.request_id, source=REQUEST.source, user_id=USER, asked_at=T0, received_at=T0
)


@dataclass(frozen=True)
class Held:
    """Everything of one service and type is held."""

    flow: tuple[str, str]

    def is_held(self, source: str, notification_type: str) -> bool:
        return self.flow == (source, notification_type)


def holding(code: str = ORDER.code) -> Desk:
    flow = (REQUEST.source, code)
    return Desk(outside=MemoryOutside(reference=reference(), flows=Held(flow)))


@pytest.mark.spec("NS-SEC-OP-07")
async def test_it_goes_to_the_quarantine_unchanged_and_its_row_says_so() -> None:
    desk = holding()
    aside, row = await desk.tell(REQUEST)
    assert RequestQuarantined(request=REQUEST, expires_at=end_of(REQUEST, ORDER)) == aside
    assert ("waiting", "quarantined", "quarantine", "shop") == ending([row])


async def test_another_service_and_a_mandatory_type_pass() -> None:
    """Mutation tried: by the type alone: fails."""
    desk = holding()
    await desk.tell(REGISTERED)
    assert messages(await desk.tell(replace(REQUEST, source="other")))
    desk = holding(RESET.code)
    await desk.tell(REGISTERED)
    code = replace(REQUEST, notification_type=RESET.code, data=b'{"Code":"1"}')
    assert messages(await desk.tell(code))


@pytest.mark.spec("NS-SND-OP-11")
async def test_its_key_is_remembered_for_the_whole_window_from_its_release_on() -> None:
    """A repeat two minutes after the release was sent again. Mutation: from its coming on."""
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    desk.now += DAY - SECOND
    await desk.tell(FREED)
    desk.now += DAY
    repeat = replace(REQUEST, request_id="second", origin="t/0/9", occurred_at=desk.now)
    assert ("repeated", "duplicate") == ending(await desk.tell(repeat))[:2]


@pytest.mark.spec("NS-SEC-OP-07 NS-SND-OP-11")
async def test_a_freed_one_is_carried_out_once_and_is_no_repeat_of_itself() -> None:
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    repeat = replace(REQUEST, request_id="second", origin="t/0/9")
    assert ("repeated", "duplicate") == ending(await desk.tell(repeat))[:2]
    assert 1 == len(messages(await desk.tell(FREED)))
    assert "repeated" == ending(await desk.tell(repeat))[0]
    assert {} == desk.pending.rows


async def test_one_whose_time_is_over_is_told_as_expired() -> None:
    desk = holding()
    await desk.tell(REQUEST)
    desk.now = end_of(REQUEST, ORDER)
    assert ("expired", "too_late") == ending(await desk.tell(FREED))[:2]


@pytest.mark.spec("NS-SEC-OP-07")
async def test_one_that_nobody_released_is_not_sent_though_it_comes_back_before_its_end() -> None:
    """By a clock that is behind, or for a type that may be older by now. Mutation: judged anew."""
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    desk.now = end_of(REQUEST, ORDER) - 50
    over = RequestFreed(request=REQUEST, is_expired=True)
    assert ("expired", "too_late", "quarantine", "shop") == ending(await desk.tell(over))
    assert {} == desk.pending.rows


@pytest.mark.spec("NS-SEC-OP-07")
async def test_one_that_was_rejected_says_so() -> None:
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    expected = ("rejected", "quarantine_rejected", "quarantine", "shop")
    assert expected == ending(await desk.tell(REJECTED))
    assert {} == desk.pending.rows


async def test_a_cancel_finds_what_is_held_and_it_is_told_once() -> None:
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    assert "cancelled" == ending(await desk.tell(CANCEL))[0]
    assert [] == await desk.tell(FREED)


async def test_one_that_was_for_later_waits_for_its_time_when_it_is_freed() -> None:
    """Mutation tried: it is sent at once: fails."""
    later = replace(REQUEST, scheduled_at=T0 + DAY)
    desk = holding()
    await desk.tell(REGISTERED, later)
    due = timer(await desk.tell(RequestFreed(request=later)))
    assert (T0 + DAY, "scheduled") == (due.due_at, due.waited_for)
    desk.now = T0 + DAY
    assert messages(await desk.tell(due))


async def test_nothing_is_sent_to_whoever_was_erased_meanwhile() -> None:
    desk = holding()
    await desk.tell(REGISTERED, REQUEST)
    gone = ContactChanged(user_id=USER, action="deleted", changed_at=T0 + SECOND)
    rows = [one for one in await desk.tell(gone) if isinstance(one, RequestDecided)]
    assert [("cancelled", "user_erased")] == [(row.outcome, row.reason) for row in rows]
    assert [] == await desk.tell(FREED)
