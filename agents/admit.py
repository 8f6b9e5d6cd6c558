"""First answer to a request: may it be carried out at all, and now.

consumes  a request, its type, and what is remembered under its key
keeps     nothing
emits     `Admitted`, `Ended` or `Later`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from schemas.words import Outcome, Reason, WaitedFor

if TYPE_CHECKING:
    from schemas.records import NotificationType, RequestReceived
    from tables.requests import Taken


OF_TOPIC = "topic:"
"""How an allowed sender begins that is a topic: whoever may write there."""


class Admitted(msgspec.Struct, frozen=True):
    """Go on. `expires_at` in ms: nothing of it may be sent later (NS-EVT-OP-03)."""

    kind: NotificationType
    expires_at: int


class Ended(msgspec.Struct, frozen=True):
    """The request ends here; `rule` and `value` say what decided."""

    outcome: Outcome
    reason: Reason | None
    rule: str
    value: str


class Later(msgspec.Struct, frozen=True):
    """The request comes back at `due_at` (ms); `rule`: what makes it wait, where that is not one thing."""

    due_at: int
    waited_for: WaitedFor
    rule: str | None = None


def admit(  # noqa: PLR0911 - a list of checks, each with its answer
    request: RequestReceived, kind: NotificationType | None, first: Taken | None, now: int
) -> Admitted | Ended | Later:
    """Decide in this order: times, type, sender, age, repeat, schedule (NS-SEC-OP-06, NS-SND-OP-11)."""
    if request.problem is not None:
        return Ended(Outcome.REJECTED, Reason(request.problem), "request.scheduled_at", "")
    if kind is None:
        return Ended(Outcome.REJECTED, Reason.UNKNOWN_TYPE, "types", request.notification_type)
    if kind.allowed_senders and not _is_allowed(request, kind.allowed_senders):
        return Ended(Outcome.REJECTED, Reason.SENDER_NOT_ALLOWED, "type.allowed_senders", request.source)
    verdict = admit_again(request, kind, now)
    if isinstance(verdict, Ended):
        return verdict
    if first is not None:
        reason = Reason.DUPLICATE if first.asked_the_same(request) else Reason.KEY_REUSED
        return Ended(Outcome.REPEATED, reason, "requests", first.request_id)
    if request.scheduled_at is not None and request.scheduled_at > now:
        return Later(request.scheduled_at, WaitedFor.SCHEDULED)
    return verdict


def _is_allowed(request: RequestReceived, allowed: list[str]) -> bool:
    """By the sender's own word, or by the topic where the brokers let him write: that he cannot make up."""
    if request.source in allowed and not request.source.startswith(OF_TOPIC):
        return True
    return OF_TOPIC + request.origin.rsplit("/", 2)[0] in allowed


def admit_again(request: RequestReceived, kind: NotificationType | None, now: int) -> Admitted | Ended:
    """Of a request that waited: its type may be gone by now, and its time may be over."""
    if kind is None:
        return Ended(Outcome.REJECTED, Reason.UNKNOWN_TYPE, "types", request.notification_type)
    expires_at = end_of(request, kind)
    if now >= expires_at:
        return Ended(Outcome.EXPIRED, Reason.TOO_LATE, "type.ttl_s", str(kind.ttl_s))
    return Admitted(kind, expires_at)


def end_of(request: RequestReceived, kind: NotificationType) -> int:
    """When its time is over (ms)."""
    return max(request.occurred_at, request.scheduled_at or 0) + kind.ttl_s * 1000
