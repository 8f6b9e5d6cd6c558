"""Before a call: is the message still wanted, and which provider takes it (NS-SND-019, NS-SND-044)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.report import RETRYING, unbegun
from agents.retry import backoff_ms, patience_ms
from schemas.quiet import quiet_until
from schemas.records import AttemptEnded, DeviceChanged, ProviderCall, RetryDue, SendTask
from schemas.times import rfc3339
from schemas.words import Reason, Status, UnknownPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Outcome = ProviderCall | RetryDue | AttemptEnded | DeviceChanged
Outcomes = list[Outcome]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision may look at beside its input: the clock (ms) and the providers that serve, in order.

    paused  those of them that are left alone because they failed, and until when (ms)
    nobody  why there is none, where there is none
    spent   the budget that has no room for any of them, where that is why
    """

    now: int
    providers: Sequence[str]
    paused: Mapping[str, int] = field(default_factory=dict)
    nobody: Reason = Reason.NO_PROVIDER
    spent: str | None = None


def begin(task: SendTask, moment: Moment) -> Outcomes:
    """Call the next provider, unless the message is too old or nobody is left to call."""
    if moment.now >= task.expires_at:
        return [_too_late(task, moment.now)]
    until = quiet_until(task.quiet, moment.now) if task.quiet else None
    if until is not None:
        return _held(task, moment.now, until)
    if not moment.providers:
        return [unserved(task, moment)]
    provider = _anyone(task, moment)
    if provider is not None:
        return [ProviderCall(task=task, provider=provider)]
    resumes_at = soonest(task, moment)
    if resumes_at is None:
        return [unbegun(task, moment.now, Status.FAILED, Reason.PROVIDER_MISCONFIGURED)]
    return _left_alone(task, moment.now, resumes_at)


def next_provider(task: SendTask, moment: Moment) -> str | None:
    """First that is not left alone, that this pass has not tried and that has not refused our credentials."""
    out = {*task.tried, *task.barred, *left_alone(task, moment)}
    return next((name for name in moment.providers if name not in out), None)


def _anyone(task: SendTask, moment: Moment) -> str | None:
    """The next provider of this pass, else the first of a new one."""
    return next_provider(task, moment) or next_provider(replace(task, tried=[]), moment)


def left_alone(task: SendTask, moment: Moment) -> dict[str, int]:
    """Providers that no call should go to yet, and until when (ms): their breaker says so, or they did."""
    told = ((name, task.not_before.get(name, 0)) for name in moment.providers)
    until = {name: max(at, moment.paused.get(name, 0)) for name, at in told}
    return {name: at for name, at in until.items() if at > moment.now}


def soonest(task: SendTask, moment: Moment) -> int | None:
    """When the first of those that are left alone may be called again (ms); None: none of them would do."""
    found = left_alone(task, moment)
    return min((until for name, until in found.items() if name not in task.barred), default=None)


def repeat(task: SendTask, moment: Moment) -> Outcomes:
    """The next attempt under the next epoch, so that a provider does not take it for the hidden one.

    The first repeat follows at once, the others after a backoff: a provider that hangs may have taken each.
    Empty when attempts, time or providers do not allow it. One that is left alone may be waited for.
    """
    provider = _anyone(task, moment)
    begins_at = moment.now if provider else soonest(task, moment)
    if begins_at is None or task.attempt >= task.max_attempts:
        return []
    due_at = max(begins_at, moment.now + (backoff_ms(task.message_id, task.epoch - 1) if task.epoch else 0))
    if due_at >= task.expires_at:
        return []
    again = replace(task, attempt=task.attempt + 1, epoch=task.epoch + 1)
    if provider is None or task.epoch:
        return [RetryDue(task=again, due_at=due_at)]
    return [ProviderCall(task=again, provider=provider)]


def given_up(task: SendTask) -> tuple[Status, Reason]:
    """How a message ends of which no attempt succeeded: one whose answer stayed hidden may have arrived.

    Under `ask` the next epoch begins only when the provider never had the one before.
    """
    if task.epoch and task.unknown_policy == UnknownPolicy.REPEAT:
        return Status.UNKNOWN, Reason.NOT_REPEATED
    return Status.FAILED, Reason.ATTEMPTS_EXHAUSTED


def unserved(task: SendTask, moment: Moment) -> AttemptEnded:
    """Where money is spent, not sending is intended (NS-SND-OP-06), unless an attempt may have arrived."""
    if moment.spent is None:
        return unbegun(task, moment.now, Status.FAILED, moment.nobody)
    may_have_arrived = task.epoch and task.unknown_policy == UnknownPolicy.REPEAT
    status = Status.UNKNOWN if may_have_arrived else Status.SKIPPED
    return replace(unbegun(task, moment.now, status, moment.nobody), detail=moment.spent)


def _held(task: SendTask, now: int, until: int) -> Outcomes:
    """It was made before the quiet hours, or waited into them; no attempt is spent."""
    fact = replace(unbegun(task, now, RETRYING, Reason.QUIET_HOURS), detail=rfc3339(until))
    later = replace(task, waits=task.waits + 1)
    return [fact, RetryDue(task=later, due_at=min(until, task.expires_at))]


def _left_alone(task: SendTask, now: int, resumes_at: int) -> Outcomes:
    """Every provider failed lately. It waits until one may be called, or for its end; no attempt is spent."""
    wait = patience_ms(task.message_id, task.waits, resumes_at - now, task.expires_at - now)
    due_at = min(now + wait, task.expires_at)
    fact = replace(unbegun(task, now, RETRYING, Reason.PROVIDER_PAUSED), detail=rfc3339(due_at))
    return [fact, RetryDue(task=replace(task, waits=task.waits + 1), due_at=due_at)]


def _too_late(task: SendTask, now: int) -> AttemptEnded:
    """Nothing sent yet is an intended non-sending; after an attempt it is a failure (NS-SND-OP-06)."""
    if task.attempt == 1:
        return unbegun(task, now, Status.EXPIRED, Reason.TOO_LATE)
    return replace(unbegun(task, now, *given_up(task)), detail="expired before the next attempt")
