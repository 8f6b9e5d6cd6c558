"""Nobody is disturbed in his quiet hours: what may wait is held until they end.

consumes  a request about to become messages, its type, the user's choices, his time zone
keeps     nothing
emits     None, `Later` until the end, or `Ended` when that is too late for the request

Mandatory types and the high lane pass. The user's own hours win over the type's (NS-OPS-OP-13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from agents.admit import Ended, Later
from schemas.quiet import hours_of, quiet_until, zone
from schemas.times import rfc3339
from schemas.words import Lane, Outcome, Reason, WaitedFor

if TYPE_CHECKING:
    from agents.answer import Case
    from schemas.records import QuietHours


class Spared(NamedTuple):
    """Quiet hours with a time zone, and the rule that says so."""

    hours: QuietHours
    rule: str


def hold(case: Case, usual_zone: str) -> Later | Ended | None:
    """What quiet hours make of a request now."""
    spared = quiet_of(case, usual_zone)
    until = quiet_until(spared.hours, case.now) if spared else None
    if spared is None or until is None:
        return None
    if until >= case.admitted.expires_at:
        return Ended(Outcome.EXPIRED, Reason.QUIET_HOURS, spared.rule, rfc3339(until))
    return Later(until, WaitedFor.QUIET_HOURS, spared.rule)


def quiet_of(case: Case, usual_zone: str) -> Spared | None:
    """The quiet hours that the messages of a request keep."""
    spared = _stated(case)
    if spared is None:
        return None
    names = (spared.hours.timezone, case.contacts.timezone if case.contacts else None)
    name = next((name for name in names if zone(name)), usual_zone)
    return Spared(replace(spared.hours, timezone=name), spared.rule)


def needs_zone(case: Case) -> bool:
    """Whether the user's own time zone decides when his quiet hours are."""
    spared = _stated(case)
    return spared is not None and zone(spared.hours.timezone) is None


def _stated(case: Case) -> Spared | None:
    """The hours with the time zone that was named beside them, if one was."""
    kind = case.admitted.kind
    if kind.is_mandatory or case.request.lane == Lane.HIGH:
        return None
    chosen = case.preferences.quiet if case.preferences else None
    hours, rule = (chosen.hours if chosen else None), "preferences.quiet_hours"
    if hours is None and kind.quiet_hours is not None:
        hours, rule = hours_of(kind.quiet_hours), "type.quiet_hours"
    return None if hours is None or hours.start == hours.end else Spared(hours, rule)
