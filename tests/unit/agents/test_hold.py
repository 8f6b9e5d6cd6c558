"""What waits for the morning, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from agents.begin import Moment, begin
from schemas.quiet import NEVER, quiet_until
from schemas.records import (
    AttemptEnded,
    PreferenceChanged,
    ProviderCall,
    QuietHours,
    RequestReceived,
    RetryDue,
    Vetoed,
)
from schemas.times import parse_rfc3339, rfc3339
from tests.fakes import MemoryOutside, MemoryReference
from tests.messages import TASK
from tests.requests import (
    DAY,
    ORDER,
    REGISTERED,
    REQUEST,
    TEMPLATES,
    Desk,
    chosen,
    decision,
    ending,
    messages,
    tasks,
    timer,
)

EVENING = parse_rfc3339("2026-03-28T21:30:00Z")  # 22:30 in Berlin; clocks change at night
MORNING = parse_rfc3339("2026-03-29T06:00:00Z")
NIGHT = QuietHours(start=22 * 60, end=8 * 60, timezone="Europe/Berlin")
WANTED = chosen(kind="quiet_hours_changed", quiet=NIGHT)
ASKED = replace(REQUEST, lane="normal", occurred_at=EVENING, received_at=EVENING)
RULE = "preferences.quiet_hours"


def desk(**fields: Any) -> Desk:
    kind = replace(ORDER, **fields)
    return Desk(MemoryOutside(MemoryReference(types=[kind], templates=list(TEMPLATES))), now=EVENING)


@pytest.mark.spec("NS-OPS-OP-13")
async def test_a_message_waits_for_the_morning_and_says_why_it_is_late() -> None:
    one = desk()
    held = await one.tell(REGISTERED, WANTED, ASKED)
    due = timer([each for each in held if not hasattr(each, "event_id")])
    assert (MORNING, "quiet_hours") == (due.due_at, due.waited_for)
    assert ("waiting", "quiet_hours", RULE, rfc3339(MORNING)) == ending(held)
    one.now = MORNING
    sent = await one.tell(due)
    assert ("accepted", None) == ending(sent)[:2]
    assert ["quiet_hours"] == [each.reason for each in messages(sent)]
    assert [NIGHT] == [each.quiet for each in tasks(sent)]


async def test_in_the_day_nothing_waits_and_the_message_knows_the_night() -> None:
    one = desk()
    one.now = MORNING
    (task,) = tasks(await one.tell(REGISTERED, WANTED, replace(ASKED, occurred_at=MORNING)))
    assert NIGHT == task.quiet


@pytest.mark.parametrize(
    ("asked", "fields"), [(replace(ASKED, lane="high"), {}), (ASKED, {"is_mandatory": True})]
)
async def test_what_is_urgent_or_mandatory_wakes_people(
    asked: RequestReceived, fields: dict[str, Any]
) -> None:
    (task,) = tasks(await desk(**fields).tell(REGISTERED, WANTED, asked))
    assert task.quiet is None


@pytest.mark.spec("NS-OPS-122")
async def test_a_type_has_quiet_hours_of_its_own_in_the_users_zone() -> None:
    zoned = replace(REGISTERED, timezone="Europe/Berlin")
    held = await desk(quiet_hours="22:00-09:00").tell(zoned, ASKED)
    assert ("waiting", "quiet_hours", "type.quiet_hours", "2026-03-29T07:00:00Z") == ending(held)


@pytest.mark.spec("NS-EVT-OP-08")
async def test_without_a_zone_that_of_the_settings_holds() -> None:
    """UTC: 21:30 is not 22:00."""
    assert "accepted" == ending(await desk(quiet_hours="22:00-09:00").tell(REGISTERED, ASKED))[0]


@pytest.mark.parametrize(
    ("hours", "outcome"), [(NEVER, "accepted"), (None, "waiting"), (replace(NIGHT, start=1439), "accepted")]
)
async def test_the_users_word_wins_over_the_types(hours: QuietHours | None, outcome: str) -> None:
    zoned = replace(REGISTERED, timezone="Europe/Berlin")
    choice = chosen(kind="quiet_hours_changed", quiet=hours)
    answered = await desk(quiet_hours="22:00-09:00").tell(zoned, choice, ASKED)
    assert outcome == decision(answered).outcome


async def test_what_would_be_too_late_in_the_morning_ends_at_once() -> None:
    answered = await desk(ttl_s=3600).tell(REGISTERED, WANTED, ASKED)
    assert ("expired", "quiet_hours", RULE, rfc3339(MORNING)) == ending(answered)


async def test_what_nobody_wants_does_not_wait() -> None:
    off = chosen(kind="type", notification_type=ORDER.code, is_enabled=False)
    answered = await desk().tell(REGISTERED, WANTED, off, ASKED)
    assert "type_disabled" == decision(answered).reason


async def test_what_the_user_switches_off_at_night_does_not_come_in_the_morning() -> None:
    one = desk()
    held = await one.tell(REGISTERED, WANTED, ASKED)
    due = timer([each for each in held if not hasattr(each, "event_id")])
    one.now = MORNING
    off = chosen(kind="type", notification_type=ORDER.code, is_enabled=False, changed_at=EVENING + 1)
    assert "type_disabled" == decision(await one.tell(off, due)).reason


async def test_quiet_hours_forbid_nothing_and_the_newest_count() -> None:
    one = desk()
    told = await one.tell(WANTED, replace(WANTED, quiet=NEVER, changed_at=WANTED.changed_at - 1))
    assert [] == [each for each in told if isinstance(each, Vetoed)]
    (known,) = [row for row, _ in one.preferences.rows.values()]
    assert known.quiet is not None
    assert NIGHT == known.quiet.hours


def test_a_message_that_waited_into_the_night_waits_on() -> None:
    """Mutation: `begin` does not look. A backlog or a retry would ring at three in the morning."""
    task = replace(TASK, quiet=NIGHT, created_at=EVENING - 3600, expires_at=EVENING + DAY, attempt=2)
    fact, later = begin(task, Moment(EVENING, ["mail"]))
    assert isinstance(fact, AttemptEnded)
    assert ("retrying", "quiet_hours", rfc3339(MORNING), 1) == (
        fact.status,
        fact.reason,
        fact.detail,
        fact.attempt,
    )
    assert isinstance(later, RetryDue)
    assert (MORNING, 2, 1) == (later.due_at, later.task.attempt, later.task.waits)
    assert [ProviderCall] == [type(each) for each in begin(later.task, Moment(MORNING, ["mail"]))]
    (again, _) = begin(later.task, Moment(EVENING + 1, ["mail"]))
    assert isinstance(again, AttemptEnded)
    assert fact.event_id != again.event_id


def test_a_message_whose_time_ends_at_night_is_looked_at_then() -> None:
    task = replace(TASK, quiet=NIGHT, created_at=EVENING, expires_at=EVENING + 1000)
    _, later = begin(task, Moment(EVENING, ["mail"]))
    assert isinstance(later, RetryDue)
    assert EVENING + 1000 == later.due_at
    (end,) = begin(later.task, Moment(later.due_at, ["mail"]))
    assert isinstance(end, AttemptEnded)
    assert "expired" == end.status


def test_the_sample_night_is_one() -> None:
    assert MORNING == quiet_until(NIGHT, EVENING)
    assert isinstance(WANTED, PreferenceChanged)
