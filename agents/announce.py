"""What others are told: events of `notification.events` (NS-EVT-020, NS-EVT-021, NS-EVT-OP-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.tally import METRIC_OF
from schemas.ids import NOBODY
from schemas.records import NotificationEvent
from schemas.times import period_start, rfc3339
from schemas.words import Outcome, Reason
from tables.preferences import ALL_MARKETING

if TYPE_CHECKING:
    from schemas.records import MessageQueued, RequestDecided, Unsubscribed
    from tables.progress import Progress
    from tables.standing import Fact


def announce(before: Progress | None, after: Progress) -> list[NotificationEvent]:
    """One event for each status a message shows for the first time, if it counts.

    A delivery told after its opening counts and is told; a bounce after the delivery does neither. A
    failure that was told before the sending is told with it.
    """
    old, new = before.standing if before else {}, after.standing
    told = after.counts() if new.keys() - old.keys() else {}
    return [_event(after, fact) for status, fact in new.items() if status in told and status not in old]


def _event(after: Progress, fact: Fact) -> NotificationEvent:
    message = after.queued
    return NotificationEvent(
        event_type=f"notification.{fact.status}",
        message_id=message.message_id,
        user_id=NOBODY if after.is_erased else message.user_id,
        channel_type=message.channel,
        timestamp=_text(fact.at),
        data={
            **_origin(message),
            "variant": message.variant,
            "is_test": message.is_test,
            "provider_name": fact.provider,
            "attempt": fact.attempt,
            "reason": fact.reason,
        },
    )


def announce_request(decided: RequestDecided) -> list[NotificationEvent]:
    """One event, under the request's id, for a request that became no message; none for an accepted one."""
    outcome = Outcome(decided.outcome)
    word = METRIC_OF.get(outcome)
    if word is None:
        return []
    reason = decided.reason or (Reason.DUPLICATE if outcome is Outcome.REPEATED else None)
    event = NotificationEvent(
        event_type=f"notification.{word}",
        message_id=decided.request_id,
        user_id=decided.user_id,
        channel_type=None,
        timestamp=_text(decided.decided_at),
        data={**_origin(decided), "provider_name": None, "attempt": None, "reason": reason},
    )
    return [event]


def announce_unsubscribe(told: Unsubscribed) -> NotificationEvent:
    """The event of a user who left; its message id is that of the change itself."""
    return NotificationEvent(
        event_type="notification.unsubscribed",
        message_id=told.event_id,
        user_id=told.user_id,
        channel_type=None if told.channel == ALL_MARKETING else told.channel,
        timestamp=_text(told.at),
        data={
            **dict.fromkeys(
                ("request_id", "source", "idempotency_key", "notification_type", "campaign_id", "variant")
            ),
            "campaign_label": told.campaign,
            "is_test": False,
            "provider_name": None,
            "attempt": None,
            "reason": told.reason,
        },
    )


def _text(at: int) -> str:
    """Whole seconds, the form of NS-EVT-021."""
    return rfc3339(period_start(at, 1000))


def _origin(record: MessageQueued | RequestDecided) -> dict[str, Any]:
    """By what the requesting service knows its own request again."""
    return {
        "request_id": record.request_id,
        "source": record.source,
        "idempotency_key": record.idempotency_key,
        "notification_type": record.notification_type,
        "campaign_id": record.campaign_id,
        "campaign_label": record.campaign_label,
        "variant": None,
        "is_test": False,
    }
