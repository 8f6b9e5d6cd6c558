"""A sender takes his request back: what waits ends at once; what was decided stays as it is, and is told.

consumes  a cancel, or a request that comes or comes back, and what is pending under its id
asks      which campaigns were withdrawn: of them nothing is made any more (CRM-OP-03)
keeps     nothing
emits     the row of the request as cancelled, or a row of the cancel that found nothing waiting
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.admit import Ended
from schemas.records import RequestDecided
from schemas.times import rfc3339
from schemas.words import Lane, Outcome, Reason
from tables.pending import Pending

if TYPE_CHECKING:
    from agents.ports import Reference
    from schemas.records import CancelAsked, RequestReceived

RULE, WITHDRAWN = "cancel", "campaigns.withdrawn"


def cancel(asked: CancelAsked, known: Pending | None, now: int) -> tuple[Pending, list[RequestDecided]]:
    """What is pending from now on, and the row; a second cancel of what is cancelled changes nothing."""
    before = known or Pending()
    after = before.cancelled(asked.asked_at)
    if before.cancelled_at is not None:
        return after, []
    return after, [ended(row, asked.asked_at, now) for row in before.waiting] or [noted(asked, now)]


def ended(waiting: RequestDecided, asked_at: int, now: int) -> RequestDecided:
    """The row of a request that waited, in its end."""
    verdict = taken_back(asked_at)
    return replace(
        waiting,
        decided_at=now,
        outcome=verdict.outcome,
        reason=verdict.reason,
        rule=verdict.rule,
        value=verdict.value,
    )


def called_off(request: RequestReceived, known: Pending | None, reference: Reference) -> Ended | None:
    """How a request ends that its sender took back, or whose campaign was withdrawn; None: it goes on."""
    if known is not None and known.cancelled_at is not None and known.forbids(request.occurred_at):
        return taken_back(known.cancelled_at)
    label = request.campaign_label
    if label is not None and reference.is_withdrawn(label):
        return Ended(Outcome.CANCELLED, Reason.CAMPAIGN_WITHDRAWN, WITHDRAWN, label)
    return None


def taken_back(asked_at: int) -> Ended:
    """How a cancelled request ends; the value says when it was taken back."""
    return Ended(Outcome.CANCELLED, Reason.CANCELLED_BY_SENDER, RULE, rfc3339(asked_at))


def noted(asked: CancelAsked, now: int) -> RequestDecided:
    """A row of the cancel itself: what it was to end was decided before, or ends when it comes."""
    return RequestDecided(
        request_id=asked.request_id,
        source=asked.source,
        idempotency_key="",
        user_id=asked.user_id,
        notification_type="",
        category=None,
        lane=Lane.HIGH,
        received_at=asked.received_at,
        decided_at=now,
        outcome=Outcome.NOTED,
        reason=Reason.NOTHING_WAITS,
        rule=RULE,
        value=rfc3339(asked.asked_at),
        origin=asked.origin,
    )


def is_told(known: Pending, request: RequestReceived) -> bool:
    """Whether this very request was told as cancelled already, when the cancel came."""
    return any(row.origin == request.origin for row in known.waiting)
