"""After a question: what a provider knows of an attempt whose answer a crash hid (`ask`, NS-SND-OP-12).

A question sends nothing, so it spends no attempt and is put once even after the message's expiry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.begin import Moment, Outcomes, repeat
from agents.react import accepted, delivered, exhausted
from agents.report import ended
from agents.retry import pause_ms
from schemas.records import CallEnded, ProviderCall, RetryDue
from schemas.words import Reason, Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable


def asked(due: RetryDue, provider: str) -> Outcomes:
    """The pause is over: put the question again."""
    return [ProviderCall(task=due.task, provider=provider, ask=True, cost=due.cost)]


def _never_arrived(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The provider never saw it: now it is safe to repeat, and certain that it failed if it cannot be."""
    again = repeat(call_ended.call.task, moment)
    return again or [exhausted(call_ended, moment.now, "the provider never received it")]


def _not_answered(call_ended: CallEnded, moment: Moment) -> Outcomes:
    task = call_ended.call.task
    due_at = moment.now + pause_ms(task.message_id, task.waits, call_ended.retry_after_ms)
    if due_at >= task.expires_at:
        return _never_answered(call_ended, moment)
    later = replace(task, waits=task.waits + 1)
    call = call_ended.call
    return [RetryDue(task=later, due_at=due_at, ask=call.provider, cost=call.cost)]


def _never_answered(call_ended: CallEnded, moment: Moment) -> Outcomes:
    held = ended(call_ended, moment.now, Status.UNKNOWN, Reason.HELD)
    return [replace(held, detail="the provider could not be asked")]


def _not_asked(call_ended: CallEnded, _: Moment) -> Outcomes:
    """A crash hid the answer to the question: asking twice harms nobody."""
    return [call_ended.call]


def _never_put(call_ended: CallEnded, moment: Moment) -> Outcomes:
    """The question had no place in time. It keeps that of later messages, so it ends with its message."""
    over = moment.now >= call_ended.call.task.expires_at
    return _never_answered(call_ended, moment) if over else [call_ended.call]


ANSWERS: dict[Verdict, Callable[[CallEnded, Moment], Outcomes]] = {
    Verdict.ACCEPTED: accepted,
    Verdict.DELIVERED: delivered,
    Verdict.TEMPORARY: _not_answered,
    Verdict.PERMANENT: _never_arrived,
    Verdict.LIMITED: _not_answered,
    Verdict.MISCONFIGURED: _never_answered,
    Verdict.HIDDEN: _not_asked,
    Verdict.LAPSED: _never_put,
}
