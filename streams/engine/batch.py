"""The stream that an agent iterates: it ends with the batch and lets the event loop turn (design rule 13)."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from streams.engine import inner
from streams.engine.api import LATER, PASSED_OVER, Event, NotYet, Undecodable, Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from streams.engine.api import Stage
    from streams.engine.tables import Overlay
    from streams.engine.turns import Turn

RIDE_S, RIDE_SHARE = 0.01, 0.5
"""How long a batch in which something is urgent, or behind which it waits, goes on with what is not: the
first, or this share of what the task's last transaction took, divided among the process's tasks, for they
share its event loop. Where each takes a second, ten milliseconds of bulk would be next to nothing."""
LONGEST_S = 0.5
"""Transactions count as no longer than this."""

Buried = tuple[Event, str, str]
"""An event that becomes a dead letter, the reason, the stack (empty when our code is not to blame)."""


class BatchStream:
    """One pass over a batch. However often an agent iterates it, each event comes once.

    `current` is the event pulled last, at place `where`; `taken` counts events dealt with, those to bury
    included; `ended` says that no more will come in this pass; `wait`, that the next cannot be decoded yet.
    """

    def __init__(
        self, stage: Stage, events: list[Event], overlay: Overlay, dead: Mapping[int, Buried], turn: Turn
    ) -> None:
        """`events` in the order of lanes, so a spent budget leaves the least urgent for later.

        The stage's budget is time of its own: what other batches take of the event loop is not counted. It is
        no less than what the task's last transaction took: what is cut off would wait for longer.
        """
        self.now = overlay.now
        self.current: Event | None = None
        self.where = -1
        self.taken = 0
        self.living = 0
        self.ended = False
        self.wait: NotYet | None = None
        self.buried: list[Buried] = []
        self._overlay = overlay
        self._turn = turn
        self._urgent = _urgent_events(stage, events)
        began = time.perf_counter()
        commit_s = min(turn.commit_s, LONGEST_S)
        self._ride_until = began + max(RIDE_S, commit_s * RIDE_SHARE / turn.members)
        self._stop_at = began + max(stage.budget_ms / 1000, commit_s)
        self._look_at = began
        self._decoders = decoders_of(stage)
        self.events = self._pull(events, dead)

    def __aiter__(self) -> AsyncIterator[Event]:
        """The one pass; a second loop goes on where the first one stopped."""
        return self.events

    async def breathe(self) -> None:
        """Let the event loop turn, and other batches compute."""
        paused = await self._turn.pass_on()
        self._ride_until += paused
        self._stop_at += paused

    async def _goes_on(self, where: int) -> bool:
        """Whether the batch has time for this event; lets the loop turn when the slice is over.

        Not while something urgent waits, and is not in what is left of the batch. What is urgent changes only
        when the loop turns, so between two looks nothing but the event's time is asked for.
        """
        now = time.perf_counter()
        rides = now < self._ride_until
        if where and (now > self._stop_at or (not rides and where >= self._urgent and self._turn.urgent())):
            return False
        if now > self._turn.slice_ends:
            await self.breathe()
            return await self._goes_on(where)
        nearest = min(self._stop_at, self._turn.slice_ends)
        if rides:
            self._look_at = min(nearest, self._ride_until)
        else:
            self._look_at = now if where < self._urgent else nearest
        return True

    def _is_decoded(self, event: Event) -> bool:
        """Whether it has a value now; not when it must wait for its schema."""
        try:
            event.value = self._decoders[event.topic](event.raw or b"")
        except NotYet as wait:
            self.wait = wait
            return False
        except Exception as error:  # noqa: BLE001 - a defect of the decoder is tied to its record
            event.value = unreadable(error)
        return True

    async def _pull(self, events: list[Event], dead: Mapping[int, Buried]) -> AsyncGenerator[Event]:
        """Decode and yield; a timer or result is settled as it is pulled, and so is one that is buried."""
        for where, event in enumerate(events):
            if time.perf_counter() > self._look_at and not await self._goes_on(where):
                break
            if event.value is PASSED_OVER:
                self.taken += 1
                continue
            if event.value is LATER and not self._is_decoded(event):
                break
            self.taken += 1
            if not event.topic:
                inner.settle(event, self._overlay)
            value = event.value
            if type(value) is Unreadable or where in dead:
                self.buried.append(dead.get(where) or (event, value.reason, value.stack))
                continue
            self.where, self.current = where, event
            self.living += 1
            yield event
        self.ended = True


def _urgent_events(stage: Stage, events: list[Event]) -> int:
    """How many events one must deal with until no urgent one is left.

    Bulk has its share among them. Without it a flood of urgent records ended each batch of the recipient
    stage after 10 ms: five times the transactions, a fifth fewer requests/s.
    """
    topics = stage.urgent_topics
    if not topics:
        return 0
    return max((place for place, event in enumerate(events, 1) if event.topic in topics), default=0)


def decoders_of(stage: Stage) -> dict[str, Callable[[bytes], Any]]:
    """Decoders by topic; timers come without one."""
    decoders: dict[str, Callable[[bytes], Any]] = {source.topic: source.decode for source in stage.inputs}
    if stage.timer is not None:
        decoders[""] = stage.timer.decode
    return decoders


def unreadable(error: Exception) -> Unreadable:
    """What cannot be decoded is a value too; a stack says that our own code is to blame."""
    if isinstance(error, Undecodable):
        return Unreadable(str(error))
    stack = "".join(traceback.format_exception(error, limit=-8))
    return Unreadable(f"{type(error).__name__}: {error}", stack)
