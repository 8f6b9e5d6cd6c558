"""The delivery stage: hand each message to a provider, at most `max_attempts` times, never after its expiry.

consumes  vetoes.<channel> (Vetoed), channel.<channel>.<lane> (SendTask), results of calls (CallEnded),
          timers (RetryDue)
keeps     vetoes, cancelled; what a retry must know rides in its SendTask
emits     ProviderCall (effect), RetryDue (timer), AttemptEnded (outcomes), DeviceChanged of a refused device

Rules: NS-SND-019…021, NS-SND-044, NS-SND-050, NS-SND-OP-12…14. An *attempt* is one call that may have sent
something: temporary errors and hidden answers spend one; limits, lapsed calls, questions and refused
credentials do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from agents.ask import ANSWERS, asked
from agents.begin import Moment, begin
from agents.heed import heed, remember
from agents.react import REACTIONS
from schemas.device_words import SERVED
from schemas.records import CallEnded, RetryDue, SendTask, Vetoed
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.begin import Outcome, Outcomes
    from agents.heed import Memory
    from agents.ports import Reference, Stream

Input = SendTask | CallEnded | RetryDue


async def deliver(stream: Stream, memory: Memory, reference: Reference) -> AsyncIterator[Outcome]:
    """One batch of one delivery task. Every call passes `heed`, whatever led to it."""
    async for event in stream:
        if isinstance(event.value, Vetoed):
            remember(event.value, memory)
            continue
        moment = Moment(now=stream.now, providers=serving(task_of(event.value), reference))
        for outcome in decide(event.value, moment):
            yield heed(outcome, memory, reference, stream.now)


def serving(task: SendTask, reference: Reference) -> list[str]:
    """Active providers of its channel, in order; of a push those that take its token (NS-CH-064)."""
    platform = (task.platform or "").lower()  # contacts of other services say `iOS`, too
    known = ((one, one.platforms or SERVED.get(one.kind)) for one in reference.providers(task.channel))
    return [one.name for one, platforms in known if platforms is None or platform in platforms]


def decide(value: Input, moment: Moment) -> Outcomes:
    """What follows from one input. A verdict outside the closed list is a defect: `ValueError`."""
    match value:
        case SendTask():
            return begin(value, moment)
        case RetryDue():
            return asked(value, value.ask) if value.ask else begin(value.task, moment)
        case CallEnded():
            reactions = ANSWERS if value.call.ask else REACTIONS
            return reactions[Verdict(value.verdict)](value, moment)
        case _:
            assert_never(value)


def task_of(value: Input) -> SendTask:
    """The task inside any input of the stage."""
    match value:
        case SendTask():
            return value
        case RetryDue():
            return value.task
        case CallEnded():
            return value.call.task
        case _:
            assert_never(value)
