"""Waits for a receipt of a request's messages; a reserve channel follows when none comes (SEEN-OP-01).

consumes  FallbackPlanned, states of messages, FallbackDue (timer), FallbackAsked and ReceiptsAsked (when
          they are back)
keeps     waits
emits     FallbackDue (timer), FallbackOff (its end), FallbackAsked (facts.seen), ReceiptsAsked
          (provider.receipts), FallbackGranted (request.<lane>)

When the time is over nothing is granted yet: a question goes the way of seen facts, and then that of the
posts of each provider which may report, behind all that were taken before. Only when it is back, and no
receipt came with it, the next channel is used. So a receipt counts by when it was posted, and not by how far
a stage is behind after a kill.

The next channel keeps the quiet hours that the first one kept. They are waited for here: whoever sees the
first message meanwhile gets no second one, and those that wait for the morning do not come together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.quiet import quiet_until
from schemas.records import FallbackAsked, FallbackDue, FallbackGranted, FallbackOff, ReceiptsAsked
from schemas.words import Status
from tables.waits import Wait, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agents.ports import Table
    from schemas.records import FallbackPlanned
    from tables.progress import Progress

    Waits = Table[bytes, Wait]
    Reporting = Callable[[str], Iterable[str]]

Watched = FallbackDue | FallbackOff | FallbackAsked | ReceiptsAsked | FallbackGranted


def plan(planned: FallbackPlanned, waits: Waits) -> list[Watched]:
    """Messages went out: their time begins."""
    key, wait = key_of(planned.request), Wait.of(planned)
    waits.put(key, wait, expires_at=wait.ends_at)
    return [_due(key, wait)]


def look(progress: Progress, now: int, waits: Waits) -> list[Watched]:
    """A message has a new state: its request's wait may be over, or begin anew."""
    queued = progress.queued
    if not queued.is_awaited:
        return []
    key = key_of(queued)
    wait = waits.get(key)
    if wait is None:
        return []
    sent = progress.facts.get(Status.SENT)
    after = wait.learn(queued.message_id, progress.status, sent.at if sent else None, now)
    if after is wait:
        return []
    off: list[Watched] = [FallbackOff(wait_id=key.hex(), due_at=wait.due_at)]
    if after is None:
        waits.delete(key)
        return [] if wait.is_asked else off
    waits.put(key, after, expires_at=after.ends_at)
    return [] if after.due_at == wait.due_at else [*off, _due(key, after)]


def fire(due: FallbackDue, now: int, waits: Waits) -> list[Watched]:
    """The time is over, unless it began anew meanwhile. In quiet hours nothing is asked before they end."""
    key = bytes.fromhex(due.wait_id)
    wait = waits.get(key)
    if wait is None or wait.is_asked or wait.due_at != due.due_at:
        return []
    quiet = wait.plan.quiet if now < wait.plan.expires_at else None
    until = quiet_until(quiet, now) if quiet else None
    if until is not None:
        held = wait.held(until)
        waits.put(key, held, expires_at=held.ends_at)
        return [_due(key, held)]
    waits.put(key, wait.asked(), expires_at=wait.ends_at)
    return [FallbackAsked(user_id=due.user_id, wait_id=due.wait_id)]


def grant(asked: FallbackAsked | ReceiptsAsked, waits: Waits, reporting: Reporting) -> list[Watched]:
    """The question is back: who has not been seen by now, on whatever way, was not seen in time."""
    key = bytes.fromhex(asked.wait_id)
    wait = waits.get(key)
    if wait is None or not wait.is_asked:
        return []
    left = asked.providers[1:] if isinstance(asked, ReceiptsAsked) else _reporting(wait.plan, reporting)
    if left:
        return [ReceiptsAsked(user_id=asked.user_id, wait_id=asked.wait_id, providers=left)]
    waits.delete(key)
    return [FallbackGranted(plan=wait.plan)]


def _reporting(plan: FallbackPlanned, reporting: Reporting) -> list[str]:
    """Whoever may have taken one of the messages and says what became of it."""
    return sorted({name for channel in plan.channels for name in reporting(channel)})


def _due(key: bytes, wait: Wait) -> FallbackDue:
    return FallbackDue(user_id=wait.plan.request.user_id, wait_id=key.hex(), due_at=wait.due_at)
