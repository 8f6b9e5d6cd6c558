"""The stream that an agent iterates: it ends with the batch and lets the event loop turn (design rule 13)."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from streams.engine import inner
from streams.engine.api import LATER, Event, NotYet, Undecodable, Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from streams.engine.api import Stage
    from streams.engine.tables import Overlay
    from streams.engine.turns import Turn

RIDE_S = 0.01
"""How long a batch in which something is urgent, or behind which it waits, goes on with what is not."""

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

        The stage's budget is time of its own: what other batches take of the event loop is not counted.
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
        self._ride_until, self._stop_at = began + RIDE_S, began + stage.budget_ms / 1000
        self._decoders = decoders_of(stage)
        self.events = self._pull(events, dead)

    def __aiter__(self) -> AsyncIterator[Event]:
        """The one pass; a second loop goes on where the first one stopped."""
        return self.events

    @property
    def slice_spent(self) -> bool:
        """Whether the event loop has been held for long enough."""
        return time.perf_counter() > self._turn.slice_ends

    async def breathe(self) -> None:
        """Let the event loop turn, and other batches compute."""
        paused = await self._turn.pass_on()
        self._ride_until += paused
        self._stop_at += paused

    def _spent(self, where: int, moment: float) -> bool:
        """Whether the batch ends before this event: not for what is urgent while more of that is in it."""
        if moment < self._ride_until:
            return moment > self._stop_at
        return moment > self._stop_at or (where >= self._urgent and self._turn.urgent())

    async def _pull(self, events: list[Event], dead: Mapping[int, Buried]) -> AsyncGenerator[Event]:
        """Decode and yield; a timer or result is settled as it is pulled, and so is one that is buried."""
        for where, event in enumerate(events):
            moment = time.perf_counter()
            if where and self._spent(where, moment):
                break
            if moment > self._turn.slice_ends:
                await self.breathe()
            if not self._readable(event):
                break
            self.taken += 1
            if not event.topic:
                inner.settle(event, self._overlay)
            buried = dead.get(where) or _unreadable(event)
            if buried is not None:
                self.buried.append(buried)
                continue
            self.where, self.current = where, event
            self.living += 1
            yield event
        self.ended = True

    def _readable(self, event: Event) -> bool:
        if event.value is LATER:
            try:
                event.value = decoded(event, self._decoders)
            except NotYet as wait:
                self.wait = wait
                return False
        return True


def _urgent_events(stage: Stage, events: list[Event]) -> int:
    """How many events one must deal with until no urgent one is left.

    Bulk has its share among them. Without it a flood of urgent records ended each batch of the recipient
    stage after 10 ms: five times the transactions, a fifth fewer requests/s.
    """
    topics = stage.urgent_topics
    if not topics:
        return 0
    return max((place for place, event in enumerate(events, 1) if event.topic in topics), default=0)


def _unreadable(event: Event) -> Buried | None:
    value = event.value
    return (event, value.reason, value.stack) if type(value) is Unreadable else None


def decoders_of(stage: Stage) -> dict[str, Callable[[bytes], Any]]:
    """Decoders by topic; timers come without one."""
    decoders: dict[str, Callable[[bytes], Any]] = {source.topic: source.decode for source in stage.inputs}
    if stage.timer is not None:
        decoders[""] = stage.timer.decode
    return decoders


def decoded(event: Event, decoders: Mapping[str, Callable[[bytes], Any]]) -> Any:
    """The value of a record or timer; what cannot be decoded is a value too. `NotYet` passes through."""
    try:
        return decoders[event.topic](event.raw or b"")
    except Undecodable as error:
        return Unreadable(str(error))
    except NotYet:
        raise
    except Exception as error:  # noqa: BLE001 - a defect of the decoder is tied to its record
        return Unreadable(f"{type(error).__name__}: {error}", traceback.format_exc(limit=-8))
