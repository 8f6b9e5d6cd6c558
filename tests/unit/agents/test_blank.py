"""The status stage and an erased user: what is said of his messages later is nobody's (NS-SEC-OP-02)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from agents import blank
from agents.settle import Memory, Outcome, settle
from schemas.codec import encode
from schemas.ids import NOBODY, subject_key
from schemas.records import (
    ErasureDue,
    FallbackPlanned,
    MessageRow,
    NotificationEvent,
    PersonErased,
    RequestDecided,
    StatsPartial,
    StatusLogged,
)
from tables.erased import CLOCKS_MS, KEEP_MS
from tables.waits import Wait
from tables.waits import key_of as wait_key
from tests.fakes import FakeEvent, FakeStream, MemoryTable
from tests.messages import DAY, DECIDED, QUEUED, SECOND, T0, fact
from tests.requests import REQUEST

USER = QUEUED.user_id
ERASED = PersonErased(user_id=USER, person=NOBODY[:-1] + "1", deleted_at=T0, erased_at=T0 + SECOND)
BOUNCED = replace(
    fact("failed", T0 + DAY), detail="no mailbox anna@example.com", provider_message_id="anna-1"
)


def memory() -> Any:
    return Memory(MemoryTable(), MemoryTable(), MemoryTable())


async def settled(kept: Memory, *values: Any, at: int = T0 + SECOND) -> list[Outcome]:
    stream = FakeStream([FakeEvent(value, at=at) for value in values], now=at)
    return [outcome async for outcome in settle(stream, kept)]


async def walked(kept: Any, *dues: Any, at: int = T0 + SECOND) -> int:
    """All steps of the walks, each in its turn; how many there were."""
    waiting, steps = list(dues), 0
    while waiting:
        told = await settled(kept, waiting.pop(0), at=at)
        waiting += [one for one in told if isinstance(one, ErasureDue)]
        steps += 1
    return steps


async def test_the_erasure_goes_on_to_the_rows_and_a_walk_begins() -> None:
    kept = memory()
    told, due = await settled(kept, ERASED)
    assert ERASED == told
    assert isinstance(due, ErasureDue)
    assert ("progress", b"", T0 + SECOND) == (due.table, due.after, due.due_at)
    assert T0 + SECOND + KEEP_MS == kept.erased.rows[subject_key(USER)][1]


@pytest.mark.spec("NS-SEC-OP-02")
async def test_what_a_provider_says_later_is_nobodys() -> None:
    """Mutation: facts as they come: the address is back."""
    kept = memory()
    await settled(kept, QUEUED, ERASED)
    outcomes = await settled(kept, BOUNCED)
    row = next(one for one in outcomes if isinstance(one, MessageRow))
    line = next(one for one in outcomes if isinstance(one, StatusLogged))
    assert (NOBODY, b"", b"{}", "", None, None, "failed", 2) == (
        row.user_id,
        row.recipient,
        row.payload,
        row.idempotency_key,
        row.detail,
        row.provider_message_id,
        row.status,
        row.version,
    )
    assert {"attempt", "epoch", "provider"} == json.decode(line.details).keys()
    assert [1] == [one.counts["failed"] for one in outcomes if isinstance(one, StatsPartial)][:1]
    assert [NOBODY] == [one.user_id for one in outcomes if isinstance(one, NotificationEvent)]
    assert b"anna" not in b"".join(encode(value) for value, _ in kept.progress.rows.values())


async def test_a_message_that_comes_behind_the_erasure_is_nobodys() -> None:
    outcomes = await settled(memory(), ERASED, QUEUED)
    row = next(one for one in outcomes if isinstance(one, MessageRow))
    assert (NOBODY, b"", b"{}") == (row.user_id, row.recipient, row.payload)


async def test_a_message_of_a_later_life_is_his() -> None:
    later = replace(QUEUED, created_at=ERASED.erased_at + 1)
    outcomes = await settled(memory(), ERASED, later)
    assert [USER] == [one.user_id for one in outcomes if isinstance(one, MessageRow)]


async def test_a_request_of_the_erased_life_has_a_row_of_nobody() -> None:
    late = replace(DECIDED, outcome="skipped", reason="no_contact", value="anna")
    row, event = (await settled(memory(), ERASED, late))[2:4]
    assert isinstance(row, RequestDecided)
    assert (NOBODY, "", None, "skipped") == (row.user_id, row.idempotency_key, row.value, row.outcome)
    assert isinstance(event, NotificationEvent)
    assert (NOBODY, "") == (event.user_id, event.data["idempotency_key"])


async def test_events_of_the_erased_life_are_nobodys_and_of_the_next_his() -> None:
    """Mutation: the event says what was decided, not what its row says."""
    kept = memory()
    for at, user_id in ((T0, NOBODY), (ERASED.erased_at + 1, USER)):
        queued = replace(QUEUED, message_id=f"m{at}", created_at=at)
        sent = replace(fact("sent", at), message_id=queued.message_id, created_at=at)
        told = await settled(kept, ERASED, queued, sent)
        assert {user_id} == {one.user_id for one in told if isinstance(one, NotificationEvent)}


async def test_the_rest_of_a_walk_comes_behind_what_is_due_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation: each step has the time of the first: it goes before every wait for a receipt."""
    monkeypatch.setattr(blank, "STEP", 1)
    kept = memory()
    due = (await settled(kept, QUEUED, replace(QUEUED, message_id="m2"), ERASED))[-1]
    assert isinstance(due, ErasureDue)
    (rest,) = await settled(kept, due, at=T0 + DAY)
    assert replace(due, after=QUEUED.message_id.encode(), due_at=T0 + DAY, begun_at=T0 + DAY) == rest


