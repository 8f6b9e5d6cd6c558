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
from tables.erased import KEEP_MS
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


async def walked(kept: Any, *dues: Any) -> int:
    """All steps of the walks; how many there were."""
    waiting, steps = list(dues), 0
    while waiting:
        waiting += [one for one in await settled(kept, waiting.pop()) if isinstance(one, ErasureDue)]
        steps += 1
    return steps


async def test_the_erasure_goes_on_to_the_rows_and_a_walk_begins() -> None:
    kept = memory()
    told, *dues = await settled(kept, ERASED)
    assert ERASED == told
    assert {("progress", b""), ("waits", b"")} == {(due.table, due.after) for due in dues}  # type: ignore[union-attr]
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
    assert [USER] == [one.user_id for one in outcomes if isinstance(one, NotificationEvent)]
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
    row, event = (await settled(memory(), ERASED, late))[3:5]
    assert isinstance(row, RequestDecided)
    assert (NOBODY, "", None, "skipped") == (row.user_id, row.idempotency_key, row.value, row.outcome)
    assert isinstance(event, NotificationEvent)
    assert USER == event.user_id


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
    assert [PersonErased, ErasureDue, ErasureDue] == [type(one) for one in again]
    assert before == kept.progress.rows
