"""After a call that was to send: what each verdict of a provider leads to (NS-SND-OP-12, NS-SND-OP-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from msgspec.structs import replace

from agents.begin import Moment, Outcomes, begin, given_up, next_provider, repeat, unserved
from agents.report import RETRYING, ended
from agents.retry import backoff_ms, pause_ms
from schemas.device_words import DeviceAction
from schemas.records import AttemptEnded, CallEnded, DeviceChanged, ProviderCall, RetryDue, SendTask
from schemas.words import Reason, Status, UnknownPolicy, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable


def accepted(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The provider has it."""
    return [ended(call_ended, moment.now, Status.SENT)]


def delivered(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The provider has it and so has the user."""
    now = moment.now
    return [ended(call_ended, now, Status.SENT), ended(call_ended, now, Status.DELIVERED)]


def exhausted(call_ended: CallEnded, now: int, last: str) -> AttemptEnded:
    """No more attempts after failing for now; `last` is the last error's reason.

    Where an earlier call may have arrived it is not this provider that may have the message.
    """
    detail = f"{last}: {call_ended.detail}" if call_ended.detail else last
    status, reason = given_up(call_ended.call.task)
    fact = replace(ended(call_ended, now, status, reason), detail=detail)
    return replace(fact, provider=None) if status is Status.UNKNOWN else fact


def _refused(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The provider will not take it. A device that it knows no longer gets no more (NS-CH-066)."""
    task, reason = call_ended.call.task, call_ended.reason or Reason.PROVIDER_REFUSED
    failed = ended(call_ended, moment.now, Status.FAILED, reason)
    if reason != Reason.UNREGISTERED_DEVICE or task.device_id is None:
        return [failed]
    gone = DeviceChanged(
        user_id=task.user_id,
        device_id=task.device_id,
        action=DeviceAction.REFUSED,
        changed_at=moment.now,
    )
    return [failed, gone]


def _failed_for_now(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The attempt is spent. First the other providers, then the timer, while attempts and time last."""
    task = call_ended.call.task
    reason = call_ended.reason or Reason.PROVIDER_UNAVAILABLE
    if task.attempt >= task.max_attempts:
        return [exhausted(call_ended, moment.now, reason)]
    next_step = _other_or_later(_spent(call_ended, moment.now), moment)
    if next_step is None:
        return [exhausted(call_ended, moment.now, reason)]
    return [ended(call_ended, moment.now, RETRYING, reason), next_step]


def _spent(call_ended: CallEnded, now: int) -> SendTask:
    """The task after an attempt; who says when to come back is left alone until then (ms)."""
    task, name, after_ms = call_ended.call.task, call_ended.call.provider, call_ended.retry_after_ms
    spent = replace(task, attempt=task.attempt + 1, tried=[*task.tried, name])
    if after_ms is None:
        return spent
    until = now + pause_ms(task.message_id, task.attempt, after_ms)
    return replace(spent, not_before={**task.not_before, name: until})


def _misconfigured(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """No attempt is spent: the next provider, or the timer if another one only failed for now."""
    task = call_ended.call.task
    reason = call_ended.reason or Reason.PROVIDER_MISCONFIGURED
    barred = replace(task, barred=[*task.barred, call_ended.call.provider])
    if moment.spent is not None:
        return [unserved(barred, moment)]
    if all(name in barred.barred for name in moment.providers):
        return [ended(call_ended, moment.now, Status.FAILED, reason)]
    next_step = _other_or_later(barred, moment)
    if next_step is None:
        return [exhausted(call_ended, moment.now, reason)]
    return [ended(call_ended, moment.now, RETRYING, reason), next_step]


def _other_or_later(task: SendTask, moment: Moment) -> ProviderCall | RetryDue | None:
    """The next provider of this pass, else a timer for the next pass, else None: the expiry comes first."""
    provider = next_provider(task, moment)
    if provider is not None and moment.now < task.expires_at:
        return ProviderCall(task=task, provider=provider)
    told = (task.not_before.get(name, 0) for name in moment.providers if name not in task.barred)
    due_at = max(moment.now + backoff_ms(task.message_id, task.passes), min(told, default=0))
    if due_at >= task.expires_at:
        return None
    return RetryDue(task=replace(task, passes=task.passes + 1, tried=[]), due_at=due_at)


def _limited(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """Wait for the provider's budget; no attempt is spent."""
    task = call_ended.call.task
    reason = call_ended.reason or Reason.PROVIDER_LIMITED
    due_at = moment.now + pause_ms(task.message_id, task.waits, call_ended.retry_after_ms)
    if due_at >= task.expires_at:
        failed = ended(call_ended, moment.now, Status.FAILED, reason)
        return [replace(failed, detail="the limit lasts beyond the expiry")]
    later = RetryDue(task=replace(task, waits=task.waits + 1), due_at=due_at)
    return [ended(call_ended, moment.now, RETRYING, reason), later]


def _hidden(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """Nobody knows whether it was sent: list it, then follow the type's policy."""
    unknown = ended(call_ended, moment.now, Status.UNKNOWN, Reason.ANSWER_HIDDEN)
    match UnknownPolicy(call_ended.call.task.unknown_policy):
        case UnknownPolicy.HOLD:
            return [replace(unknown, reason=Reason.HELD)]
        case UnknownPolicy.ASK:
            return [unknown, replace(call_ended.call, ask=True)]
        case UnknownPolicy.REPEAT:
            again = repeat(call_ended.call.task, moment)
            return [unknown, *again] if again else [replace(unknown, reason=Reason.NOT_REPEATED)]
        case policy:
            assert_never(policy)


def _lapsed(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """It was never begun: begin again, same attempt, same epoch."""
    return begin(call_ended.call.task, moment)


REACTIONS: dict[Verdict, Callable[[CallEnded, Moment], Outcomes]] = {
    Verdict.ACCEPTED: accepted,
    Verdict.DELIVERED: delivered,
    Verdict.TEMPORARY: _failed_for_now,
    Verdict.PERMANENT: _refused,
    Verdict.LIMITED: _limited,
    Verdict.MISCONFIGURED: _misconfigured,
    Verdict.HIDDEN: _hidden,
    Verdict.LAPSED: _lapsed,
}
