"""Requests of a flow that is held go to the quarantine, and come back out of it (NS-SEC-OP-07).

consumes  a request that is taken for the first time, or one that was freed
keeps     nothing; agents/suspend.py notes it in `pending`, where cancels and erasures find it
emits     RequestQuarantined with the row that says why it waits; what admits a freed one, or ends it

Its key is remembered by then, so a repeat is one while the first still waits. What is mandatory passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents import answer
from agents.admit import Admitted, Ended, Later, admit_again, end_of
from schemas.records import RequestQuarantined
from schemas.words import Outcome, Reason, WaitedFor
from tables.requests import Taken, key_of, remembered_until

if TYPE_CHECKING:
    from typing import Protocol

    from agents.ports import Flows, Table
    from schemas.records import NotificationType, RequestDecided, RequestFreed, RequestReceived

    class Outside(answer.Outside, Protocol):
        """The ports of the recipient stage, that of holds among them."""

        @property
        def flows(self) -> Flows: ...


RULE = "quarantine"


def is_diverted(request: RequestReceived, kind: NotificationType, flows: Flows) -> bool:
    """Whether it waits for an admin."""
    return not kind.is_mandatory and flows.is_held(request.source, request.notification_type)


def divert(
    request: RequestReceived, kind: NotificationType, now: int
) -> list[RequestQuarantined | RequestDecided]:
    """The request as it came, still sealed, and its row; the rule's value is whose flow is held."""
    waits = Ended(Outcome.WAITING, Reason.QUARANTINED, RULE, request.source)
    aside = RequestQuarantined(request=request, expires_at=end_of(request, kind))
    return [aside, answer.decided(request, kind, now, waits)]


def renew(requests: Table[bytes, Taken], request: RequestReceived, kind: NotificationType, now: int) -> None:
    """Its key is remembered for as long as that of one that is taken now (NS-SND-OP-11)."""
    key = key_of(request)
    taken = requests.get(key) or Taken(request_id=request.request_id, taken_at=request.received_at)
    requests.put(key, taken, expires_at=remembered_until(request, kind, now))


def readmit(freed: RequestFreed, kind: NotificationType | None, now: int) -> Admitted | Ended | Later:
    """It waited: it may be rejected, too old by now, or its own time is still to come.

    One that nobody released is never sent: not by a clock that is behind, nor by a `ttl_s` that was raised.
    """
    if freed.is_rejected:
        return Ended(Outcome.REJECTED, Reason.QUARANTINE_REJECTED, RULE, freed.request.source)
    if freed.is_expired:
        return Ended(Outcome.EXPIRED, Reason.TOO_LATE, RULE, freed.request.source)
    verdict = admit_again(freed.request, kind, now)
    scheduled_at = freed.request.scheduled_at
    if isinstance(verdict, Admitted) and scheduled_at is not None and scheduled_at > now:
        return Later(scheduled_at, WaitedFor.SCHEDULED)
    return verdict