async def test_one_walk_is_for_all_who_were_erased_before_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation: a walk looks for its own user only, or the others walk as well."""
    monkeypatch.setattr(blank, "STEP", 1)
    kept, users = memory(), [f"user-{n}" for n in range(3)]
    await settled(kept, *(replace(QUEUED, message_id=f"m{n}", user_id=user) for n, user in enumerate(users)))
    dues = [(await settled(kept, replace(ERASED, user_id=user)))[1] for user in users]
    later = T0 + DAY
    (rest,) = await settled(kept, dues[0], at=later)
    waiting = await settled(kept, *dues[1:], at=later)
    assert [replace(one, due_at=later + blank.TURN_MS) for one in dues[1:]] == waiting
    assert 4 == await walked(kept, rest, at=later)
    assert [True] * 3 == [row.is_erased for row, _ in kept.progress.rows.values()]
    assert {subject_key(user) for user in users} == set(kept.erased.rows)
    assert [] == await settled(kept, *waiting, at=later + blank.TURN_MS)


async def test_a_walk_whose_timer_is_lost_holds_nobody_back_for_good() -> None:
    """Mutation: what is owed stays as long as the erasure: nobody's messages are looked for in 125 days."""
    kept, late = memory(), replace(ERASED, user_id="user-2")
    due = (await settled(kept, late, at=T0 + 2 * SECOND))[1]
    await settled(kept, ERASED)
    for day in range(1, 8):
        kept.erased.now = T0 + day * DAY
        (due,) = await settled(kept, due, at=kept.erased.now)
    assert ("progress", 0) == (due.table, due.begun_at)  # type: ignore[union-attr]
    kept.erased.now = T0 + 7 * DAY + 2 * SECOND
    (due,) = await settled(kept, due, at=kept.erased.now)
    assert ("waits", kept.erased.now) == (due.table, due.begun_at)  # type: ignore[union-attr]


async def test_who_was_erased_after_a_walk_began_has_one_of_his_own() -> None:
    """So has one of just before, by another worker's clock. Mutation: it is for all who wait at its end."""
    kept = memory()
    asked = [T0, T0 + DAY - CLOCKS_MS, T0 + DAY + 1]
    dues = [
        (await settled(kept, replace(ERASED, user_id=f"user-{n}"), at=at))[1] for n, at in enumerate(asked)
    ]
    (rest,) = await settled(kept, dues[0], at=T0 + DAY)
    assert [] == await settled(kept, rest, at=T0 + 2 * DAY)
    others = await settled(kept, *dues[1:], at=T0 + 2 * DAY)
    assert [("user-1", "waits"), ("user-2", "progress")] == [(one.user_id, one.table) for one in others]  # type: ignore[union-attr]
    await walked(kept, *others, at=T0 + 2 * DAY)
    assert {subject_key(f"user-{n}") for n in range(3)} == set(kept.erased.rows)


@pytest.mark.parametrize("step", [1, 2, 500])
@pytest.mark.spec("NS-SEC-OP-02")
async def test_the_walk_blanks_his_messages_and_no_others(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutation: the rest of a full step is not asked for: fails."""
    monkeypatch.setattr(blank, "STEP", step)
    kept = memory()
    his = [replace(QUEUED, message_id=f"m{n}") for n in range(5)]
    others = [replace(QUEUED, message_id=f"n{n}", user_id="user-2") for n in range(3)]
    later = replace(QUEUED, message_id="m9", created_at=ERASED.erased_at + 1)
    await settled(kept, *his, *others, later)
    _, *dues = await settled(kept, ERASED)
    steps = await walked(kept, *dues)
    found = {
        key.decode(): (value.is_erased, value.queued.recipient)
        for key, (value, _) in kept.progress.rows.items()
    }
    blanked = dict.fromkeys([one.message_id for one in his], (True, b""))
    alike = dict.fromkeys([*(one.message_id for one in others), "m9"], (False, QUEUED.recipient))
    assert {**blanked, **alike} == found
    assert 2 + 9 // step == steps
    assert {subject_key(USER)} == set(kept.erased.rows)


async def test_nobody_waits_for_receipts_of_an_erased_user() -> None:
    kept = memory()
    request = replace(REQUEST, user_id=USER)
    plan = FallbackPlanned(
        request=request, message_ids=["m"], channels=["push"], after_ms=1, planned_at=T0, expires_at=T0 + DAY
    )
    other = replace(plan, request=replace(request, user_id="user-2"))
    for one in (plan, other):
        kept.waits.put(wait_key(one.request), Wait.of(one))
    _, *dues = await settled(kept, ERASED)
    await walked(kept, *dues)
    assert {wait_key(other.request)} == set(kept.waits.rows)


async def test_an_erasure_that_comes_again_changes_nothing_but_is_told_on() -> None:
    kept = memory()
    await settled(kept, QUEUED, ERASED)
    before = dict(kept.progress.rows)
    again = await settled(kept, replace(ERASED, erased_at=T0))
    assert ERASED.erased_at == kept.erased.get(subject_key(USER)).at
    assert [PersonErased, ErasureDue] == [type(one) for one in again]
    assert before == kept.progress.rows
