"""One batch through its agent, without Kafka: events in, outputs, table writes and effects out (design rules 11, 13).

An exception is tied to the event the agent held when it rose. The whole batch is then computed again without the
offender, so that survivors and dead letters share one transaction and no half-done state can leak.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streams.engine import inner
from streams.engine.api import Event, NotYet, Stage, ToEffect, ToTimer, ToTopic, Unreadable
from streams.engine.kafka import partition_of
from streams.engine.outputs import Outputs
from streams.engine.tables import Overlay, bind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from streams.engine.api import Headers

SLICE_S = 0.020
CHECK_EVERY = 64


@dataclass(slots=True)
class Computed:
    """What one batch came to. `taken` events were pulled; `dead` are (event, error, stack) of dead letters."""

    overlay: Overlay
    outputs: Outputs
    taken: int = 0
    dead: list[tuple[Event, str, str]] = field(default_factory=list)
    effects: list[tuple[bytes, Any, Headers]] = field(default_factory=list)
    defects: int = 0
    timers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a task lends to a computation: its store's reader, number, and how to make outputs."""

    stage: Stage
    task: int
    read: Callable[[bytes], bytes | None]
    outputs: Callable[[], Outputs]
    partitions: Callable[[str], int]


class BatchStream:
    """The stream an agent iterates: ends with the batch or with its time budget, and lets the loop turn."""

    def __init__(self, events: list[Event], overlay: Overlay, budget_s: float) -> None:
        """`events` in order; lanes come sorted, so a spent budget leaves the least urgent for later."""
        self.now = overlay.now
        self.current: Event | None = None
        self.taken = 0
        self.pulled_all = False
        self._events = events
        self._overlay = overlay
        self._budget_s = budget_s

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the events; effects and timers that produced one are settled as it is pulled."""
        started = slice_started = time.perf_counter()
        for event in self._events:
            if self.taken % CHECK_EVERY == 0 and self.taken:
                moment = time.perf_counter()
                if moment - started > self._budget_s:
                    break
                if moment - slice_started > SLICE_S:
                    await asyncio.sleep(0)
                    slice_started = time.perf_counter()
            self.taken += 1
            if type(event.value) is Unreadable:
                continue
            self.current = event
            if not event.topic:
                inner.settle(event, self._overlay)
            yield event


async def compute(desk: Desk, events: list[Event], now: int) -> Computed:
    """Run the agent; on an exception tied to an event, again without it. `NotYet` passes through."""
    dead: dict[int, tuple[Event, str, str]] = {}
    while True:
        done = Computed(Overlay(desk.read, now), desk.outputs())
        stream = BatchStream(_without(events, dead), done.overlay, desk.stage.budget_ms / 1000)
        try:
            await _run(desk, stream, done)
        except NotYet:
            raise
        except Exception as error:  # noqa: BLE001 - an agent's defect is tied to its event
            if stream.current is None or len(dead) >= desk.stage.ceiling:
                raise
            where = _position(events, stream.current)
            dead[where] = (stream.current, f"{type(error).__name__}: {error}", traceback.format_exc(limit=-8))
            continue
        done.taken = _taken(events, dead, stream)
        done.defects = len(dead)
        dead.update(_unreadable(events[: done.taken]))
        _settle_dead(done, [entry for where, entry in sorted(dead.items()) if where < done.taken])
        return done


async def _run(desk: Desk, stream: BatchStream, done: Computed) -> None:
    stage = desk.stage
    assert stage.agent is not None
    routes, carried = stage.routes, stage.carried_headers
    async for outcome in stage.agent(stream, bind(stage.tables, done.overlay)):
        event = stream.current
        headers: Headers = ()
        at = done.overlay.now
        if event is not None:
            at = event.at
            if event.raw_headers:
                headers = tuple(h for h in event.raw_headers if h[0] in carried)
        for route in routes[type(outcome)]:
            if isinstance(route, ToTopic):
                topic, key = route.topic(outcome), route.key(outcome)
                partition = desk.task if route.same_partition else _partition(desk, topic, key)
                done.outputs.append(topic, partition, key, route.encode(outcome), at, headers)
            elif isinstance(route, ToTimer):
                done.timers.append(inner.set_timer(route, outcome, headers, done.overlay))
            elif isinstance(route, ToEffect):
                effect_id = inner.record_effect(route, outcome, headers, done.overlay)
                done.effects.append((effect_id, outcome, headers))


def _partition(desk: Desk, topic: str, key: bytes | None) -> int:
    count = desk.partitions(topic)
    return desk.task % count if key is None else partition_of(key, count)


def _without(events: list[Event], dead: dict[int, Any]) -> list[Event]:
    return [event for where, event in enumerate(events) if where not in dead] if dead else events


def _unreadable(events: list[Event]) -> dict[int, tuple[Event, str, str]]:
    return {
        where: (event, event.value.reason, event.value.stack)
        for where, event in enumerate(events)
        if type(event.value) is Unreadable
    }


def _position(events: list[Event], event: Event) -> int:
    return next(where for where, other in enumerate(events) if other is event)


def _taken(events: list[Event], dead: dict[int, Any], stream: BatchStream) -> int:
    """How many of the given events are dealt with: the last one pulled, and every dead one before the next."""
    if stream.taken == len(events) - len(dead):
        return len(events)
    living = [where for where in range(len(events)) if where not in dead]
    return living[stream.taken]


def _settle_dead(done: Computed, dead: list[tuple[Event, str, str]]) -> None:
    """A dead timer or effect result still leaves its row, else it would come back for ever."""
    done.dead = dead
    for event, _, _ in dead:
        if not event.topic:
            inner.settle(event, done.overlay)
