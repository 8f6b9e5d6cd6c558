"""The delivery stage: hand each message to a provider, at most `max_attempts` times, never after its expiry.

consumes  vetoes.<channel> (Vetoed), channel.<channel>.<lane> (SendTask), results of calls (CallEnded),
          timers (RetryDue)
keeps     vetoes, cancelled; what a retry must know rides in its SendTask
emits     ProviderCall (effect), RetryDue (timer), AttemptEnded (outcomes), DeviceChanged of a refused device,
          CostIncurred (spending.costs), folded at the end of the batch

Rules: NS-SND-019…021, NS-SND-044, NS-SND-050, NS-SND-OP-12…14. An *attempt* is one call that may have sent
something: temporary errors and hidden answers spend one; limits, lapsed calls, questions, refused credentials
and waits for providers that are left alone do not.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, assert_never

from agents.ask import ANSWERS, asked
from agents.begin import Moment, begin
from agents.heed import heed, remember
from agents.pay import billed, priced
from agents.react import REACTIONS
from agents.serve import ALL_WELL, moment_of
from schemas.records import CallEnded, CostIncurred, RetryDue, SendTask, Vetoed
from schemas.words import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.begin import Outcome, Outcomes
    from agents.heed import Memory
    from agents.ports import Reference, Stream
    from agents.serve import Choice

Input = SendTask | CallEnded | RetryDue
SETTLED = frozenset({Verdict.ACCEPTED, Verdict.DELIVERED})


async def deliver(
    stream: Stream, memory: Memory, reference: Reference, choice: Choice = ALL_WELL
) -> AsyncIterator[Outcome | CostIncurred]:
    """One batch of one delivery task. Every call passes `heed`, whatever led to it."""
    spent: Counter[str] = Counter()
    async for event in stream:
        if isinstance(event.value, Vetoed):
            remember(event.value, memory)
            continue
        for outcome in decide(event.value, _moment(event.value, stream.now, reference, choice)):
            yield heed(priced(outcome, reference), memory, reference, stream.now)
        for of, cost in billed(event.value).items():
            spent[of] += cost
    for of, cost in spent.items():
        yield CostIncurred(of=of, cost=cost, at=stream.now)


def _moment(value: Input, now: int, reference: Reference, choice: Choice) -> Moment:
    """What the decision may look at. Most calls are accepted, and then nobody is to be chosen."""
    if isinstance(value, CallEnded) and value.verdict in SETTLED and not value.call.ask:
        return Moment(now, ())
    return moment_of(task_of(value), now, reference, choice)


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
