"""What waits for a time, over a kill: a planned request, and attempts that failed for now."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.times import rfc3339
from tests.broker.house.book import known, phone, user
from tests.broker.house.house import House, Sent

LATER, NEVER = "planned", "always-refused"
PHONES = {LATER: phone(401), NEVER: phone(402)}
AHEAD_MS = 5_000
ATTEMPTS = 6
BACKOFF_MS = 3_000
"""One second after the first pass, two after the second."""
ENDED = """
select m.status, m.status_reason as reason, m.attempts from notification_messages m
where m.idempotency_key = $1
    and (m.status in ('sent', 'failed', 'expired') or m.status_reason = 'not_repeated')
"""


@dataclass(frozen=True, slots=True)
class Waited:
    """`due_at`: ms. `rows` by name; `calls` of the ledger by name."""

    due_at: int
    rows: dict[str, Any]
    calls: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def waited(house: House) -> Waited:
    """Both requests, the worker killed while the one waits and the other is tried again and again."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(_ended(house))


async def _ended(house: House) -> Waited:
    await house.script(fault="refuse", word="unavailable", channel="sms", recipient=PHONES[NEVER])
    await house.send(*(Sent("user.events", known(who, phone=PHONES[who]), user(who)) for who in PHONES))
    await house.read_by("intake", "recipient")
    await house.send(_asked(NEVER, "hidden_repeat", priority="high"))
    await house.called(PHONES[NEVER], 2)
    due_at = int(time.time() * 1000) + AHEAD_MS
    await house.send(_asked(LATER, "hidden_repeat", scheduled_at=rfc3339(due_at)))
    await house.read_by("intake", "recipient")
    house.worker.signal(signal.SIGKILL)
    await house.worker.ended()
    house.worker.start()
    rows = {who: (await house.rows(ENDED, [f"timer-{who}"], 1))[0] for who in PHONES}
    calls = {who: [row for row in house.ledger if row["recipient"] == PHONES[who]] for who in PHONES}
    return Waited(due_at, rows, calls)


def _asked(who: str, kind: str, **more: Any) -> Sent:
    value = {
        "user_id": user(who),
        "notification_type": kind,
        "data": {"Text": who},
        "idempotency_key": f"timer-{who}",
    }
    return Sent("notification.send.request", value | more, user(who))


@pytest.mark.spec("NS-SND-OP-01")
def test_a_planned_request_is_sent_once_and_not_before_its_time_over_a_kill(waited: Waited) -> None:
    assert "sent" == waited.rows[LATER]["status"]
    (call,) = waited.calls[LATER]
    assert call["at"] >= waited.due_at


@pytest.mark.spec("NS-SND-050 NS-OPS-043")
def test_retries_wait_on_timers_and_end_with_the_last_attempt_over_a_kill(waited: Waited) -> None:
    """Both providers are tried in each pass; a call that the kill made ambiguous is an attempt too.

    A call hidden by the kill is repeated under the next epoch, and one that never left is in no ledger.
    """
    row, calls = waited.rows[NEVER], waited.calls[NEVER]
    hidden = calls[-1]["epoch"]
    end = ("unknown", "not_repeated") if hidden else ("failed", "attempts_exhausted")
    assert (*end, ATTEMPTS) == (row["status"], row["reason"], row["attempts"])
    assert hidden in (0, 1)
    assert ATTEMPTS - hidden <= len(calls) <= ATTEMPTS
    assert {"sms-main", "sms-reserve"} == {call["account"] for call in calls}
    assert [] == [call for call in calls if call["taken"]]
    assert calls[-1]["at"] - calls[0]["at"] >= BACKOFF_MS
