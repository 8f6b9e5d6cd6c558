"""Receipts of a message, in any order and any number of times, end in the same state (NS-SND-OP-07)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.settle import Memory, settle
from schemas.receipts import STATUSES, ReceiptKind
from schemas.records import ContactChanged, PreferenceChanged, ReceiptHeard
from schemas.words import RANK, Status
from tables.progress import Progress
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, QUEUED, SECOND, T0, fact
from tests.property.test_progress import KEY, RECEIVED, Told

RECEIPTS = st.lists(
    st.builds(
        lambda kind, at, provider: ReceiptHeard(
            event_id=f"{kind}@{at}@{provider}",
            message_id=QUEUED.message_id,
            kind=kind,
            at=T0 + at,
            provider=provider,
        ),
        kind=st.sampled_from(list(ReceiptKind)),
        at=st.integers(-SECOND, 9 * DAY),
        provider=st.sampled_from(["first", "second"]),
    ),
    max_size=8,
    unique_by=lambda heard: heard.event_id,
)
ATTEMPTS = [fact("sent", T0 + SECOND), fact("unknown", T0 + 2)]
COURSES = RECEIPTS.flatmap(
    lambda heard: st.tuples(st.just(heard), st.permutations([*ATTEMPTS, *heard, *heard]))
)


def course(said: list[Any]) -> tuple[Progress | None, set[tuple[str, int]], Told]:
    """The end, and what the recipient stage was told."""
    told = Told([[QUEUED], *([each] for each in said)])
    asked = {
        (type(one).__name__, one.changed_at)
        for one in told.outcomes
        if isinstance(one, PreferenceChanged | ContactChanged)
    }
    return told.table.get(KEY), asked, told


@pytest.mark.spec("NS-SND-OP-07 NS-STAT-OP-01")
@given(COURSES)
def test_any_order_and_any_number_of_times_is_one_state(drawn: tuple[list[ReceiptHeard], list[Any]]) -> None:
    heard, said = drawn
    straight, mixed = course([*ATTEMPTS, *heard]), course(said)
    assert straight[:2] == mixed[:2]
    assert straight[2].sums() == mixed[2].sums()


@given(RECEIPTS)
def test_a_status_never_goes_back_and_only_people_move_it(heard: list[ReceiptHeard]) -> None:
    """That it failed only the one may say who took it."""
    sent = ATTEMPTS[0]
    told = course([sent, *heard])[2]
    ranks = [RANK[Status(row.status)] for row in told.rows()]
    assert sorted(ranks) == ranks
    said = [(STATUSES[ReceiptKind(one.kind)][0], one.provider) for one in heard if one.kind in STATUSES]
    moving = [status for status, who in said if status is not Status.FAILED or who == sent.provider]
    assert max(RANK[status] for status in (Status.SENT, *moving)) == ranks[-1]


@given(RECEIPTS)
def test_a_batch_is_as_good_as_many(heard: list[ReceiptHeard]) -> None:
    memory = Memory(MemoryTable(), MemoryTable(), MemoryTable())

    async def at_once() -> None:
        stream = FakeStream([FakeEvent(said, at=RECEIVED) for said in (QUEUED, *heard)], now=RECEIVED)
        async for _ in settle(stream, memory):
            pass

    asyncio.run(at_once())
    assert course(list(heard))[0] == memory.progress.get(KEY)


def test_a_bounce_is_told_once_for_each_event() -> None:
    bounce = ReceiptHeard(
        event_id="b", message_id=QUEUED.message_id, kind="bounced", at=T0 + 1, provider="first"
    )
    found = course([bounce, bounce, replace(bounce, event_id="c", at=T0 + 2)])[1]
    assert {("ContactChanged", T0 + 1), ("ContactChanged", T0 + 2)} == found
