"""One batch through its agent, without Kafka: events in; outputs, rows and effects out (design rules 11, 13).

An exception is tied to the event the agent held when it rose. The whole batch is then computed again without
the offender, so that survivors and dead letters share one transaction and no half-done state can leak.
"""

from __future__ import annotations

import time
import traceback
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from streams.engine import inner
from streams.engine.api import NotYet, Stage, StageFailedError, ToCount, ToTimer, ToTopic
from streams.engine.batch import BatchStream, Buried
from streams.engine.intent import Intent
from streams.engine.kafka import partition_of
from streams.engine.outputs import Outputs
from streams.engine.tables import Overlay, bind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from streams.engine.api import Event, Headers, Tables
    from streams.engine.tables import Committed
    from streams.engine.turns import Turn


@dataclass(slots=True)
class Computed:
    """What one batch came to. `taken`: events dealt with; `ended_at`: monotonic s, before the commit."""

    overlay: Overlay
    outputs: Outputs
    taken: int = 0
    dead: list[Buried] = field(default_factory=list)
    effects: list[Intent] = field(default_factory=list)
    timers: list[int] = field(default_factory=list)
    told: list[tuple[Callable[[object], None], object]] = field(default_factory=list)
    ended_at: float = 0.0

    def tell(self) -> None:
        """It is committed: let those know who count."""
        for tell, outcome in self.told:
            tell(outcome)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a task lends to a computation: its rows, number, how to make outputs, its turn.

    `tasks`: by how many the keys of the stage are spread.
    """

    stage: Stage
    task: int
    committed: Committed
    outputs: Callable[[], Outputs]
    partitions: Callable[[str], int]
    turn: Turn
    tasks: int


async def compute(desk: Desk, events: list[Event], now: int) -> Computed:
    """Run the agent over the batch, or over the beginning of it that can be handled now. The turn is held.

    An event that makes the agent raise is left out and buried. `NotYet` is raised only when the first event
    must wait: those before one that waits are not held up by it.
    """
    dead: dict[int, Buried] = {}
    while True:
        done = Computed(Overlay(desk.committed, now), desk.outputs())
        if not events:
            return done
        stream = BatchStream(desk.stage, events, done.overlay, dead, desk.turn)
        try:
            await _run(desk, stream, done)
        except StageFailedError:
            raise
        except Exception as error:  # noqa: BLE001 - an agent's defect is tied to its event
            events = _without_offender(desk.stage, events, dead, stream, error)
            continue
        done.taken, done.dead, done.ended_at = stream.taken, stream.buried, time.monotonic()
        return _checked(desk.stage, done, stream)


def _without_offender(
    stage: Stage, events: list[Event], dead: dict[int, Buried], stream: BatchStream, error: Exception
) -> list[Event]:
    """What to try next: all but the event the agent held, or only what comes before it when it must wait.

    What rises after the last event names none, so half of them are tried, until one alone is to blame.
    """
    half = stream.taken // 2
    if stream.current is None:
        raise error
    if isinstance(error, NotYet):
        shorter = events[: half if stream.ended else stream.where]
        if not shorter:
            raise error
        return shorter
    if stream.ended and stream.living > 1:
        return events[:half]
    text = f"{type(error).__name__}: {error}"
    if len(dead) >= stage.ceiling:
        most = f"more than {stage.ceiling} defects of its own code"
        raise StageFailedError(f"stage {stage.name}: {most}, in one batch; last: {text}") from error
    stack = "".join(traceback.format_exception(error, limit=-8))
    dead[stream.where] = (stream.current, text, stack)
    return events


def _checked(stage: Stage, done: Computed, stream: BatchStream) -> Computed:
    if done.taken:
        return done
    if stream.wait is not None:
        raise stream.wait
    raise StageFailedError(f"stage {stage.name}: its agent takes no event, so it would never get on")


async def _run(desk: Desk, stream: BatchStream, done: Computed) -> None:
    """One call of the agent; its frame and the stream's are gone when this returns."""
    stage = desk.stage
    assert stage.agent is not None
    routing = _Routing(desk, done)
    tables = cast("Tables", bind(stage.tables, done.overlay))
    outcomes = cast("AsyncGenerator[object]", stage.agent(stream, tables))
    async with aclosing(stream.events), aclosing(outcomes):
        async for outcome in outcomes:
            routing.route(outcome, stream.current)
            if time.perf_counter() > desk.turn.slice_ends:
                await stream.breathe()


class _Routing:
    """Turns outcomes into records, rows and intents; an outcome belongs to the event pulled last."""

    __slots__ = ("_at", "_cause", "_desk", "_done", "_event", "_headers", "_now")

    def __init__(self, desk: Desk, done: Computed) -> None:
        self._desk = desk
        self._done = done
        self._now = self._at = done.overlay.now
        self._event: Event | None = None
        self._headers: Headers = ()
        self._cause = b""

    def route(self, outcome: object, event: Event | None) -> None:
        if event is not self._event:
            self._belong_to(event)
        desk, done, headers = self._desk, self._done, self._headers
        for route in desk.stage.routes[type(outcome)]:
            if isinstance(route, ToTopic):
                topic, key = route.topic(outcome), route.key(outcome)
                if route.spread is None:
                    partition = _partition(desk, topic, key, same=route.same_partition)
                else:
                    partition = route.spread(outcome) % desk.partitions(topic)
                done.outputs.append(topic, partition, key, route.encode(outcome), self._at, headers)
            elif isinstance(route, ToCount):
                done.told.append((route.tell, outcome))
            elif isinstance(route, ToTimer):
                done.timers.append(inner.set_timer(route, outcome, headers, done.overlay))
            elif (noted := inner.record_effect(route, outcome, headers, done.overlay)) is not None:
                effect_id, payload = noted
                done.effects.append(Intent(effect_id, outcome, headers, payload, self._cause))

    def _belong_to(self, event: Event | None) -> None:
        """Headers travel on; so does the time, but no broker takes a record of the future."""
        self._event = event
        if event is None:
            return
        self._cause = inner.effect_of(event)
        carried = self._desk.stage.carried_headers
        self._at = event.at if 0 <= event.at < self._now else self._now
        self._headers = tuple(h for h in event.raw_headers if h[0] in carried) if event.raw_headers else ()


def _partition(desk: Desk, topic: str, key: bytes | None, *, same: bool) -> int:
    count = desk.partitions(topic)
    if same and not desk.tasks % count:  # the key's hash by a divisor: no need to compute it
        return desk.task % count
    return desk.task % count if key is None else partition_of(key, count)
