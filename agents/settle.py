"""The status stage: one state per message out of all that is said about it; rows, events, statistics of it.

consumes  outcomes (RequestDecided, MessageQueued, AttemptEnded)
keeps     progress: how far each message has come
emits     MessageRow, StatusLogged, RequestDecided (rows); NotificationEvent (notification.events);
          StatsPartial (stats.partials), folded at the end of the batch

Rules: NS-SND-021, NS-SND-OP-06…08, NS-STAT-001…005, NS-STAT-OP-01, NS-STAT-OP-02.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.announce import announce, announce_request
from agents.learn import fact_of, learn, logged
from agents.tally import tally, tally_request
from schemas.records import (
    AttemptEnded,
    MessageQueued,
    MessageRow,
    NotificationEvent,
    RequestDecided,
    StatsPartial,
    StatusLogged,
)
from tables.progress import KEEP_MS, Progress
from tables.windows import Windows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agents.ports import Stream, Table

Outcome = MessageRow | StatusLogged | RequestDecided | NotificationEvent | StatsPartial


async def settle(stream: Stream, progress: Table[bytes, Progress]) -> AsyncIterator[Outcome]:
    """One batch of one status task."""
    windows = Windows()
    async for event in stream:
        value: RequestDecided | MessageQueued | AttemptEnded = event.value
        if isinstance(value, RequestDecided):
            windows.add(tally_request(value))
            outcomes: list[Outcome] = [value, *announce_request(value)]
        else:
            before = progress.get(value.message_id.encode())
            after, outcomes = decide(before, value, event.at)
            if after is not before:
                windows.add(tally(before, after))
                progress.put(value.message_id.encode(), after, expires_at=stream.now + KEEP_MS)
        for outcome in outcomes:
            yield outcome
    for partial in windows.partials():
        yield partial


def decide(
    before: Progress | None, value: MessageQueued | AttemptEnded, received_at: int
) -> tuple[Progress, list[Outcome]]:
    """The message's next state and what is told about it; the same object and nothing for a repeat."""
    fact = fact_of(value, received_at)
    if before is not None and before.knows(fact.event_id):
        return before, []
    after = learn(before, value).merge(fact)
    return after, [after.row(), logged(value, fact), *announce(before, after, fact)]
