"""Where Account Service, quiet hours and limits meet: who is asked first, and which word is told."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.ask_account import AccountTerms
from agents.ports import Rules
from schemas.records import ContactsAnswered, ContactsAsked, QuietHours
from schemas.times import parse_rfc3339, rfc3339
from tables.caps import Limits
from tests.fakes import MemoryOutside, MemoryReference
from tests.requests import (
    ORDER,
    REGISTERED,
    REQUEST,
    SECOND,
    TEMPLATES,
    Desk,
    chosen,
    decision,
    ending,
    messages,
    tasks,
    timer,
)

EVENING = parse_rfc3339("2026-03-28T21:30:00Z")  # 22:30 in Berlin, and in no zone of the settings yet 22:00
MORNING = parse_rfc3339("2026-03-29T07:00:00Z")
ASKED = replace(REQUEST, lane="normal", occurred_at=EVENING, received_at=EVENING, language="ru")
BERLIN = {"timezone": "Europe/Berlin"}


def desk(limits: Limits | None = None, **fields: Any) -> Desk:
    """A stage with an Account Service to ask, and one type."""
    book = MemoryReference(types=[replace(ORDER, **fields)], templates=list(TEMPLATES))
    rules = Rules(limits=limits or Limits())
    return Desk(MemoryOutside(book, rules=rules, account_terms=AccountTerms()), now=EVENING)


def said(call: Any, verdict: str = "found", **contacts: Any) -> ContactsAnswered:
    assert isinstance(call, ContactsAsked)
    return ContactsAnswered(call=call, verdict=verdict, **contacts)


async def test_the_time_zone_that_no_event_told_is_asked_for_before_quiet_hours_are_looked_at() -> None:
    """Mutations: `_missing` leaves the zone out; `allowed` holds before it asks."""
    one = desk(quiet_hours="22:00-09:00")
    (call,) = await one.tell(REGISTERED, ASKED)
    held = await one.tell(said(call, **BERLIN))
    assert ("waiting", "quiet_hours", "type.quiet_hours", rfc3339(MORNING)) == ending(held)


async def test_a_zone_beside_the_hours_or_none_that_matters_is_not_asked_for() -> None:
    """Mutation: the zone is always missing."""
    hours = QuietHours(start=22 * 60, end=9 * 60, timezone="Europe/London")
    named = chosen(kind="quiet_hours_changed", quiet=hours)
    assert "accepted" == decision(await desk().tell(REGISTERED, named, ASKED)).outcome
    urgent = replace(ASKED, lane="high")
    assert "accepted" == decision(await desk(quiet_hours="22:00-09:00").tell(REGISTERED, urgent)).outcome


async def test_what_waited_for_the_morning_and_then_for_an_answer_still_says_why_it_is_late() -> None:
    """Mutation: `resume` does not know for what the request waited."""
    one = desk(quiet_hours="22:00-09:00")
    (call,) = await one.tell(REGISTERED, ASKED)
    due = timer(await one.tell(said(call, **BERLIN)))
    one.now = MORNING
    (again,) = await one.tell(due)
    assert ContactsAsked(request=ASKED, waited_for="quiet_hours") == again
    sent = await one.tell(said(again, **BERLIN))
    assert ["quiet_hours"] == [each.reason for each in messages(sent)]
    assert ["Europe/Berlin"] == [task.quiet and task.quiet.timezone for task in tasks(sent)]


async def test_while_the_service_is_away_the_zone_of_the_settings_holds() -> None:
    one = desk(quiet_hours="22:00-09:00")
    (call,) = await one.tell(REGISTERED, ASKED)
    assert ("accepted", "account_away") == ending(await one.tell(said(call, "away")))[:2]


async def test_messages_sent_after_an_answer_count_and_the_limit_is_told_first() -> None:
    """Mutations: `resume` counts nothing; `account_away` hides `over_limit`, which is an alarm."""
    one = desk(Limits(per_day=1), is_mandatory=True)
    told = []
    for number, verdict in enumerate(("found", "away")):
        named = {"request_id": f"r{number}", "idempotency_key": f"k{number}", "origin": f"t/0/{number}"}
        asked = replace(ASKED, language=None, **named)
        (call,) = await one.tell(replace(REGISTERED, language=None), asked)
        told.append(ending(await one.tell(said(call, verdict)))[:2])
        one.now += 901 * SECOND
    assert [("accepted", None), ("accepted", "over_limit")] == told
