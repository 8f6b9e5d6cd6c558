"""What delivery has to say about a message: `AttemptEnded`, whose id follows from what it tells.

The id takes message, attempt, epoch, wait, provider (and whether it was only asked) and status: two different
facts never share one, and a replay of the same fact never makes a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.ids import derived
from schemas.records import AttemptEnded
from schemas.words import Status

if TYPE_CHECKING:
    from schemas.records import CallEnded, SendTask

RETRYING = "retrying"  # logged, moves no status


def ended(call_ended: CallEnded, now: int, status: str, reason: str | None = None) -> AttemptEnded:
    """A fact about a call that was made, as of `now` (ms)."""
    call = call_ended.call
    return replace(
        _fact(call.task, now, status, f"{call.provider}?" if call.ask else call.provider),
        reason=reason,
        detail=call_ended.detail,
        provider=call.provider,
        provider_message_id=call_ended.provider_message_id,
        cost=call.cost if status == Status.SENT else None,
    )


def unbegun(task: SendTask, now: int, status: str, reason: str) -> AttemptEnded:
    """A fact about an attempt that was not begun: its number is that of the attempt before, 0 for none."""
    return replace(_fact(task, now, status, ""), reason=reason, attempt=task.attempt - 1)


def _fact(task: SendTask, now: int, status: str, asked_of: str) -> AttemptEnded:
    turn = (str(task.attempt), str(task.epoch), str(task.waits))
    return AttemptEnded(
        event_id=derived("attempt", task.message_id, *turn, asked_of, status),
        message_id=task.message_id,
        request_id=task.request_id,
        user_id=task.user_id,
        channel=task.channel,
        lane=task.lane,
        notification_type=task.notification_type,
        category=task.category,
        source=task.source,
        idempotency_key=task.idempotency_key,
        created_at=task.created_at,
        status=status,
        at=now,
        attempt=task.attempt,
        epoch=task.epoch,
    )
